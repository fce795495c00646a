/**
 * The real file system: node:fs for what Node can do, `syscalls.ts` for the rest.
 *
 * Two Linux habits run through this file. An open folder is entered as `/proc/self/fd/N/name`: that is openat(2) without
 * a native call, so paths of any depth work and a folder swapped for a symlink meanwhile cannot lead us astray. And what
 * has no descriptor is never addressed through a symlink (l-calls, O_NOFOLLOW).
 */
import * as fs from 'node:fs'
import { systemErrorCode } from '../base/errors.ts'
import type { Nanoseconds } from '../base/ids.ts'
import { encodeText } from '../base/text.ts'
import { aclText, aclTextOfMode, type NameLookup, packAcl } from './acl.ts'
import { currentFolder } from './current-folder.ts'
import { createNodeDevice, createNodeFifo } from './device-nodes.ts'
import { makeSystemErrorNamed } from '../base/errno.ts'
import { readFileFlags, writeFileFlags } from './file-flags.ts'
import type {
  Acl,
  FileSystem,
  FolderEntry,
  MissingFeature,
  NativePath,
  OpenFile,
  OpenOptions,
  OutputFile,
  PathInside,
  Place,
  Stat,
} from './file-system.ts'
import { listFolder } from './folder-listing.ts'
import { NodeOpenFile, NodeOutputFile, statInside, toStat } from './node-files.ts'
import { findSyscalls, type Handle, type Syscalls } from './syscalls.ts'
import { makeNameLookup } from './users.ts'
import { isUnsupported, readAttribute, readAttributes, terminated, writeAttribute } from './xattr.ts'

const accessAcl = 'system.posix_acl_access'
const defaultAcl = 'system.posix_acl_default'
const pathOnly = 0o10000000 // O_PATH, which Node does not name
const nanosecondsPerSecond = 1_000_000_000n

export interface NodeFileSystemOptions {
  /** False: work as on a machine without koffi. */
  readonly syscalls?: boolean
}

/** The file system of this machine. */
export function openNodeFileSystem(options: NodeFileSystemOptions = {}): FileSystem {
  return new NodeFileSystem(options.syscalls === false ? undefined : findSyscalls())
}

class NodeFileSystem implements FileSystem {
  readonly #calls: Syscalls | undefined
  readonly #names: NameLookup
  readonly #reachesThroughProc: boolean
  readonly missing: readonly MissingFeature[]
  readonly keepsBirthTimes = process.platform === 'darwin' || process.platform === 'freebsd'

  constructor(calls: Syscalls | undefined) {
    this.#calls = calls
    this.#names = makeNameLookup(calls)
    this.#reachesThroughProc = canReachThroughProc()
    this.missing = missingFeatures(calls)
  }

  get isRoot(): boolean {
    return process.geteuid?.() === 0
  }

  get currentFolder(): Uint8Array {
    return currentFolder()
  }

