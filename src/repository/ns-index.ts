/**
 * Where every object of a repository is: id -> (segment, offset of its put).
 *
 * One buffer, 40 bytes a bucket, the same bytes as the file index.N. Source: format/repository.md §6.
 */
import type { ObjectId, SegmentNumber } from '../base/ids.ts'
import { HashIndex } from '../format/hash-index.ts'
import type { EntryPlace } from './segment-entry.ts'

/** Bytes of the file before its buckets, and of each bucket. */
const fileHeaderSize = 18
const bucketSize = 40

export class NsIndex {
  readonly #table: HashIndex

  static create(): NsIndex {
    return new NsIndex(HashIndex.create(2))
  }

  /** @throws BorgError 'IntegrityError' for a file that is no such index. */
  static parse(file: Uint8Array): NsIndex {
    return new NsIndex(HashIndex.parse(file, 2))
  }

  private constructor(table: HashIndex) {
    this.#table = table
  }

  get size(): number {
    return this.#table.size
  }

  get fileSize(): number {
    return fileHeaderSize + this.#table.buckets * bucketSize
  }

  find(id: ObjectId): EntryPlace | undefined {
    return this.#placeAt(this.#table.find(id))
  }

  /** As `find`, moving the entry as borg's writers do before they change it: so our index file gets borg's bytes. */
  settle(id: ObjectId): EntryPlace | undefined {
    return this.#placeAt(this.#table.settle(id))
  }

  /** @throws RangeError for a segment number that the table cannot hold (above 4294966271). */
  set(id: ObjectId, segment: SegmentNumber, offset: number): void {
    const slot = this.#table.insert(id)
    this.#table.setWord(slot, 0, segment)
    this.#table.setWord(slot, 1, offset)
  }

  delete(id: ObjectId): boolean {
    return this.#table.delete(id)
  }

  /** In table order, at most `limit`, from behind `after`. @throws RangeError when `after` is not in the index. */
  list(limit: number, after: ObjectId | undefined): ObjectId[] {
    const ids: ObjectId[] = []
    if (limit <= 0) return ids
    for (const id of this.#table.keys(after)) {
      ids.push(id)
      if (ids.length >= limit) break
    }
    return ids
  }

  /** At most `limit` ids in the order of their places, from behind `after`: sorted in memory, reads nothing. */
  scan(limit: number, after: EntryPlace | undefined): ObjectId[] {
    const first = after?.segment ?? 0
    const isPast = (segment: number, offset: number): boolean =>
      after === undefined || segment > after.segment || (segment === after.segment && offset > after.offset)
    const counts = new Map<number, number>()
    for (let slot = this.#table.nextSlot(-1); slot >= 0; slot = this.#table.nextSlot(slot)) {
      const segment = this.#table.word(slot, 0)
      if (segment < first || !isPast(segment, this.#table.word(slot, 1))) continue
      counts.set(segment, (counts.get(segment) ?? 0) + 1)
    }
    const last = lastSegmentNeeded(counts, limit)
    const slots: number[] = []
    for (let slot = this.#table.nextSlot(-1); slot >= 0; slot = this.#table.nextSlot(slot)) {
      const segment = this.#table.word(slot, 0)
      if (segment <= last && isPast(segment, this.#table.word(slot, 1))) slots.push(slot)
    }
    slots.sort(
      (a, b) => this.#table.word(a, 0) - this.#table.word(b, 0) || this.#table.word(a, 1) - this.#table.word(b, 1),
    )
    return slots.slice(0, limit).map((slot) => this.#table.keyAt(slot))
  }

  /** Every id with its place. The index must not change meanwhile. */
  *entries(): IterableIterator<readonly [ObjectId, EntryPlace]> {
    for (let slot = this.#table.nextSlot(-1); slot >= 0; slot = this.#table.nextSlot(slot)) {
      const place = this.#placeAt(slot)
      if (place !== undefined) yield [this.#table.keyAt(slot), place]
    }
  }

  /** The bytes of the index file: a view, valid until the next change. */
  serialize(): Uint8Array {
    return this.#table.serialize()
  }

  #placeAt(slot: number): EntryPlace | undefined {
    if (slot < 0) return undefined
    return { segment: this.#table.word(slot, 0) as SegmentNumber, offset: this.#table.word(slot, 1) }
  }
}

/** The segment with which the ascending segments of `counts` hold `limit` entries. */
function lastSegmentNeeded(counts: ReadonlyMap<number, number>, limit: number): number {
  let held = 0
  for (const segment of [...counts.keys()].sort((a, b) => a - b)) {
    held += counts.get(segment) ?? 0
    if (held >= limit) return segment
  }
  return Number.POSITIVE_INFINITY
}
