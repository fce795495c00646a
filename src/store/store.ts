import type { StorePath } from '../base/ids.ts'

/**
 * Files of one repository (or of one cache directory). The contract every Store keeps:
 * S1 After a call resolves, later calls on this Store see its effect.
 * S2 `write` replaces a file whole or not at all, and is durable when it resolves.
 * S3 An appended file is readable up to the last `flush`; until sealed, a crash may lose it, cut it or punch holes in it.
 * S4 `seal`: the file is complete and durable, and so is its name.
 * S5 A removed file may come back after a crash, any of them, in any combination.
 * S6 `claim` succeeds for one owner at a time, across processes and machines.
 */
export interface Store extends AsyncDisposable {
  /** For messages only. */
  readonly name: string
  readonly traits: StoreTraits
  list(folder: StorePath): AsyncIterable<StoreEntry>
  stat(path: StorePath): Promise<StoreEntry | undefined>
  /** Whole file, or `length` bytes at `offset`; fewer when the file ends. @throws StoreNotFound */
  read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array>
  write(path: StorePath, content: Uint8Array | AsyncIterable<Uint8Array>, options?: { secret?: boolean }): Promise<void>
  append(path: StorePath): Promise<AppendFile>
  /** Missing files are fine. */
  remove(path: StorePath): Promise<void>
  removeEmptyFolders(folder: StorePath): Promise<void>
  removeAll(): Promise<void>
  claim(path: StorePath, owner: string): Promise<boolean>
  owners(path: StorePath): Promise<readonly string[]>
  unclaim(path: StorePath, owner: string): Promise<void>
  freeBytes(): Promise<number | undefined>
}
export interface AppendFile {
  readonly size: number
  write(bytes: Uint8Array): Promise<void>
  flush(): Promise<void>
  seal(): Promise<void>
  abandon(): Promise<void>
}
export interface StoreEntry {
  readonly path: StorePath
  readonly kind: 'file' | 'folder'
  readonly size: number
}
export interface StoreTraits {
  /** False where every read is a round trip: callers batch and cache. */
  readonly cheapSmallReads: boolean
  /** 'advisory' where S6 cannot be kept (rclone): writing needs the user's explicit consent. */
  readonly claims: 'atomic' | 'advisory'
}
export declare class StoreNotFound extends Error {
  readonly path: StorePath
}
