/**
 * borg's open-addressing table of fixed 32-byte keys: the repository's index, the client's chunk cache.
 *
 * Held in one buffer in its file layout; a bucket is a key and two or three u32 words, of which the first also says whether
 * the bucket is used. The start bucket is the key's first word modulo the bucket count, then one by one.
 *
 *   buffer   2 bytes unused | 18 bytes header | buckets ...
 *                                             ^ 20: words are aligned, so loading and saving copy nothing but bytes
 *
 * Given the same calls it makes the same bytes as borg: same sizes, same growth, same tombstones.
 * Source: format sheet repository.md §6; fixtures/vectors/hashindex.json.
 */
import { type ObjectId, ownedObjectId } from '../base/ids.ts'
import { indexValueMax } from '../base/limits.ts'
import {
  damaged,
  deletedMarker,
  emptyMarker,
  grownSize,
  hashIndexHeaderSize,
  keyWords,
  lowerLimit,
  minEmpty,
  parseHashIndexHeader,
  shrunkSize,
  tableSizeFor,
  upperLimit,
  usableTableSize,
  writeHashIndexHeader,
} from './hash-index-layout.ts'

/** Makes the first bucket lie at a multiple of four. */
const padding = 2
const bucketsOffset = padding + hashIndexHeaderSize

export class HashIndex {
  readonly valueWords: 2 | 3
  readonly #stride: number
  #words: Uint32Array
  #buckets: number
  #entries = 0
  #empty: number
  #upper = 0
  #lower = 0
  #minEmpty = 0

  /** An empty table of the smallest size with at least `capacity` buckets. */
  static create(valueWords: 2 | 3, capacity = 0): HashIndex {
    return new HashIndex(valueWords, tableSizeFor(capacity))
  }

  /** An empty table that takes `entries` entries without growing on the way. */
  static usable(valueWords: 2 | 3, entries: number): HashIndex {
    return new HashIndex(valueWords, usableTableSize(entries))
  }

  /**
   * The table in a file; `file` is copied. A table with too few empty buckets is rebuilt (so a compact file may be read
   * this way too, compact-index.ts is the cheaper way).
   * @throws BorgError 'IntegrityError' when header, length, markers or counts are not as borg writes them.
   */
  static parse(file: Uint8Array, valueWords: 2 | 3): HashIndex {
    const { entries, buckets } = parseHashIndexHeader(file, valueWords)
    if (buckets === 0) throw damaged('no buckets')
    const index = new HashIndex(valueWords, 0)
    index.#words = copyOfBuckets(file, buckets * index.#stride)
    index.#setSize(buckets)
    index.#entries = entries
    index.#empty = index.#countEmpty()
    if (index.#empty < index.#minEmpty)
      index.#rehash(entries < buckets - index.#minEmpty ? buckets : usableTableSize(entries))
    return index
  }

  private constructor(valueWords: 2 | 3, buckets: number) {
    this.valueWords = valueWords
    this.#stride = keyWords + valueWords
    this.#buckets = buckets
    this.#empty = buckets
    this.#words = buckets === 0 ? new Uint32Array(0) : emptyBuckets(buckets, this.#stride)
    this.#setSize(buckets)
  }

  /** Entries. */
  get size(): number {
    return this.#entries
  }

  get buckets(): number {
    return this.#buckets
  }

  /** Buckets that were never used; with `size` and `buckets` it tells the tombstones. */
  get emptyBuckets(): number {
    return this.#empty
  }

  /** Slot of `key`, or -1. A slot stays valid until the next insert, delete or `settle`. Changes nothing. */
  find(key: ObjectId): number {
    const words = this.#words
    const stride = this.#stride
    const buckets = this.#buckets
    const first = (key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24)) >>> 0
    let slot = (first % buckets) >>> 0
    for (let steps = 0; steps < buckets; steps++) {
      const at = slot * stride
      const state = words[at + keyWords]!
      if (state === emptyMarker) return -1
      if (words[at]! === first && state !== deletedMarker && sameKey(words, at, key)) return slot
      slot += 1
      if (slot === buckets) slot = 0
    }
    return -1
  }

  has(key: ObjectId): boolean {
    return this.find(key) >= 0
  }

  /**
   * Slot of `key`, or -1, moving the entry into the first tombstone on its way, as every lookup in borg does: later lookups
   * get shorter. Must not run while someone iterates: the moved entry could be missed.
   */
  settle(key: ObjectId): number {
    return this.#seek(key)
  }

