import type { ObjectId, SegmentNumber } from '../base/ids.ts'
import type { EntryPlace } from './segment-entry.ts'

/**
 * What the log currently means: index, live entries per segment, reclaimable bytes per segment, shadowed puts,
 * quota. No I/O: put, delete, replay, check and compaction all go through these methods.
 */
export declare class Ledger {
  readonly count: number
  find(id: ObjectId): EntryPlace | undefined
  put(id: ObjectId, place: EntryPlace, size: number): void
  /** Returns where the entry was, or undefined when unknown. */
  delete(id: ObjectId, size: number, tombstone: EntryPlace): EntryPlace | undefined
  liveEntries(segment: SegmentNumber): number
  reclaimable(): ReadonlyMap<SegmentNumber, number>
  /** Whether an older put of `id` still lies in some segment before `segment`. */
  isShadowed(id: ObjectId, segment: SegmentNumber): boolean
  forgetSegment(segment: SegmentNumber): void
  readonly quotaUsed: number
}
