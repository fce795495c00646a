import type { ObjectId } from '../base/ids.ts'

export type KeyMode =
  | 'none'
  | 'authenticated'
  | 'authenticated-blake2'
  | 'repokey'
  | 'repokey-blake2'
  | 'keyfile'
  | 'keyfile-blake2'

/** Plain data on purpose: it is cloned to worker threads and wiped on close. */
export interface KeyMaterial {
  readonly mode: KeyMode
  readonly repositoryId: ObjectId
  readonly encryptionKey: Uint8Array
  readonly macKey: Uint8Array
  readonly idKey: Uint8Array
  /** int32, seeds the buzhash table. */
  readonly chunkSeed: number
  /** Whether manifests without authentication are refused. */
  readonly tamRequired: boolean
}
export declare function wipe(key: KeyMaterial): void
