/**
 * Chunks of one size, for disk images and databases: an optional header, then blocks; holes may be skipped.
 *
 * The input is seen as ranges of data and holes. Each range is cut by itself: its last block may be short, the next
 * range starts a new one. Bytes of data ranges are given one after the other; holes come out without any.
 * Source: format/chunker sheet section 5, fixtures/vectors/chunker.json.
 */
import type { Chunk, Chunker, ChunkerParams } from './chunker.ts'
import { isAllZero } from './zeros.ts'

const bufferSizeUsual = 1024 * 1024

/** One stretch of an input, in its order. `size` may be Infinity in the last one: until the input ends. */
export interface InputRange {
  readonly kind: 'data' | 'hole'
  readonly size: number
}

/** Without knowledge of holes: the header, then everything else. */
export function plainRanges(headerSize: number): readonly InputRange[] {
  return [
    { kind: 'data', size: headerSize },
    { kind: 'data', size: Number.POSITIVE_INFINITY },
  ]
}

export class FixedChunker implements Chunker {
  readonly #blockSize: number
  readonly #ranges: readonly InputRange[]
  #range = 0
  /** Bytes of the current range that are not cut yet. */
  #left: number
  #buffer: Uint8Array | undefined
  #filled = 0

  /** `ranges` speak of one input: after `finish` the chunker expects another with the same ranges. */
  constructor(params: ChunkerParams & { readonly algorithm: 'fixed' }, ranges = plainRanges(params.headerSize)) {
    this.#blockSize = params.blockSize
    this.#ranges = ranges
    this.#left = ranges[0]?.size ?? 0
  }

  reserve(): Uint8Array {
    return this.#allocated().subarray(this.#filled)
  }

  *accept(size: number): Generator<Chunk> {
    const buffer = this.#allocated()
    if (size > buffer.length - this.#filled) throw new RangeError(`accepted ${size} bytes, more than were reserved`)
    yield* this.#holes()
    const end = this.#filled + size
    let start = 0
    for (let wanted = this.#wanted(); wanted > 0 && end - start >= wanted; wanted = this.#wanted()) {
      yield this.#take(buffer.subarray(start, start + wanted))
      start += wanted
      yield* this.#holes()
    }
    // Bytes behind the last range are none of ours: ranges may leave the end of an input out.
    const rest = this.#wanted() === 0 ? 0 : end - start
    buffer.copyWithin(0, start, start + rest)
    this.#filled = rest
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

  /** An input that ends inside a data range ends all ranges. */
  *finish(): Generator<Chunk> {
    yield* this.#holes()
    if (this.#filled > 0) yield this.#take(this.#allocated().subarray(0, this.#filled))
    this.reset()
  }

  reset(): void {
    this.#range = 0
    this.#left = this.#ranges[0]?.size ?? 0
    this.#filled = 0
  }

  /** Size of the next data block; 0 behind the last range. */
  #wanted(): number {
    return Math.min(this.#left, this.#blockSize)
  }

  #take(bytes: Uint8Array): Chunk {
    this.#left -= bytes.length
    return isAllZero(bytes) ? { kind: 'zeros', size: bytes.length } : { kind: 'data', bytes }
  }

  /** Steps over finished ranges and yields the blocks of holes that come next. */
  *#holes(): Generator<Chunk> {
    for (let range = this.#ranges[this.#range]; range !== undefined; range = this.#ranges[this.#range]) {
      if (this.#left > 0 && range.kind === 'data') return
      while (this.#left > 0) {
        const size = this.#wanted()
        this.#left -= size
        yield { kind: 'zeros', size }
      }
      this.#range += 1
      this.#left = this.#ranges[this.#range]?.size ?? 0
    }
  }

  /** Whole blocks, and many of them when they are small. */
  #allocated(): Uint8Array {
    this.#buffer ??= new Uint8Array(this.#blockSize * Math.max(1, Math.floor(bufferSizeUsual / this.#blockSize)))
    return this.#buffer
  }
}
