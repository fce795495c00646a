/**
 * One thing in an archive, as listings see it: plain values at hand, costly ones on demand.
 */
import type { Nanoseconds } from '../../parsing.ts'

export interface ItemRecord {
  readonly path: string
  /** Full st_mode. */
  readonly mode: number
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly user: string | undefined
  readonly group: string | undefined
  /** Target of a symlink, first name of a later hard link, else ''. */
  readonly source: string
  /** A later name of something archived before: has no size and no content of its own. */
  readonly isHardLink: boolean
  readonly size: number
  readonly storedSize: number
  readonly chunks: number
  readonly flags: number | undefined
  readonly isHealthy: boolean
  readonly modified: Nanoseconds
  readonly changed: Nanoseconds | undefined
  readonly accessed: Nanoseconds | undefined
  /** Of the content, in hex; '' for what has none. */
  digest(algorithm: DigestName): Promise<string>
  /** What only this item uses in the whole repository. Needs the cache. */
  unique(): Promise<UniqueUse>
}

export interface UniqueUse {
  readonly size: number
  readonly storedSize: number
  readonly chunks: number
}

export const digestNames = [
  'blake2b',
  'blake2s',
  'md5',
  'sha1',
  'sha224',
  'sha256',
  'sha384',
  'sha512',
  'sha3_224',
  'sha3_256',
  'sha3_384',
  'sha3_512',
  'xxh64',
] as const

export type DigestName = (typeof digestNames)[number]
