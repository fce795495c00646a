/**
 * The line through the house: above it plaintext, below it ciphertext. It is also, method for method, the protocol of
 * `borg serve`. Source: format/repository.md §5, §11, §17; format/rpc.md §4.
 */
import type { ObjectId } from '../base/ids.ts'

/** id -> opaque bytes, transactional. Implemented by SegmentRepository and RemoteRepository; nothing above can tell. */
export interface RepositoryReader extends AsyncDisposable {
  readonly id: ObjectId
  readonly location: string
  count(): Promise<number>
  /** Ids in index order, at most `limit`, after `after`. */
  list(limit: number, after?: ObjectId): Promise<readonly ObjectId[]>
  /** Ids in disk order: reading them in this order is sequential. */
  scan(limit: number, after?: ObjectId): Promise<readonly ObjectId[]>
  /** @throws BorgError 'Repository.ObjectNotFound' | 'IntegrityError' */
  get(id: ObjectId): Promise<Uint8Array>
  /** In the order asked, many in flight; neighbours may share memory, so copy what you keep long. Give a lazy iterable to read ahead across files. */
  getMany(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncIterable<Uint8Array>
  /** The key blob kept in the repository; empty when there is none. */
  loadKey(): Promise<Uint8Array>
  freeNonce(): Promise<bigint | undefined>
  breakLock(): Promise<void>
}
/**
 * The first put or delete opens a transaction, `commit` makes it the truth, `rollback` or disposal forgets it.
 * put and delete resolve once accepted: a refusal may surface at any later call, at the latest in `commit`. The bytes of a
 * put must stay as they are until it has resolved, and are not needed afterwards. Do not read while `commit` compacts.
 */
export interface Repository extends RepositoryReader {
  put(id: ObjectId, stored: Uint8Array): Promise<void>
  delete(id: ObjectId): Promise<void>
  /** Where refusals come late: waits for them. @throws the first there is for what was put and deleted so far */
  settled?(): Promise<void>
  commit(options?: CommitOptions): Promise<void>
  rollback(): Promise<void>
  /** Segments and index only. True when no problem was found, or all were repaired. */
  check(options: { repair: boolean; maxSeconds: number }): Promise<boolean>
  saveKey(blob: Uint8Array): Promise<void>
  reserveNonce(next: bigint, expected: bigint | undefined): Promise<void>
  destroy(): Promise<void>
}
export interface CommitOptions {
  readonly compact?: { threshold: number; cleanupCommits?: boolean | undefined }
}
