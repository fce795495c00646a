/**
 * The port to the trees we back up and restore.
 *
 * Synchronous on purpose: one promise per system call costs five to nine times the call itself, and a backup makes a
 * dozen calls a file (decision 012). Callers give the event loop a turn between files. Every method throws the system's
 * own error (with `code`, 'ENOENT' ...) unless its comment says otherwise.
 */
import type { Nanoseconds } from '../base/ids.ts'

/** Paths are bytes here and only here; everything above uses surrogateescape strings (base/text.ts). */
export type NativePath = Uint8Array

export type FileKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'character' | 'block' | 'unknown'

export interface Stat {
  readonly kind: FileKind
  /** Full st_mode, file type included. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly links: number
  readonly device: bigint
  readonly inode: bigint
  /** st_rdev as the platform encodes it. */
  readonly rawDevice: number
  readonly size: number
  readonly modified: Nanoseconds
  readonly changed: Nanoseconds
  readonly accessed: Nanoseconds
  /** Only where the platform's archives carry it (macOS, BSD): see decision 013. */
  readonly born?: Nanoseconds
}

/** An open file or directory: metadata is read through it, so a swapped path cannot fool us. Close it. */
export interface OpenFile extends Disposable {
  /** Usable from worker threads of this process. */
  readonly descriptor: number
  stat(): Stat
  /** Reads into `into` from the current position; 0 at the end. */
  read(into: Uint8Array): number
  close(): void
}

/** A file being restored. */
export interface OutputFile extends Disposable {
  readonly descriptor: number
  write(bytes: Uint8Array): void
  /** Moves on without writing: a hole, filled with zeros by `finish`. */
  skip(size: number): void
  /** Cuts or extends to the position reached. */
  finish(): void
  close(): void
}

export interface Acl {
  readonly access?: Uint8Array
  readonly default?: Uint8Array
}

export type MissingFeature = 'xattrs' | 'acls' | 'flags' | 'nanosecond-times' | 'device-nodes'

/** What a metadata call acts on: an open file, or a path whose last part is not followed. */
export type Place = OpenFile | OutputFile | NativePath

export interface FileSystem {
  lstat(path: NativePath): Stat
  stat(path: NativePath): Stat
  /** Bare names, without '.' and '..', in no particular order. */
  readFolder(path: NativePath): readonly NativePath[]
  readLink(path: NativePath): Uint8Array
  /** Never follows a symlink in the last part unless `follow`; never blocks on a FIFO unless `special`; leaves atime alone where allowed. */
  openForBackup(path: NativePath, options?: { readonly follow?: boolean; readonly special?: boolean }): OpenFile
  /** Names are surrogateescape text. POSIX ACL attributes are left out. Empty where unsupported. */
  readExtendedAttributes(place: Place): ReadonlyMap<string, Uint8Array>
  /** In the text form of archives (numeric ids as fourth field); undefined without an extended ACL. */
  readAcl(place: Place, stat: Stat, options: { readonly numericIds: boolean }): Acl | undefined
  /** BSD flag bits as archives keep them: nodump 1, immutable 2, append 4. */
  readFlags(place: Place, stat: Stat): number

  userName(uid: number): string | undefined
  groupName(gid: number): string | undefined
  userId(name: string): number | undefined
  groupId(name: string): number | undefined

  /** Mode bits are subject to the process's umask. */
  createFolder(path: NativePath, mode?: number): void
  /** @throws EEXIST when anything is there. */
  createFile(path: NativePath): OutputFile
  createLink(existing: NativePath, path: NativePath): void
  createSymlink(target: Uint8Array, path: NativePath): void
  createFifo(path: NativePath): void
  createDevice(path: NativePath, mode: number, rawDevice: number): void
  removeFile(path: NativePath): void
  removeFolder(path: NativePath): void
  setOwner(place: Place, uid: number, gid: number): void
  setMode(place: Place, mode: number): void
  setTimes(place: Place, accessed: Nanoseconds, modified: Nanoseconds): void
  setExtendedAttribute(place: Place, name: string, value: Uint8Array): void
  setAcl(place: Place, acl: Acl, options: { readonly numericIds: boolean }): void
  setFlags(place: Place, flags: number): void

  /** What this machine cannot keep, so that faces can say it once. */
  readonly missing: readonly MissingFeature[]
  /** Whether we act as root: only then are owners restored. */
  readonly isRoot: boolean
  /** Absolute, for relative roots and files-cache keys. */
  readonly currentFolder: NativePath
}
