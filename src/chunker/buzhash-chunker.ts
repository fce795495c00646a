/**
 * Content-defined chunks: a border is where the hash of the `window` bytes *behind* it ends in enough zero bits.
 *
 * With s the start of a chunk, L the bytes from there to the end of the input but at most MAX, p a candidate length:
 *
 *   s        s+MIN          s+p          s+p+W       s+L
 *   |---------|--------------|------------|-----------|
 *     no cut    scanned       window of p   p counts only while at least one byte follows its window
 *
 * The first p in [MIN, L-W) whose window hashes to zero under the mask is cut; without one, the chunk has L bytes. So a
 * cut is known once its window and one more byte have come, and does not depend on how the bytes were sliced.
 * Source: format/chunker sheet sections 2-3, fixtures/vectors/chunker.json.
 */
import { buzhash, buzhashScan } from '../kernels/buzhash.ts'
import { buzhashTable } from './buzhash-table.ts'
import type { Chunk, Chunker, ChunkerParams } from './chunker.ts'
import { isAllZero } from './zeros.ts'

/** Below this much room behind the unfinished chunk, it is moved to the front before more is read. */
const roomMin = 64 * 1024

export class BuzhashChunker implements Chunker {
  readonly #sizeMin: number
  readonly #sizeMax: number
  readonly #mask: number
  readonly #window: number
  readonly #table: Uint32Array
  readonly #state = new Uint32Array(1)
  /** Allocated on first use; the unfinished input lies in [start, end). */
  #buffer: Uint8Array | undefined
  #start = 0
  #end = 0
  /** End of the last window looked at, or 0 when none of this chunk has been. */
  #scanned = 0

  /** `seed` as the key keeps it, signed or not. `params` must have no `chunkerParamsProblem`, an even window excepted. */
  constructor(params: ChunkerParams & { readonly algorithm: 'buzhash' }, seed: number) {
    this.#sizeMin = 2 ** params.minExponent
    this.#sizeMax = 2 ** params.maxExponent
    this.#mask = 2 ** params.maskBits - 1
    this.#window = params.windowSize
    this.#table = buzhashTable(seed)
  }

  reserve(): Uint8Array {
    const buffer = this.#allocated()
    if (buffer.length - this.#end < Math.min(roomMin, this.#sizeMax)) this.#moveToFront(buffer)
    return buffer.subarray(this.#end)
  }

  *accept(size: number): Generator<Chunk> {
    const buffer = this.#allocated()
    if (size > buffer.length - this.#end) throw new RangeError(`accepted ${size} bytes, more than were reserved`)
    this.#end += size
    for (let length = this.#cut(buffer); length > 0; length = this.#cut(buffer)) yield this.#take(buffer, length)
  }

  *push(block: Uint8Array): Generator<Chunk> {
    let rest = block
    while (rest.length > 0) {
      const room = this.reserve()
      const part = rest.subarray(0, room.length)
      room.set(part)
      rest = rest.subarray(part.length)
      yield* this.accept(part.length)
    }
  }

  *finish(): Generator<Chunk> {
    const buffer = this.#allocated()
    // What `accept` could not cut has no border in it: less than MAX bytes, one chunk.
    if (this.#end > this.#start) yield this.#take(buffer, this.#end - this.#start)
    this.reset()
  }

  reset(): void {
    this.#start = 0
    this.#end = 0
    this.#scanned = 0
  }

  /** Length of the next chunk, or 0 while what has come does not decide it. */
  #cut(buffer: Uint8Array): number {
    const available = Math.min(this.#end - this.#start, this.#sizeMax)
    // One byte must follow the window, so the last one is never inside it.
    const to = this.#start + available - 1
    if (this.#scanned === 0) {
      const from = this.#start + this.#sizeMin
      if (from + this.#window > to) return 0
      this.#scanned = from + this.#window
      const hash = buzhash(this.#table, buffer.subarray(from, this.#scanned))
      if ((hash & this.#mask) === 0) return this.#sizeMin
      this.#state[0] = hash
    }
    const hit = buzhashScan(this.#state, this.#table, this.#window, this.#mask, buffer, this.#scanned, to)
    if (hit >= 0) return hit - this.#window - this.#start
    this.#scanned = to
    return available === this.#sizeMax ? this.#sizeMax : 0
  }

  #take(buffer: Uint8Array, length: number): Chunk {
    const bytes = buffer.subarray(this.#start, this.#start + length)
    this.#start += length
    this.#scanned = 0
    return isAllZero(bytes) ? { kind: 'zeros', size: length } : { kind: 'data', bytes }
  }

  /** Twice the largest chunk: each move of less than MAX bytes makes room for more than MAX, so bytes move once at most. */
  #allocated(): Uint8Array {
    this.#buffer ??= new Uint8Array(2 * this.#sizeMax)
    return this.#buffer
  }

  #moveToFront(buffer: Uint8Array): void {
    buffer.copyWithin(0, this.#start, this.#end)
    if (this.#scanned > 0) this.#scanned -= this.#start
    this.#end -= this.#start
    this.#start = 0
  }
}
