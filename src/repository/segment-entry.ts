import type { ObjectId, SegmentNumber } from '../base/ids.ts'

export interface EntryPlace {
  readonly segment: SegmentNumber
  readonly offset: number
}
export type SegmentEntry =
  | { tag: 'put'; id: ObjectId; data: Uint8Array }
  | { tag: 'delete'; id: ObjectId }
  | { tag: 'commit' }
/** Header (crc32, size, tag, id) and body as borg writes them: [header, data] so a put copies nothing. */
export declare function encodeEntry(entry: SegmentEntry): readonly Uint8Array[]
