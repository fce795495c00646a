/**
 * The system calls Node lacks, through the optional package koffi: extended attributes, nanosecond times, device nodes,
 * file flags, the user database, folder listings with inode numbers.
 *
 * Loaded on first use and only then; undefined when koffi or the platform does not offer them, and everything above has
 * a plan for that. Linux (64-bit) is tested; macOS has only what its manual pages promise (attributes, times, users).
 * Sources: xattr(7), utimensat(2), mknod(2), ioctl_iflags(2), getdents64(2), getpwnam(3).
 */
import { createRequire } from 'node:module'
import { makeSystemError } from '../base/errno.ts'

/** A NUL-terminated path, or a descriptor. */
export type Handle = Uint8Array | number

/** Every call throws a system error when it fails. */
export interface Syscalls {
  /** Bytes written into `list` (names, NUL-terminated), or needed when `list` is empty. */
  readonly listAttributes: (handle: Handle, list: Uint8Array) => number
  /** Undefined when there is none of that name: the usual answer for ACLs, so no error is made for it. */
  readonly getAttribute: (handle: Handle, name: Uint8Array, value: Uint8Array) => number | undefined
  readonly setAttribute: (handle: Handle, name: Uint8Array, value: Uint8Array) => void
  readonly removeAttribute: (handle: Handle, name: Uint8Array) => void
  /** Two timespecs: seconds and nanoseconds of access, then of modification. A path's last symlink is not followed. */
  readonly setTimes: (handle: Handle, times: BigInt64Array) => void
  readonly makeFifo: (path: Uint8Array, mode: number) => void
  readonly userName: (uid: number) => Uint8Array | undefined
  readonly groupName: (gid: number) => Uint8Array | undefined
  readonly userId: (name: Uint8Array) => number | undefined
  readonly groupId: (name: Uint8Array) => number | undefined
  /** Linux only, as are the following; mknod also needs a C library that exports it (glibc >= 2.33, musl). */
  readonly makeNode?: (path: Uint8Array, mode: number, rawDevice: number) => void
  readonly getFlags?: (descriptor: number) => number
  readonly setFlags?: (descriptor: number, flags: number) => void
  /** `struct statx` of `name` in an open folder, not followed; with an empty name of the open file itself. */
  readonly statInside?: (descriptor: number, name: Uint8Array, into: Uint8Array) => void
  readonly openInside?: (descriptor: number, name: Uint8Array, flags: number) => number
  /** lseek: the new position. `whence` 3 and 4 look for data and holes. */
  readonly seek?: (descriptor: number, offset: number, whence: number) => number
  /** Raw linux_dirent64 records; 0 at the end. */
  readonly readFolder?: (descriptor: number, into: Uint8Array) => number
}

type Value = number | bigint | Uint8Array | BigInt64Array | Int32Array | string | null
type Foreign = (...args: readonly Value[]) => number | bigint | null
interface Library {
  func(name: string, result: string, args: readonly string[]): Foreign
}
interface Koffi {
  load(path: null): Library
  errno(): number
  decode(pointer: number | bigint, type: string): unknown
  decode(pointer: number | bigint, type: string, length: number): unknown
  decode(pointer: number | bigint, offset: number, type: string): unknown
}

let loaded: { readonly calls: Syscalls | undefined } | undefined

/** The calls, or undefined where they are not to be had. Asked once per process. */
export function findSyscalls(): Syscalls | undefined {
  loaded ??= { calls: load() }
  return loaded.calls
}

const wideArchitectures: ReadonlySet<string> = new Set(['x64', 'arm64', 'riscv64', 'loong64', 'ppc64', 's390x'])

function load(): Syscalls | undefined {
  // Structures and ioctl numbers below are those of 64-bit systems.
  if (!wideArchitectures.has(process.arch)) return undefined
  if (process.platform !== 'linux' && process.platform !== 'darwin') return undefined
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi
    const library = koffi.load(null)
    const users = userCalls(koffi, library)
    return process.platform === 'linux'
      ? { ...linuxAttributes(koffi, library), ...users, ...timeCalls(koffi, library), ...linuxExtras(koffi, library) }
      : { ...macAttributes(koffi, library), ...users, ...timeCalls(koffi, library) }
  } catch {
    return undefined
  }
}

function checker(koffi: Koffi, name: string): (result: number | bigint | null) => number {
  return (result) => {
    const value = Number(result)
    if (value < 0) throw makeSystemError(koffi.errno(), name)
    return value
  }
}

const path = 'void *'
const bytes = 'void *'

type AttributeCalls = Pick<Syscalls, 'listAttributes' | 'getAttribute' | 'setAttribute' | 'removeAttribute'>

