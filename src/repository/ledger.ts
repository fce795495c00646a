/**
 * What the log currently means: which put of an id is the live one, how many live entries each segment has, how many
 * bytes rewriting it would free, where superseded puts still lie, how much quota is used. Pure bookkeeping, no I/O: writing,
 * replay, check and compaction all go through these methods, so that hints.N gets the same bytes however it came about.
 *
 * Maps keep the order in which borg's dictionaries would list their keys: hints.N is written in that order.
 * Source: format/repository.md §5 (writing), §7 (hints), §10 (replay), §14a (compaction), semantics of borg 1.4.
 */
import { objectId, type ObjectId, objectIdSize, type SegmentNumber } from '../base/ids.ts'
import { headerSize, putHeaderSize, type EntryPlace } from './segment-entry.ts'
import { NsIndex } from './ns-index.ts'

/** The part of a ledger that is in hints.N. */
export interface Hints {
  /** Live puts per segment; commit-only segments have 0. */
  readonly segments: ReadonlyMap<SegmentNumber, number>
  /** Bytes per segment that compaction would free. */
  readonly compact: ReadonlyMap<SegmentNumber, number>
  readonly quotaUsed: number
  /** Segments with a superseded put of an id. An empty list: known, and none left. No list: unknown. */
  readonly shadows: Iterable<readonly [ObjectId, readonly SegmentNumber[]]>
}

export class Ledger {
  readonly index: NsIndex
  readonly #segments = new Map<SegmentNumber, number>()
  readonly #reclaimable = new Map<SegmentNumber, number>()
  readonly #shadows = new Map<string, SegmentNumber[]>()
  /** Superseded puts whose size has not been looked up yet: offsets per segment. */
  readonly #unsized = new Map<SegmentNumber, number[]>()
  #quotaUsed = 0

  /** Empty, or what `index` and `hints` say. */
  constructor(index: NsIndex = NsIndex.create(), hints?: Hints) {
    this.index = index
    if (hints === undefined) return
    for (const [segment, count] of hints.segments) this.#segments.set(segment, count)
    for (const [segment, bytes] of hints.compact) this.#reclaimable.set(segment, bytes)
    for (const [id, segments] of hints.shadows) this.#shadows.set(shadowKey(id), [...segments])
    this.#quotaUsed = hints.quotaUsed
  }

  get count(): number {
    return this.index.size
  }

  get quotaUsed(): number {
    return this.#quotaUsed
  }

  get segmentCount(): number {
    return this.#segments.size
  }

  find(id: ObjectId): EntryPlace | undefined {
    return this.index.find(id)
  }

  /** Whether `segment` is on the books at all. */
  knows(segment: SegmentNumber): boolean {
    return this.#segments.has(segment)
  }

  liveEntries(segment: SegmentNumber): number {
    return this.#segments.get(segment) ?? 0
  }

  /** Bytes that compaction would free per segment; complete once nothing is `unsized`. */
  reclaimable(): ReadonlyMap<SegmentNumber, number> {
    return this.#reclaimable
  }

  /** A put of a new id, or of one deleted just before, written at `place`. `size` counts the header. */
  put(id: ObjectId, place: EntryPlace, size: number): void {
    this.#quotaUsed += size
    this.#count(place.segment, 1)
    this.index.set(id, place.segment, place.offset)
  }

  /**
   * Takes the live put of `id` out of the books: it is about to be superseded by a tombstone, for good (`forGood`) or by a
   * new put. Undefined, and nothing happens, when the id is unknown.
   */
  supersede(id: ObjectId, forGood: boolean): EntryPlace | undefined {
    const place = this.index.settle(id)
    if (place === undefined) return undefined
    if (forGood) this.index.delete(id)
    this.#shadow(id, place.segment)
    this.#count(place.segment, -1)
    this.#freeLater(place)
    return place
  }

  /** A tombstone was written into `segment`: useless from the start, it frees its own bytes. */
  tombstone(segment: SegmentNumber): void {
    this.#free(segment, putHeaderSize)
    this.#know(segment)
  }

  /** A commit ends `segment`. */
  commit(segment: SegmentNumber): void {
    this.#know(segment)
    this.#free(segment, headerSize)
  }

  // Replay counts a little differently from writing (§10); both ways are fine for what the numbers are used for.

  /** The books of `segment` begin anew. */
  replayBegin(segment: SegmentNumber): void {
    this.#segments.set(segment, 0)
  }

  replayPut(id: ObjectId, place: EntryPlace, size: number): void {
    const old = this.index.settle(id)
    if (old !== undefined) {
      this.#free(old.segment, size)
      this.#count(old.segment, -1)
      this.#shadow(id, old.segment)
    }
    this.index.set(id, place.segment, place.offset)
    this.#count(place.segment, 1)
    this.#quotaUsed += size
  }

