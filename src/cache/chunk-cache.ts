/**
 * Which chunks the repository has, how often archives refer to each, and how large it is.
 *
 * Counts saturate: one that has reached the largest value stays there, for it no longer tells how many references there are.
 * Source: format sheet cache.md §5; fixtures/vectors/hashindex.json (chunkindex cases).
 */
import { toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import type { ObjectId } from '../base/ids.ts'
import { indexValueMax } from '../base/limits.ts'
import type { CompactIndex } from '../format/compact-index.ts'
import type { HashIndex } from '../format/hash-index.ts'
import { keyWords } from '../format/hash-index-layout.ts'

/** A count that never changes again; also what chunks of unknown use have. */
export const referencesMax = indexValueMax

export interface KnownChunk {
  readonly references: number
  /** Plaintext bytes; 0 when not known (ad-hoc cache). */
  readonly size: number
  /** Bytes in the repository; 0 when not known. */
  readonly storedSize: number
}

export interface ChunkSums {
  /** Chunks, each counted once. */
  readonly chunks: number
  readonly size: number
  readonly storedSize: number
  /** References. */
  readonly references: number
}

/** Which chunks the repository has, and how many archives refer to each. */
export interface ChunkCache {
  readonly count: number
  /** Undefined for a chunk that nobody refers to. */
  find(id: ObjectId): KnownChunk | undefined
  has(id: ObjectId): boolean
  /** A new chunk with one reference; a known one gets one more. @throws BorgError 'IntegrityError' when its size differs. */
  add(id: ObjectId, size: number, storedSize: number): void
  /** One reference more to a known chunk. `size` completes an entry that did not know it. */
  reference(id: ObjectId, size?: number): void
  /** Returns references left; at 0 the entry is gone and the caller deletes the object. */
  release(id: ObjectId): number
  /** The object was stored anew (recompressed): one reference more, new sizes. */
  replace(id: ObjectId, size: number, storedSize: number): void
  sums(): ChunkSums
}

/** Words of an entry. */
const references = 0
const size = 1
const storedSize = 2

export class IndexChunkCache implements ChunkCache {
  readonly index: HashIndex

  /** `index` has three words per entry; it is this object's from now on. */
  constructor(index: HashIndex) {
    if (index.valueWords !== 3) throw new RangeError('a chunk cache needs three words per entry')
    this.index = index
  }

  get count(): number {
    return this.index.size
  }

  find(id: ObjectId): KnownChunk | undefined {
    const { index } = this
    const slot = index.find(id)
    if (slot < 0 || index.word(slot, references) === 0) return undefined
    return {
      references: index.word(slot, references),
      size: index.word(slot, size),
      storedSize: index.word(slot, storedSize),
    }
  }

  has(id: ObjectId): boolean {
    const slot = this.index.find(id)
    return slot >= 0 && this.index.word(slot, references) > 0
  }

  add(id: ObjectId, plainSize: number, stored: number): void {
    const { index } = this
    const slot = index.insert(id)
    const known = index.word(slot, references)
    if (known === 0) {
      index.setWord(slot, references, 1)
      index.setWord(slot, size, plainSize)
      index.setWord(slot, storedSize, stored)
      return
    }
    this.#checkSize(id, slot, plainSize)
    if (known < referencesMax) index.setWord(slot, references, known + 1)
  }

  reference(id: ObjectId, plainSize?: number): void {
    const slot = this.#need(id)
    if (plainSize !== undefined) this.#checkSize(id, slot, plainSize)
    const known = this.index.word(slot, references)
    if (known < referencesMax) this.index.setWord(slot, references, known + 1)
  }

  release(id: ObjectId): number {
    const slot = this.#need(id)
    const known = this.index.word(slot, references)
    if (known === referencesMax) return known
    if (known === 1) this.index.delete(id)
    else this.index.setWord(slot, references, known - 1)
    return known - 1
  }

  replace(id: ObjectId, plainSize: number, stored: number): void {
    const slot = this.index.insert(id)
    const known = this.index.word(slot, references)
    if (known < referencesMax) this.index.setWord(slot, references, known + 1)
    this.index.setWord(slot, size, plainSize)
    this.index.setWord(slot, storedSize, stored)
  }

  sums(): ChunkSums {
    const { index } = this
    const total = { chunks: index.size, size: 0, storedSize: 0, references: 0 }
    for (let slot = index.nextSlot(-1); slot >= 0; slot = index.nextSlot(slot)) {
      total.size += index.word(slot, size)
      total.storedSize += index.word(slot, storedSize)
      total.references += index.word(slot, references)
    }
    return total
  }

  /** A slot in use. */
  #need(id: ObjectId): number {
    const slot = this.index.find(id)
    if (slot < 0 || this.index.word(slot, references) === 0) {
      throw new RangeError(`chunk ${toHex(id)} is not in the cache`)
    }
    return slot
  }

  /** Two plaintexts under one id would be a broken hash or a broken cache: nothing must be built on either. */
  #checkSize(id: ObjectId, slot: number, found: number): void {
    const known = this.index.word(slot, size)
    if (known === 0) this.index.setWord(slot, size, found)
    else if (known !== found) {
      throw new BorgError('IntegrityError', [`chunk ${toHex(id)} has ${found} bytes, the cache says ${known}`])
    }
  }
}

/** One more reference to a chunk seen in an archive; its sizes are kept from its first sight. */
export function countReference(index: HashIndex, id: ObjectId, plainSize: number, stored: number): void {
  const slot = index.insert(id)
  const known = index.word(slot, references)
  if (known === 0) {
    index.setWord(slot, references, 1)
    index.setWord(slot, size, plainSize)
    index.setWord(slot, storedSize, stored)
  } else if (known < referencesMax) index.setWord(slot, references, known + 1)
}

/** Adds an archive's references to `master`; sizes are taken from `archive`. */
export function mergeReferences(master: HashIndex, archive: CompactIndex): void {
  const { words, stride } = archive
  for (let at = 0; at < archive.size * stride; at += stride) {
    const slot = master.insertWords(words, at)
    const sum = master.word(slot, references) + (words[at + keyWords + references] ?? 0)
    master.setWord(slot, references, Math.min(sum, referencesMax))
    master.setWord(slot, size, words[at + keyWords + size] ?? 0)
    master.setWord(slot, storedSize, words[at + keyWords + storedSize] ?? 0)
  }
}
