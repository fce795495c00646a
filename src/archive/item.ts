import type { ItemPath, Nanoseconds, ObjectId } from '../base/ids.ts'

/** size: plaintext bytes. storedSize: bytes in the repository, 0 when an old archive did not say. */
export interface ChunkRef {
  readonly id: ObjectId
  readonly size: number
  readonly storedSize: number
}

/** One archived thing, field for field as borg keeps it. */
export interface Item {
  readonly path: ItemPath
  readonly mode: number
  readonly modified: Nanoseconds
  readonly accessed?: Nanoseconds
  readonly changed?: Nanoseconds
  readonly born?: Nanoseconds
  /** null: the archive says there was no name for the number. */
  readonly uid?: number
  readonly gid?: number
  readonly user?: string | null
  readonly group?: string | null
  /** Symlink target, or path of the hardlink's first name. Use classify() to know which. */
  readonly source?: string
  readonly hardlinkMaster?: boolean
  readonly chunks?: readonly ChunkRef[]
  readonly chunksHealthy?: readonly ChunkRef[]
  readonly size?: number
  readonly rawDevice?: number
  readonly bsdflags?: number
  readonly xattrs?: ReadonlyMap<string, Uint8Array>
  readonly aclAccess?: Uint8Array
  readonly aclDefault?: Uint8Array
  readonly aclExtended?: Uint8Array
  readonly aclNfs4?: Uint8Array
  readonly part?: number
  /** Keys we do not know, kept so that recreate does not lose them. */
  readonly unknown?: ReadonlyMap<string, unknown>
}
/** The same item as a closed choice; extract, list, tar and mount switch on `kind`. */
export type ItemShape =
  | { kind: 'file'; chunks: readonly ChunkRef[]; size: number; linked: boolean }
  | { kind: 'hardlink'; to: ItemPath }
  | { kind: 'directory' }
  | { kind: 'symlink'; target: string }
  | { kind: 'fifo' }
  | { kind: 'device'; type: 'block' | 'character'; rawDevice: number }
export declare function classify(item: Item): ItemShape