  replayDelete(id: ObjectId, isThere: (segment: SegmentNumber) => boolean): void {
    const old = this.index.settle(id)
    if (old === undefined) return
    this.index.delete(id)
    if (!isThere(old.segment)) return
    this.#count(old.segment, -1)
    this.#freeLater(old)
    this.#shadow(id, old.segment)
  }

  /** After the last entry of `segment`: without a live put it can go as a whole. */
  replayEnd(segment: SegmentNumber, fileSize: number): void {
    if (this.liveEntries(segment) !== 0) return
    this.#unsized.delete(segment)
    this.#reclaimable.set(segment, fileSize)
  }

  /** Superseded puts of which only the place is known: look up their sizes, call `sized`. */
  unsized(): ReadonlyMap<SegmentNumber, readonly number[]> {
    return this.#unsized
  }

  sized(segment: SegmentNumber, bytes: number): void {
    this.#unsized.delete(segment)
    this.#free(segment, bytes)
  }

  // Compaction (§14a).

  /** The live put of `id` was copied to `to`. */
  move(id: ObjectId, from: SegmentNumber, to: EntryPlace): void {
    this.index.set(id, to.segment, to.offset)
    this.#count(to.segment, 1)
    this.#count(from, -1)
  }

  /** A superseded put of `size` bytes in `segment` is not copied. An empty list stays: it says that none is left. */
  dropPut(id: ObjectId, segment: SegmentNumber, size: number): void {
    const list = this.#shadows.get(shadowKey(id))
    const at = list?.indexOf(segment) ?? -1
    if (at >= 0) list?.splice(at, 1)
    // What came back after its removal was not counted any more.
    if (this.#segments.has(segment)) this.#quotaUsed -= size
  }

  /** A tombstone is not copied. */
  dropTombstone(id: ObjectId): void {
    const key = shadowKey(id)
    if (this.#shadows.get(key)?.length === 0) this.#shadows.delete(key)
  }

  /** Whether a put of `id` may still lie in some segment before `segment`: true also when nothing is known of the id. */
  isShadowed(id: ObjectId, segment: SegmentNumber): boolean {
    const list = this.#shadows.get(shadowKey(id))
    return list === undefined || list.some((older) => older < segment)
  }

  forgetSegment(segment: SegmentNumber): void {
    this.#segments.delete(segment)
    this.#reclaimable.delete(segment)
    this.#unsized.delete(segment)
  }

  /** For `compact --cleanup-commits`: what is known of a segment that holds a commit and nothing else. */
  commitOnly(segment: SegmentNumber): void {
    this.#segments.set(segment, 0)
    this.#reclaimable.set(segment, headerSize)
  }

  /** Replaces a stored estimate: hints of borg 1.0 have none. */
  setReclaimable(segment: SegmentNumber, bytes: number): void {
    this.#reclaimable.set(segment, bytes)
  }

  /** What hints.N must say; views, valid until the next change. */
  hints(): Hints & { readonly shadowCount: number } {
    return {
      segments: this.#segments,
      compact: this.#reclaimable,
      quotaUsed: this.#quotaUsed,
      shadows: this.#shadowEntries(),
      shadowCount: this.#shadows.size,
    }
  }

  *#shadowEntries(): IterableIterator<readonly [ObjectId, readonly SegmentNumber[]]> {
    for (const [key, segments] of this.#shadows) yield [idOfShadowKey(key), segments]
  }

  #count(segment: SegmentNumber, by: number): void {
    this.#segments.set(segment, (this.#segments.get(segment) ?? 0) + by)
  }

  #know(segment: SegmentNumber): void {
    if (!this.#segments.has(segment)) this.#segments.set(segment, 0)
  }

  #free(segment: SegmentNumber, bytes: number): void {
    this.#reclaimable.set(segment, (this.#reclaimable.get(segment) ?? 0) + bytes)
  }

  /** Keeps the place in the order of the map; the bytes follow with `sized`. */
  #freeLater(place: EntryPlace): void {
    this.#free(place.segment, 0)
    const offsets = this.#unsized.get(place.segment)
    if (offsets === undefined) this.#unsized.set(place.segment, [place.offset])
    else offsets.push(place.offset)
  }

  #shadow(id: ObjectId, segment: SegmentNumber): void {
    const key = shadowKey(id)
    const list = this.#shadows.get(key)
    if (list === undefined) this.#shadows.set(key, [segment])
    else list.push(segment)
  }
}

/** One character a byte: half the memory of hex, and these maps may hold millions. */
function shadowKey(id: ObjectId): string {
  return String.fromCharCode(...id)
}

function idOfShadowKey(key: string): ObjectId {
  const bytes = new Uint8Array(objectIdSize)
  for (let i = 0; i < objectIdSize; i++) bytes[i] = key.charCodeAt(i)
  return objectId(bytes)
}