  /** Slot of `key`; a new entry's words are all 0 until set. Grows or rebuilds the table when borg would. */
  insert(key: ObjectId): number {
    const found = this.#seek(key)
    if (found >= 0) return found
    const slot = this.#claim(firstWord(key))
    const at = slot * this.#stride
    const words = this.#words
    for (let i = 0; i < keyWords; i++) words[at + i] = wordOf(key, i)
    for (let i = at + keyWords; i < at + this.#stride; i++) words[i] = 0
    this.#entries += 1
    return slot
  }

  /** As `insert`, for a key held as eight words at `source[from]`: merging tables needs no bytes. */
  insertWords(source: Uint32Array, from: number): number {
    const found = this.#seekWords(source, from)
    if (found >= 0) return found
    const slot = this.#claim(source[from]!)
    const at = slot * this.#stride
    const words = this.#words
    for (let i = 0; i < keyWords; i++) words[at + i] = source[from + i]!
    for (let i = at + keyWords; i < at + this.#stride; i++) words[i] = 0
    this.#entries += 1
    return slot
  }

  /** Leaves a tombstone; shrinks the table when borg would. False if there was no such key. */
  delete(key: ObjectId): boolean {
    const slot = this.#seek(key)
    if (slot < 0) return false
    this.#words[slot * this.#stride + keyWords] = deletedMarker
    this.#entries -= 1
    if (this.#entries < this.#lower) this.#rehash(shrunkSize(this.#buckets))
    return true
  }

  word(slot: number, index: number): number {
    return this.#words[slot * this.#stride + keyWords + index]!
  }

  /** @throws RangeError when the first word would be a marker. */
  setWord(slot: number, index: number, value: number): void {
    if (index === 0 && !(value <= indexValueMax))
      throw new RangeError(`first word of an entry must be at most ${indexValueMax}, got ${value}`)
    this.#words[slot * this.#stride + keyWords + index] = value
  }

  /** The first used slot past `slot` (-1 to begin) in table order, or -1. */
  nextSlot(slot: number): number {
    const words = this.#words
    const stride = this.#stride
    for (let next = slot + 1; next < this.#buckets; next++)
      if (words[next * stride + keyWords]! < deletedMarker) return next
    return -1
  }

  /** The key at a used slot, as bytes of their own. */
  keyAt(slot: number): ObjectId {
    const start = bucketsOffset + slot * this.#stride * 4
    return ownedObjectId(new Uint8Array(this.#words.buffer.slice(start, start + keyWords * 4)))
  }

  /**
   * In table order, which is borg's `list` order; from behind `after` when given. The table must not change meanwhile.
   * @throws RangeError when `after` is not in the table.
   */
  *keys(after?: ObjectId): IterableIterator<ObjectId> {
    let slot = -1
    if (after !== undefined) {
      slot = this.find(after)
      if (slot < 0) throw new RangeError('cannot list after a key that is not in the index')
    }
    for (slot = this.nextSlot(slot); slot >= 0; slot = this.nextSlot(slot)) yield this.keyAt(slot)
  }

  /** The file's bytes: a view, valid until the next change. */
  serialize(): Uint8Array {
    const file = new Uint8Array(this.#words.buffer, padding)
    writeHashIndexHeader(file, { entries: this.#entries, buckets: this.#buckets }, this.valueWords)
    return file
  }

  /** The file of the compact variant: used buckets only, in table order. Bytes of their own. */
  serializeCompact(): Uint8Array {
    const stride = this.#stride
    const buckets = Math.max(this.#entries, 1)
    const packed = emptyBuckets(buckets, stride)
    let at = 0
    for (let slot = this.nextSlot(-1); slot >= 0; slot = this.nextSlot(slot)) {
      packed.set(this.#words.subarray(slot * stride, (slot + 1) * stride), at)
      at += stride
    }
    const file = new Uint8Array(packed.buffer, padding)
    writeHashIndexHeader(file, { entries: this.#entries, buckets }, this.valueWords)
    return file
  }

  #setSize(buckets: number): void {
    this.#buckets = buckets
    this.#upper = upperLimit(buckets)
    this.#lower = lowerLimit(buckets)
    this.#minEmpty = minEmpty(buckets)
  }

  /** Checks every bucket's marker and the header's count on the way. */
  #countEmpty(): number {
    const words = this.#words
    let empty = 0
    let used = 0
    for (let at = keyWords; at < words.length; at += this.#stride) {
      const state = words[at]!
      if (state === emptyMarker) empty += 1
      else if (state <= indexValueMax) used += 1
      else if (state !== deletedMarker) throw damaged(`reserved value ${state}`)
    }
    if (used !== this.#entries) throw damaged(`header says ${this.#entries} entries, the buckets hold ${used}`)
    return empty
  }

  #seek(key: ObjectId): number {
    const words = this.#words
    const stride = this.#stride
    const buckets = this.#buckets
    const first = firstWord(key)
    let slot = (first % buckets) >>> 0
    let tombstone = -1
    for (let steps = 0; steps < buckets; steps++) {
      const at = slot * stride
      const state = words[at + keyWords]!
      if (state === emptyMarker) return -1
      if (state === deletedMarker) {
        if (tombstone < 0) tombstone = slot
      } else if (words[at]! === first && sameKey(words, at, key)) return this.#moved(slot, tombstone)
      slot += 1
      if (slot === buckets) slot = 0
    }
    return -1
  }

  #seekWords(source: Uint32Array, from: number): number {
    const words = this.#words
    const stride = this.#stride
    const buckets = this.#buckets
    let slot = ((source[from]! >>> 0) % buckets) >>> 0
    let tombstone = -1
    for (let steps = 0; steps < buckets; steps++) {
      const at = slot * stride
      const state = words[at + keyWords]!
      if (state === emptyMarker) return -1
      if (state === deletedMarker) {
        if (tombstone < 0) tombstone = slot
      } else if (sameWords(words, at, source, from)) return this.#moved(slot, tombstone)
      slot += 1
      if (slot === buckets) slot = 0
    }
    return -1
  }

  /** Moves the bucket at `slot` into `tombstone`, if there is one; returns where the entry is now. */
  #moved(slot: number, tombstone: number): number {
    if (tombstone < 0) return slot
    const stride = this.#stride
    this.#words.copyWithin(tombstone * stride, slot * stride, (slot + 1) * stride)
    this.#words[slot * stride + keyWords] = deletedMarker
    return tombstone
  }

  /** The slot a new key starting with `first` goes to, after growing or rebuilding the table if it must. */
  #claim(first: number): number {
    if (this.#entries > this.#upper) this.#rehash(grownSize(this.#buckets))
    let slot = this.#freeSlot(first)
    if (this.#words[slot * this.#stride + keyWords] === emptyMarker) {
      if (this.#empty <= this.#minEmpty) {
        this.#rehash(this.#buckets)
        slot = this.#freeSlot(first)
      }
      this.#empty -= 1
    }
    return slot
  }

  /** First tombstone or empty bucket on the way of a key starting with `first`. */
  #freeSlot(first: number): number {
    const words = this.#words
    const stride = this.#stride
    const buckets = this.#buckets
    let slot = ((first >>> 0) % buckets) >>> 0
    for (let steps = 0; steps < buckets; steps++) {
      if (words[slot * stride + keyWords]! >= deletedMarker) return slot
      slot += 1
      if (slot === buckets) slot = 0
    }
    throw new RangeError(`hash index is full: ${buckets} buckets`)
  }

  #rehash(buckets: number): void {
    const old = this.#words
    const stride = this.#stride
    this.#words = emptyBuckets(buckets, stride)
    this.#setSize(buckets)
    this.#empty = buckets - this.#entries
    const words = this.#words
    for (let from = 0; from < old.length; from += stride) {
      if (old[from + keyWords]! >= deletedMarker) continue
      let slot = ((old[from]! >>> 0) % buckets) >>> 0
      while (words[slot * stride + keyWords]! !== emptyMarker) {
        slot += 1
        if (slot === buckets) slot = 0
      }
      const at = slot * stride
      for (let i = 0; i < stride; i++) words[at + i] = old[from + i]!
    }
  }
}

function emptyBuckets(buckets: number, stride: number): Uint32Array {
  const words = new Uint32Array(new ArrayBuffer(bucketsOffset + buckets * stride * 4), bucketsOffset)
  for (let at = keyWords; at < words.length; at += stride) words[at] = emptyMarker
  return words
}

function copyOfBuckets(file: Uint8Array, length: number): Uint32Array {
  const buffer = new ArrayBuffer(bucketsOffset + length * 4)
  new Uint8Array(buffer, padding).set(file)
  return new Uint32Array(buffer, bucketsOffset)
}

function firstWord(key: Uint8Array): number {
  return (key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24)) >>> 0
}

function wordOf(key: Uint8Array, index: number): number {
  const at = index * 4
  return key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24)
}

/** The first word is known to be equal. */
function sameKey(words: Uint32Array, at: number, key: Uint8Array): boolean {
  for (let i = 1, from = 4; i < keyWords; i++, from += 4) {
    const word = (key[from]! | (key[from + 1]! << 8) | (key[from + 2]! << 16) | (key[from + 3]! << 24)) >>> 0
    if (words[at + i]! !== word) return false
  }
  return true
}

function sameWords(words: Uint32Array, at: number, source: Uint32Array, from: number): boolean {
  for (let i = 0; i < keyWords; i++) if (words[at + i]! !== source[from + i]!) return false
  return true
}