function linuxAttributes(koffi: Koffi, library: Library): AttributeCalls {
  const list = library.func('llistxattr', 'intptr_t', [path, bytes, 'size_t'])
  const listOpen = library.func('flistxattr', 'intptr_t', ['int', bytes, 'size_t'])
  const get = library.func('lgetxattr', 'intptr_t', [path, bytes, bytes, 'size_t'])
  const getOpen = library.func('fgetxattr', 'intptr_t', ['int', bytes, bytes, 'size_t'])
  const set = library.func('lsetxattr', 'int', [path, bytes, bytes, 'size_t', 'int'])
  const setOpen = library.func('fsetxattr', 'int', ['int', bytes, bytes, 'size_t', 'int'])
  const remove = library.func('lremovexattr', 'int', [path, bytes])
  const removeOpen = library.func('fremovexattr', 'int', ['int', bytes])
  const [listed, got, put, removed] = ['listxattr', 'getxattr', 'setxattr', 'removexattr'].map((name) =>
    checker(koffi, name),
  ) as [Check, Check, Check, Check]
  return {
    listAttributes: (handle, into) => listed((typeof handle === 'number' ? listOpen : list)(handle, into, into.length)),
    getAttribute: (handle, name, into) => {
      const size = Number((typeof handle === 'number' ? getOpen : get)(handle, name, into, into.length))
      return size < 0 && koffi.errno() === noData ? undefined : got(size)
    },
    setAttribute: (handle, name, value) =>
      void put((typeof handle === 'number' ? setOpen : set)(handle, name, value, value.length, 0)),
    removeAttribute: (handle, name) => void removed((typeof handle === 'number' ? removeOpen : remove)(handle, name)),
  }
}

/** ENODATA, Linux's word for an attribute that is not there. */
const noData = 61

type Check = (result: number | bigint | null) => number
const macNoFollow = 1
/** ENOATTR, which Node has no name for. */
const macNoAttribute = 93

/** As in macOS's getxattr(2): a position argument, and an option instead of l-names. Not tested on a Mac. */
function macAttributes(koffi: Koffi, library: Library): AttributeCalls {
  const list = library.func('listxattr', 'intptr_t', [path, bytes, 'size_t', 'int'])
  const listOpen = library.func('flistxattr', 'intptr_t', ['int', bytes, 'size_t', 'int'])
  const get = library.func('getxattr', 'intptr_t', [path, bytes, bytes, 'size_t', 'uint32_t', 'int'])
  const getOpen = library.func('fgetxattr', 'intptr_t', ['int', bytes, bytes, 'size_t', 'uint32_t', 'int'])
  const set = library.func('setxattr', 'int', [path, bytes, bytes, 'size_t', 'uint32_t', 'int'])
  const setOpen = library.func('fsetxattr', 'int', ['int', bytes, bytes, 'size_t', 'uint32_t', 'int'])
  const remove = library.func('removexattr', 'int', [path, bytes, 'int'])
  const removeOpen = library.func('fremovexattr', 'int', ['int', bytes, 'int'])
  const check = checker(koffi, 'xattr')
  return {
    listAttributes: (handle, into) =>
      check(
        typeof handle === 'number'
          ? listOpen(handle, into, into.length, 0)
          : list(handle, into, into.length, macNoFollow),
      ),
    getAttribute: (handle, name, into) => {
      const size = Number(
        typeof handle === 'number'
          ? getOpen(handle, name, into, into.length, 0, 0)
          : get(handle, name, into, into.length, 0, macNoFollow),
      )
      return size < 0 && koffi.errno() === macNoAttribute ? undefined : check(size)
    },
    setAttribute: (handle, name, value) =>
      void check(
        typeof handle === 'number'
          ? setOpen(handle, name, value, value.length, 0, 0)
          : set(handle, name, value, value.length, 0, macNoFollow),
      ),
    removeAttribute: (handle, name) =>
      void check(typeof handle === 'number' ? removeOpen(handle, name, 0) : remove(handle, name, macNoFollow)),
  }
}

function timeCalls(koffi: Koffi, library: Library): Pick<Syscalls, 'setTimes' | 'makeFifo'> {
  const [currentFolder, noFollow] = process.platform === 'linux' ? [-100, 0x100] : [-2, 0x20]
  const utimensat = library.func('utimensat', 'int', ['int', path, bytes, 'int'])
  const futimens = library.func('futimens', 'int', ['int', bytes])
  const mkfifo = library.func('mkfifo', 'int', [path, 'uint32_t'])
  const timed = checker(koffi, 'utime')
  const made = checker(koffi, 'mkfifo')
  return {
    setTimes: (handle, times) =>
      void timed(
        typeof handle === 'number' ? futimens(handle, times) : utimensat(currentFolder, handle, times, noFollow),
      ),
    makeFifo: (name, mode) => void made(mkfifo(name, mode)),
  }
}

type UserCalls = Pick<Syscalls, 'userName' | 'groupName' | 'userId' | 'groupId'>

