/**
 * Where the files of one repository (or of one cache directory) live, whatever that place is.
 *
 * The contract every Store keeps; contract.ts holds it as test cases:
 * S1 After a call resolves, later calls on this Store see its effect.
 * S2 `write` replaces a file whole or not at all, and is durable when it resolves (not with `transient`).
 * S3 An appended file is readable up to the last `flush`; until sealed, a crash may lose it, cut it or punch holes in it.
 * S4 `seal`: the file is complete and durable, and so is its name.
 * S5 A removed file may come back after a crash, any of them, in any combination.
 * S6 `claim` succeeds for one owner at a time, across processes and machines; its owner may repeat it.
 * S7 `writeInOrder` changes no file before all new contents are stored; then each becomes visible and durable before the
 *    next one does, so that the last one's presence proves the others.
 *
 * Why these and no others: docs/decisions/002-store-contract.md.
 */
import type { StorePath } from '../base/ids.ts'

export interface Store extends AsyncDisposable {
  /** For messages only; lock errors show it in front of the lock's path. */
  readonly name: string
  /** Equal for two Stores of this process exactly when they hold the same files. Never shown. */
  readonly place: string
  readonly traits: StoreTraits

  /** What is there where the files should be: asked before a repository is made or opened. */
  root(): Promise<RootState>
  /** Makes the empty place; fine if it is there. @throws the system's error when the parent is missing, unless `parents`. */
  createRoot(options?: { parents?: boolean }): Promise<void>
  /** The folder around this one, to look upward before something is made in it. Undefined where there is none. */
  parent(): Store | undefined

  /** Direct children of `folder`, in any order; a missing folder has none. */
  list(folder: StorePath): AsyncIterable<StoreEntry>
  stat(path: StorePath): Promise<StoreEntry | undefined>
  /**
   * Whole file, or `length` bytes at `offset`; fewer when the file ends. The bytes belong to the caller.
   * @throws StoreNotFound
   */
  read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array>
  /** Makes missing folders, but never the root. */
  write(path: StorePath, content: FileContent, options?: WriteOptions): Promise<void>
  /** See S7. A crash may leave temporary files beside the targets, named `<file>.tmp`. */
  writeInOrder(files: readonly NewFile[]): Promise<void>
  /** A new file, with its missing folders. @throws the system's EEXIST when there is one of that name. */
  append(path: StorePath): Promise<AppendFile>
  /** Missing files are fine. */
  remove(path: StorePath): Promise<void>
  /** The empty folders directly in `folder`; `folder` itself stays. */
  removeEmptyFolders(folder: StorePath): Promise<void>
  /** Everything, the root too. */
  removeAll(): Promise<void>
  /**
   * Renames a folder in one step: a crash leaves all of it under one name or the other. `to` must not exist.
   * Absent where the place cannot do it (object stores): such callers write their files in order instead.
   */
  readonly moveFolder?: ((from: StorePath, to: StorePath) => Promise<void>) | undefined

  /** False when someone else has it. `owner` is one path part. */
  claim(path: StorePath, owner: string): Promise<boolean>
  /** Who has it: none or one, unless a crash or a foreign program left more. */
  owners(path: StorePath): Promise<readonly string[]>
  /** Takes the claim from `owner`, who need not be us. Fine if `owner` has none; a claim without owners disappears. */
  unclaim(path: StorePath, owner: string): Promise<void>
  /** From one owner to another with nobody in between. False, and nothing changed, when `from` does not have it. */
  passClaim(path: StorePath, from: string, to: string): Promise<boolean>
  /** Undefined where nobody can tell. */
  freeBytes(): Promise<number | undefined>
}

/** A stream is consumed once; its pieces are used before the next one is asked for. */
export type FileContent = Uint8Array | AsyncIterable<Uint8Array>

export interface NewFile {
  readonly path: StorePath
  readonly content: FileContent
}

export interface WriteOptions {
  /**
   * The replaced content was a secret: its bytes are overwritten, as far as the place allows. Meanwhile it is kept as
   * `<path>.old`; one left there by a crash is erased first (who wants to warn about it looks before writing).
   */
  readonly secret?: boolean | undefined
  /** Need not survive a crash of the machine (it may then be old, new, empty or gone): skips waiting for the disk. */
  readonly transient?: boolean | undefined
}

/** A file being written, once, from its start. One caller at a time. */
export interface AppendFile {
  /** Bytes written so far, flushed or not. */
  readonly size: number
  /** All parts, one after the other; nothing is kept of them. After a failure `size` is as before and the call may be repeated. */
  write(...parts: readonly Uint8Array[]): Promise<void>
  /** Makes everything written readable through the Store. Promises nothing about crashes. */
  flush(): Promise<void>
  /** See S4. After a failure the file counts as not sealed and only `abandon` is left. */
  seal(): Promise<void>
  /** Stops writing, unsealed: the file may be there or not, as after a crash. Fine after `seal`, where it does nothing. */
  abandon(): Promise<void>
}

export interface StoreEntry {
  readonly path: StorePath
  readonly kind: 'file' | 'folder'
  /** Of a file, in bytes; of an unsealed one what is readable of it. 0 for folders. */
  readonly size: number
}

/** 'parent-missing': not even the folder around it exists. 'not-a-folder': something else has the name. */
export type RootState = 'missing' | 'parent-missing' | 'not-a-folder' | 'denied' | 'empty' | 'occupied'

export interface StoreTraits {
  /** False where every read is a round trip: callers batch and cache. */
  readonly cheapSmallReads: boolean
  /** 'advisory' where S6 cannot be kept (rclone): writing needs the user's explicit consent. */
  readonly claims: 'atomic' | 'advisory'
}

export class StoreNotFound extends Error {
  override readonly name = 'StoreNotFound'
  readonly path: StorePath

  constructor(path: StorePath, storeName: string, options?: { cause?: unknown }) {
    super(`no file '${path}' in ${storeName}`, options)
    this.path = path
  }
}

/** True across copies of the package: tested by name. */
export function isStoreNotFound(error: unknown): error is StoreNotFound {
  return error instanceof Error && error.name === 'StoreNotFound' && 'path' in error
}

/** The bytes of any `FileContent` as a stream of pieces. */
export async function* contentPieces(content: FileContent): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) yield content
  else yield* content
}

/** For Stores. @throws RangeError unless the owner of a claim is a single file name. */
export function onePart(owner: string): string {
  if (owner === '' || owner === '.' || owner === '..' || /[/\0]/.test(owner)) {
    throw new RangeError(`a claim's owner must be one path part, got '${owner}'`)
  }
  return owner
}
