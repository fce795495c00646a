/**
 * The port to the trees we back up and restore.
 *
 * Synchronous on purpose: one promise per system call costs five to nine times the call itself, and a backup makes a
 * dozen calls a file (decision 012). Callers give the event loop a turn between files. Every method throws the system's
 * own error (with `code`, 'ENOENT' ...) unless its comment says otherwise; `errno.ts` turns those into borg's words.
 */
import type { Nanoseconds } from '../base/ids.ts'

/** Paths are bytes here and only here; everything above uses surrogateescape strings (base/text.ts). */
export type NativePath = Uint8Array | PathInside

/** A name in an open folder (`FileSystem.pathInside`): reached through the folder, whatever became of the path to it. */
export interface PathInside {
  readonly folder: OpenFile
  readonly name: Uint8Array
}

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

/** A name in a folder. `inode` is what the folder says (d_ino): for a mount point, of what lies beneath. */
export interface FolderEntry {
  /** Bare, never '.' or '..'. */
  readonly name: Uint8Array
  /** Undefined where the platform does not tell without asking each file. */
  readonly inode: bigint | undefined
}

/** An open file or directory: metadata is read through it, so a swapped path cannot fool us. Close it. */
export interface OpenFile extends Disposable {
  /** Usable from worker threads of this process. */
  readonly descriptor: number
  stat(): Stat
  /** Reads into `into` from the current position; 0 at the end. */
  read(into: Uint8Array): number
  /** Reads at `position`; the current position stays where it is. */
  readAt(into: Uint8Array, position: number): number
  /** Where data and holes are; undefined where nobody can tell. Does not move the current position. */
  layout(): FileLayout | undefined
  /** May be called more than once. */
  close(): void
}

/** A stretch of a file that was written: [start, end) in bytes. */
export interface DataRange {
  readonly start: number
  readonly end: number
}

export interface FileLayout {
  readonly size: number
  /** In order; between them are holes. */
  readonly data: readonly DataRange[]
}

/** A file being restored. */
export interface OutputFile extends Disposable {
  readonly descriptor: number
  /** Writes all of `bytes` at the current position. */
  write(bytes: Uint8Array): void
  /** Moves on without writing: a hole, filled with zeros by `finish`. */
  skip(size: number): void
  /** Cuts or extends to the position reached. */
  finish(): void
  /** May be called more than once. */
  close(): void
}

export interface Acl {
  readonly access?: Uint8Array
  readonly default?: Uint8Array
}

export type MissingFeature = 'xattrs' | 'acls' | 'flags' | 'nanosecond-times' | 'device-nodes'

/** What a metadata call acts on: an open file, or a path whose last part is not followed. */
export type Place = OpenFile | OutputFile | NativePath

export interface OpenOptions {
  readonly follow?: boolean
  /** Wait as devices and FIFOs do; blocks the whole process until a FIFO has a writer. */
  readonly special?: boolean
  /** Refuse anything but a directory (ENOTDIR). */
  readonly folder?: boolean
}

export interface FileSystem {
  lstat(path: NativePath): Stat
  stat(path: NativePath): Stat
  /** In no particular order. */
  readFolder(place: NativePath | OpenFile): readonly FolderEntry[]
  readLink(path: NativePath): Uint8Array
  /**
   * Names `name` inside an open folder, whatever has become of the path that led there; also for paths longer than the
   * system takes at once. Only valid while `folder`, opened by this file system, is open. Platforms without such means
   * use the folder's path joined with `name`.
   */
  pathInside(folder: OpenFile, name: Uint8Array): PathInside
  /** Never follows a symlink in the last part unless `follow`; never blocks on a FIFO unless `special`; leaves atime alone where allowed. */
  openForBackup(path: NativePath, options?: OpenOptions): OpenFile
  /**
   * Names are surrogateescape text. POSIX ACL attributes are left out. Empty where unsupported. An attribute that cannot
   * be read is left out and told to `onUnreadable`; one that vanished meanwhile is just left out.
   */
  readExtendedAttributes(
    place: Place,
    onUnreadable?: (name: string, error: unknown) => void,
  ): ReadonlyMap<string, Uint8Array>
  /** In the text form of archives (numeric ids as fourth field); undefined without an extended ACL. */
  readAcl(place: Place, stat: Stat, options: { readonly numericIds: boolean }): Acl | undefined
  /** BSD flag bits as archives keep them: nodump 1, immutable 2, append 4. 0 where there are none. */
  readFlags(place: Place, stat: Stat): number

  userName(uid: number): string | undefined
  groupName(gid: number): string | undefined
  userId(name: string): number | undefined
  groupId(name: string): number | undefined

  /** Mode bits are subject to the process's umask. */
  createFolder(path: NativePath, mode?: number): void
  /** Readable and writable for the owner only, until `setMode`. @throws EEXIST when anything is there. */
  createFile(path: NativePath): OutputFile
  /** A second name; a symlink in the last part of `existing` is not followed. */
  createLink(existing: NativePath, path: NativePath): void
  createSymlink(target: Uint8Array, path: NativePath): void
  createFifo(path: NativePath): void
  /** `mode` with its type bits (block or character). */
  createDevice(path: NativePath, mode: number, rawDevice: number): void
  removeFile(path: NativePath): void
  removeFolder(path: NativePath): void
  /** -1 leaves one as it is. */
  setOwner(place: Place, uid: number, gid: number): void
  /** The twelve permission bits of `mode`. Never through a symlink. */
  setMode(place: Place, mode: number): void
  setTimes(place: Place, accessed: Nanoseconds, modified: Nanoseconds): void
  setExtendedAttribute(place: Place, name: string, value: Uint8Array): void
  /** Text as archives keep it. `access` or `default` absent: left alone; `default` empty: removed. @throws EINVAL on malformed text */
  setAcl(place: Place, acl: Acl, options: { readonly numericIds: boolean }): void
  /** Changes only the flags archives keep; others on the file stay. */
  setFlags(place: Place, flags: number): void

  /** What this machine cannot keep, so that faces can say it once. */
  readonly missing: readonly MissingFeature[]
  /** Whether times of birth follow modification times that are set (macOS, BSD), so that they can be restored. */
  readonly keepsBirthTimes: boolean
  /** Whether we act as root: only then are owners of others restored. */
  readonly isRoot: boolean
  /** Absolute, for relative roots and files-cache keys. */
  readonly currentFolder: Uint8Array
}