/** struct passwd and struct group both begin: char *name; char *password; uint32 id. */
function userCalls(koffi: Koffi, library: Library): UserCalls {
  const userById = library.func('getpwuid', bytes, ['uint32_t'])
  const groupById = library.func('getgrgid', bytes, ['uint32_t'])
  const userByName = library.func('getpwnam', bytes, [bytes])
  const groupByName = library.func('getgrnam', bytes, [bytes])
  const strlen = library.func('strlen', 'size_t', [bytes])
  const idOffset = 16
  const nameIn = (record: number | bigint | null): Uint8Array | undefined => {
    if (record === null) return undefined
    const text = koffi.decode(record, bytes)
    if (typeof text !== 'bigint' && typeof text !== 'number') return undefined
    const name = koffi.decode(text, 'uint8_t', Number(strlen(text)))
    return name instanceof Uint8Array ? name.slice() : undefined
  }
  const idIn = (record: number | bigint | null): number | undefined =>
    record === null ? undefined : Number(koffi.decode(record, idOffset, 'uint32_t'))
  return {
    userName: (uid) => nameIn(userById(uid)),
    groupName: (gid) => nameIn(groupById(gid)),
    userId: (name) => idIn(userByName(name)),
    groupId: (name) => idIn(groupByName(name)),
  }
}

function linuxExtras(
  koffi: Koffi,
  library: Library,
): Pick<Syscalls, 'makeNode' | 'getFlags' | 'setFlags' | 'readFolder' | 'statInside' | 'openInside' | 'seek'> {
  const mknod = findFunction(library, ['mknod'], 'int', [path, 'uint32_t', 'uint64_t'])
  const getdents = findFunction(library, ['getdents64', 'getdents'], 'intptr_t', ['int', bytes, 'size_t'])
  const openat = library.func('openat', 'int', ['int', path, 'int', 'int'])
  const lseek = library.func('lseek', 'int64_t', ['int', 'int64_t', 'int'])
  const sought = checker(koffi, 'lseek')
  const made = checker(koffi, 'mknod')
  const opened = checker(koffi, 'open')
  const listed = checker(koffi, 'getdents64')
  return {
    seek: (descriptor, offset, whence) => sought(lseek(descriptor, offset, whence)),
    ...flagCalls(koffi, library),
    ...statCall(koffi, library),
    openInside: (descriptor, name, flags) => opened(openat(descriptor, name, flags | closeOnExec, 0)),
    ...(mknod && { makeNode: (name, mode, rawDevice) => void made(mknod(name, mode, rawDevice)) }),
    ...(getdents && { readFolder: (descriptor, into) => listed(getdents(descriptor, into, into.length)) }),
  }
}

const closeOnExec = 0o2000000

/** Not before Linux 4.11 and glibc 2.28, and some containers forbid it: tried once. */
function statCall(koffi: Koffi, library: Library): Pick<Syscalls, 'statInside'> {
  // Looking at a mount point must not mount it, as lstat(2) does not.
  const [noFollow, noAutomount, emptyPath, basicFields] = [0x100, 0x800, 0x1000, 0x7ff]
  const statx = findFunction(library, ['statx'], 'int', ['int', path, 'int', 'uint32_t', bytes])
  if (statx === undefined) return {}
  const done = checker(koffi, 'lstat')
  const statInside = (descriptor: number, name: Uint8Array, into: Uint8Array): void =>
    void done(statx(descriptor, name, noFollow | noAutomount | emptyPath, basicFields, into))
  try {
    statInside(-100, Uint8Array.of(0x2f, 0), new Uint8Array(256))
    return { statInside }
  } catch {
    return {}
  }
}

/** ioctl numbers as most architectures build them; POWER has other direction bits. */
function flagCalls(koffi: Koffi, library: Library): Pick<Syscalls, 'getFlags' | 'setFlags'> {
  const [getRequest, setRequest] = process.arch === 'ppc64' ? [0x40086601, 0x80086602] : [0x80086601, 0x40086602]
  // Called as if it had fixed parameters, which is several times faster and the same to every convention but POWER's.
  const fixed = process.arch !== 'ppc64'
  const ioctl = library.func('ioctl', 'int', ['int', 'unsigned long', fixed ? bytes : '...'])
  const call = (descriptor: number, request: number, flags: Int32Array): number =>
    done(fixed ? ioctl(descriptor, request, flags) : ioctl(descriptor, request, bytes, flags))
  const done = checker(koffi, 'ioctl')
  return {
    getFlags: (descriptor) => {
      const flags = new Int32Array(2)
      call(descriptor, getRequest, flags)
      return flags[0] ?? 0
    },
    setFlags: (descriptor, flags) => void call(descriptor, setRequest, Int32Array.of(flags, 0)),
  }
}

/** C libraries differ in what they export: the first name that exists. */
function findFunction(
  library: Library,
  names: readonly string[],
  result: string,
  args: readonly string[],
): Foreign | undefined {
  for (const name of names) {
    try {
      return library.func(name, result, args)
    } catch {
      // not in this C library
    }
  }
  return undefined
}
