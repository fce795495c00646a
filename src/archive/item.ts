/**
 * One archived thing, field for field as borg keeps it. Source: format sheet objects.md section 6.
 */
import type { ItemPath, Nanoseconds, ObjectId } from '../base/ids.ts'
import type { Packable } from '../format/msgpack-encode.ts'

/** size: plaintext bytes. storedSize: bytes in the repository, 0 when an old archive did not say. */
export interface ChunkRef {
  readonly id: ObjectId
  readonly size: number
  readonly storedSize: number
}

export interface Item {
  readonly path: ItemPath
  /** Full st_mode, file type included. */
  readonly mode: number
  readonly modified: Nanoseconds
  readonly accessed?: Nanoseconds | undefined
  readonly changed?: Nanoseconds | undefined
  readonly born?: Nanoseconds | undefined
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** null: the archive says there was no name for the number. */
  readonly user?: string | null | undefined
  readonly group?: string | null | undefined
  /** Symlink target, or path of the hardlink's first name. Use classify() to know which. */
  readonly source?: string | undefined
  /** Absent on old items and on later names; true means more names may follow. */
  readonly hardlinkMaster?: boolean | undefined
  readonly chunks?: readonly ChunkRef[] | undefined
  /** What `chunks` was before a repair put zeros in place of lost data. Same length. */
  readonly chunksHealthy?: readonly ChunkRef[] | undefined
  readonly size?: number | undefined
  /** st_rdev as the writing platform encodes it. */
  readonly rawDevice?: number | undefined
  readonly bsdflags?: number | undefined
  /** Names are surrogateescape text; the empty value is stored as nil. */
  readonly xattrs?: ReadonlyMap<string, Uint8Array> | undefined
  readonly aclAccess?: Uint8Array | undefined
  readonly aclDefault?: Uint8Array | undefined
  readonly aclExtended?: Uint8Array | undefined
  readonly aclNfs4?: Uint8Array | undefined
  /** Number of a part written by a checkpoint inside a file; from 1. */
  readonly part?: number | undefined
  /** Keys we do not know, kept so that rewriting an archive does not lose them. */
  readonly unknown?: ReadonlyMap<string, Packable> | undefined
}

/** The same item as a closed choice; extract, list, tar and mount switch on `kind`. */
export type ItemShape =
  | { readonly kind: 'file'; readonly chunks: readonly ChunkRef[]; readonly size: number; readonly linked: boolean }
  /** A later name of a regular file, FIFO or device that was archived before. */
  | { readonly kind: 'hardlink'; readonly to: string }
  | { readonly kind: 'directory' }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'fifo'; readonly linked: boolean }
  | {
      readonly kind: 'device'
      readonly type: 'block' | 'character'
      readonly rawDevice: number
      readonly linked: boolean
    }
  | { readonly kind: 'other' }

export const fileTypeMask = 0o170000
export const fileTypes = {
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  regular: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const

export function classify(item: Item): ItemShape {
  const type = item.mode & fileTypeMask
  if (type === fileTypes.directory) return { kind: 'directory' }
  if (type === fileTypes.symlink) return { kind: 'symlink', target: item.source ?? '' }
  if (item.source !== undefined) return { kind: 'hardlink', to: item.source }
  const linked = item.hardlinkMaster ?? true
  switch (type) {
    case fileTypes.regular:
      return { kind: 'file', chunks: item.chunks ?? [], size: itemSize(item), linked }
    case fileTypes.fifo:
      return { kind: 'fifo', linked }
    case fileTypes.block:
      return { kind: 'device', type: 'block', rawDevice: item.rawDevice ?? 0, linked }
    case fileTypes.character:
      return { kind: 'device', type: 'character', rawDevice: item.rawDevice ?? 0, linked }
    default:
      return { kind: 'other' }
  }
}

/** Whether later names may refer to this item. */
export function mayBeSource(item: Item): boolean {
  const shape = classify(item)
  return (shape.kind === 'file' || shape.kind === 'fifo' || shape.kind === 'device') && shape.linked
}

/** Plaintext bytes of the item's own content; 0 for anything without chunks. */
export function itemSize(item: Item): number {
  if (item.size !== undefined) return item.size
  return sumSizes(item.chunks ?? [])
}

export function sumSizes(chunks: readonly ChunkRef[]): number {
  let total = 0
  for (const chunk of chunks) total += chunk.size
  return total
}

/** Whether a repair replaced part of the content by zeros. */
export function isDamaged(item: Item): boolean {
  return item.chunksHealthy !== undefined
}