  lstat(path: NativePath): Stat {
    const inside = this.#calls?.statInside
    if (inside !== undefined && 'folder' in path)
      return statInside(inside, path.folder.descriptor, terminated(path.name))
    return toStat(fs.lstatSync(this.#native(path), { bigint: true }))
  }

  stat(path: NativePath): Stat {
    return toStat(fs.statSync(this.#native(path), { bigint: true }))
  }

  readFolder(place: NativePath | OpenFile): readonly FolderEntry[] {
    return listFolder(this.#calls, isPath(place) ? this.#native(place) : openFileOf(place))
  }

  readLink(path: NativePath): Uint8Array {
    return fs.readlinkSync(this.#native(path), 'buffer')
  }

  pathInside(folder: OpenFile, name: Uint8Array): PathInside {
    return { folder, name }
  }

  openForBackup(path: NativePath, options: OpenOptions = {}): OpenFile {
    const flags =
      fs.constants.O_RDONLY |
      (options.follow ? 0 : (fs.constants.O_NOFOLLOW ?? 0)) |
      (options.special ? 0 : (fs.constants.O_NONBLOCK ?? 0)) |
      (options.folder ? (fs.constants.O_DIRECTORY ?? 0) : 0)
    const inside = this.#calls?.openInside
    const descriptor =
      inside !== undefined && 'folder' in path
        ? openQuietly(flags, (all) => inside(path.folder.descriptor, terminated(path.name), all))
        : openQuietly(flags, (all) => fs.openSync(this.#native(path), all))
    // Only needed where folders cannot be addressed by descriptor; in deep trees it would be long.
    const known = this.#reachesThroughProc ? new Uint8Array() : this.#native(path)
    return new NodeOpenFile(descriptor, known, this.#calls?.statInside)
  }

  readExtendedAttributes(
    place: Place,
    onUnreadable?: (name: string, error: unknown) => void,
  ): ReadonlyMap<string, Uint8Array> {
    return this.#calls === undefined ? new Map() : readAttributes(this.#calls, this.#handle(place), onUnreadable)
  }

  readAcl(place: Place, stat: Stat, options: { readonly numericIds: boolean }): Acl | undefined {
    if (this.#calls === undefined || process.platform !== 'linux' || stat.kind === 'symlink') return undefined
    const access = this.#aclAttribute(place, accessAcl)
    const inherited = stat.kind === 'directory' ? this.#aclAttribute(place, defaultAcl) : undefined
    if (access === undefined && inherited === undefined) return undefined
    const text = (packed: Uint8Array): Uint8Array => aclText(packed, this.#names, options)
    return {
      access: access === undefined ? aclTextOfMode(stat.mode) : text(access),
      ...(stat.kind === 'directory' && { default: inherited === undefined ? new Uint8Array() : text(inherited) }),
    }
  }

  readFlags(place: Place, stat: Stat): number {
    // By path it would mean opening; and opening a device or FIFO has effects of its own.
    if (isPath(place) || (stat.kind !== 'file' && stat.kind !== 'directory')) return 0
    return readFileFlags(this.#calls, place.descriptor)
  }

  userName(uid: number): string | undefined {
    return this.#names.userName(uid)
  }

  groupName(gid: number): string | undefined {
    return this.#names.groupName(gid)
  }

  userId(name: string): number | undefined {
    return this.#names.userId(name)
  }

  groupId(name: string): number | undefined {
    return this.#names.groupId(name)
  }

  createFolder(path: NativePath, mode = 0o777): void {
    fs.mkdirSync(this.#native(path), mode)
  }

  createFile(path: NativePath): OutputFile {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants
    return new NodeOutputFile(fs.openSync(this.#native(path), O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o600))
  }

  createLink(existing: NativePath, path: NativePath): void {
    fs.linkSync(this.#native(existing), this.#native(path))
  }

  createSymlink(target: Uint8Array, path: NativePath): void {
    fs.symlinkSync(asBuffer(target), this.#native(path))
  }

  createFifo(path: NativePath): void {
    createNodeFifo(this.#calls, this.#native(path))
  }

  createDevice(path: NativePath, mode: number, rawDevice: number): void {
    createNodeDevice(this.#calls, this.#native(path), mode, rawDevice)
  }

  removeFile(path: NativePath): void {
    fs.unlinkSync(this.#native(path))
  }

  removeFolder(path: NativePath): void {
    fs.rmdirSync(this.#native(path))
  }

  setOwner(place: Place, uid: number, gid: number): void {
    if (isPath(place)) fs.lchownSync(this.#native(place), uid, gid)
    else fs.fchownSync(place.descriptor, uid, gid)
  }

  setMode(place: Place, mode: number): void {
    const bits = mode & 0o7777
    if (!isPath(place)) fs.fchmodSync(place.descriptor, bits)
    else if (this.#reachesThroughProc) changeModeUnfollowed(this.#native(place), bits)
    else if (!fs.lstatSync(this.#native(place)).isSymbolicLink()) fs.chmodSync(this.#native(place), bits)
  }

  setTimes(place: Place, accessed: Nanoseconds, modified: Nanoseconds): void {
    if (this.#calls !== undefined) {
      this.#calls.setTimes(this.#handle(place), BigInt64Array.of(...timeSpec(accessed), ...timeSpec(modified)))
    } else if (isPath(place)) {
      fs.lutimesSync(this.#native(place), microseconds(accessed), microseconds(modified))
    } else {
      fs.futimesSync(place.descriptor, microseconds(accessed), microseconds(modified))
    }
  }

  setExtendedAttribute(place: Place, name: string, value: Uint8Array): void {
    if (this.#calls === undefined) return
    // C would take the part before it for the name.
    if (name.includes('\0')) throw makeSystemErrorNamed('EINVAL', 'setxattr')
    writeAttribute(this.#calls, this.#handle(place), name, value)
  }

  setAcl(place: Place, acl: Acl, options: { readonly numericIds: boolean }): void {
    if (this.#calls === undefined || process.platform !== 'linux') return
    const packed = acl.access === undefined ? undefined : packAcl(acl.access, this.#names, options)
    if (packed !== undefined) writeAttribute(this.#calls, this.#handle(place), accessAcl, packed)
    if (acl.default === undefined) return
    const inherited = packAcl(acl.default, this.#names, options)
    if (inherited !== undefined) writeAttribute(this.#calls, this.#handle(place), defaultAcl, inherited)
    else this.#removeDefaultAcl(this.#calls, place)
  }

  setFlags(place: Place, flags: number): void {
    if (!isPath(place)) writeFileFlags(this.#calls, place.descriptor, flags)
  }

  /** For calls that know only paths. */
  #native(path: NativePath): Buffer {
    if (!('folder' in path)) return asBuffer(path)
    if (this.#reachesThroughProc) return Buffer.concat([procFolder(path.folder.descriptor), path.name])
    return Buffer.concat([openFileOf(path.folder).path, encodeText('/'), path.name])
  }

  #handle(place: Place): Handle {
    return isPath(place) ? terminated(this.#native(place)) : place.descriptor
  }

  #aclAttribute(place: Place, name: string): Uint8Array | undefined {
    if (this.#calls === undefined) return undefined
    try {
      const packed = readAttribute(this.#calls, this.#handle(place), encodeText(name))
      // Four bytes are a header without entries: no ACL.
      return packed !== undefined && packed.length > 4 ? packed : undefined
    } catch (error) {
      if (isUnsupported(error)) return undefined
      throw error
    }
  }

  #removeDefaultAcl(calls: Syscalls, place: Place): void {
    try {
      calls.removeAttribute(this.#handle(place), terminated(encodeText(defaultAcl)))
    } catch (error) {
      if (!isUnsupported(error) && systemErrorCode(error) !== 'ENODATA') throw error
    }
  }
}

/** node:fs takes byte paths only as Buffers. A view, no copy. */
function asBuffer(path: Uint8Array): Buffer {
  return Buffer.isBuffer(path) ? path : Buffer.from(path.buffer, path.byteOffset, path.byteLength)
}

function isPath(place: Place): place is NativePath {
  return place instanceof Uint8Array || 'folder' in place
}

function procFolder(descriptor: number): Buffer {
  return Buffer.from(`/proc/self/fd/${descriptor}/`)
}

function openFileOf(file: OpenFile): NodeOpenFile {
  if (!(file instanceof NodeOpenFile)) throw new TypeError('open file of another file system')
  return file
}

/** Without touching the access time where we may: owner or root only, so others get a second try. */
function openQuietly(flags: number, open: (flags: number) => number): number {
  const quiet = process.platform === 'linux' ? fs.constants.O_NOATIME : 0
  try {
    return open(flags | quiet)
  } catch (error) {
    if (quiet === 0 || systemErrorCode(error) !== 'EPERM') throw error
    return open(flags)
  }
}

/** chmod(2) follows symlinks; a handle that is only a place (O_PATH) does not. */
function changeModeUnfollowed(path: Buffer, bits: number): void {
  const descriptor = fs.openSync(path, pathOnly | fs.constants.O_NOFOLLOW)
  try {
    if (!fs.fstatSync(descriptor).isSymbolicLink()) fs.chmodSync(`/proc/self/fd/${descriptor}`, bits)
  } finally {
    fs.closeSync(descriptor)
  }
}

/** /proc may be absent (chroot) or closed to us (a binary with file capabilities). */
function canReachThroughProc(): boolean {
  if (process.platform !== 'linux') return false
  try {
    const descriptor = fs.openSync('/', fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
    try {
      const direct = fs.fstatSync(descriptor, { bigint: true })
      const through = fs.statSync(`/proc/self/fd/${descriptor}/.`, { bigint: true })
      return direct.ino === through.ino && direct.dev === through.dev
    } finally {
      fs.closeSync(descriptor)
    }
  } catch {
    return false
  }
}

function missingFeatures(calls: Syscalls | undefined): readonly MissingFeature[] {
  const missing: MissingFeature[] = []
  if (calls === undefined) missing.push('xattrs')
  if (calls === undefined || process.platform !== 'linux') missing.push('acls')
  if (calls?.getFlags === undefined) missing.push('flags')
  if (calls === undefined) missing.push('nanosecond-times')
  if (process.platform === 'win32') missing.push('device-nodes')
  return missing
}

function timeSpec(time: Nanoseconds): [bigint, bigint] {
  const rest = ((time % nanosecondsPerSecond) + nanosecondsPerSecond) % nanosecondsPerSecond
  return [(time - rest) / nanosecondsPerSecond, rest]
}

/**
 * Seconds as Node's utimes takes them: whole microseconds. As text, because Node takes negative numbers for "now".
 */
function microseconds(time: Nanoseconds): string {
  return String(Number(time / 1000n) / 1e6)
}
