/**
 * The secrets of one repository, as plain data. Field meanings: format sheet crypto.md section 3.
 */
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
  /** 32 bytes; empty for `none`. */
  readonly encryptionKey: Uint8Array
  /** 32 bytes; 128 for blake2 modes, the last 64 of them zero; empty for `none`. */
  readonly macKey: Uint8Array
  /** Sizes as `macKey`. */
  readonly idKey: Uint8Array
  /** int32, seeds the buzhash table. */
  readonly chunkSeed: number
  /** Whether manifests without authentication are refused. */
  readonly tamRequired: boolean
  /**
   * Set when the secrets are missing and the user accepts that (borg's workaround `authenticated_no_key`): reading
   * works without any check of ids and authentication, sealing is refused.
   */
  readonly withoutSecrets?: true
}

const wiped = new WeakSet<KeyMaterial>()

/** Overwrites the secrets of this record (not of its clones). Using the key afterwards throws. */
export function wipe(key: KeyMaterial): void {
  wiped.add(key)
  key.encryptionKey.fill(0)
  key.macKey.fill(0)
  key.idKey.fill(0)
}

/** @throws TypeError after `wipe`: zeros would still encrypt, under a key that everybody knows. */
export function requireUsable(key: KeyMaterial): void {
  if (wiped.has(key)) throw new TypeError('this key has been wiped')
}
