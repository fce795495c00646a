import type { ObjectId, SegmentNumber } from '../base/ids.ts'
import type { Store } from '../store/store.ts'
import type { EntryPlace, SegmentEntry } from './segment-entry.ts'

export interface LocatedEntry {
  readonly entry: SegmentEntry
  readonly place: EntryPlace
  readonly size: number
}

/** The numbered files under data/. Knows framing and order; knows nothing of which entry is current. */
export declare class SegmentLog {
  constructor(store: Store, layout: { segmentsPerFolder: number; segmentSizeMax: number })
  segments(order: 'ascending' | 'descending'): AsyncIterable<SegmentNumber>
  lastCommitted(): Promise<SegmentNumber | undefined>
  read(place: EntryPlace, id: ObjectId): Promise<Uint8Array>
  /** The one place that learns an entry's size: from memory, a cached table, or its header (S3: batched). */
  entrySize(place: EntryPlace): Promise<number>
  scan(segment: SegmentNumber, fromOffset?: number): AsyncIterable<LocatedEntry>
  /** Undefined when the current segment is full and `mayOpenNext` is false. */
  append(entry: SegmentEntry, mayOpenNext: boolean): Promise<EntryPlace | undefined>
  /** 'final' goes into a segment of its own; both wait for every earlier segment to be sealed. */
  commit(kind: 'final' | 'intermediate'): Promise<SegmentNumber>
  size(segment: SegmentNumber): Promise<number>
  remove(segment: SegmentNumber): Promise<void>
  discardAfter(segment: SegmentNumber): Promise<void>
}
