/**
 * Objects out of segment files, verified: one by one, or many with neighbours read together.
 *
 * The index knows where an entry begins but not where it ends. A single read takes a guess and asks again for larger
 * entries; in a run of entries of one segment each is bounded by the next.
 */
import { BorgError } from '../base/errors.ts'
import { mapOrdered } from '../base/flow.ts'
import type { ObjectId, SegmentNumber } from '../base/ids.ts'
import { isStoreNotFound } from '../store/store.ts'
import {
  type EntryPlace,
  type EntryProblem,
  entryError,
  headerSize,
  putHeaderSize,
  readHeader,
  readPut,
} from './segment-entry.ts'
import type { SegmentFiles } from './segment-files.ts'

export interface WantedEntry {
  readonly id: ObjectId
  readonly place: EntryPlace
}

/** How much to ask for at a time: what a needless byte costs against a needless call. */
export interface ReadSizes {
  /** For an entry of unknown size, as long as we do not know better. */
  readonly guess: number
  /** Less than that is not worth asking for. */
  readonly guessMin: number
  /** From the first to the last entry of one read. */
  readonly span: number
  /** Runs being read at a time. */
  readonly concurrency: number
}

const localSizes: ReadSizes = { guess: 64 * 1024, guessMin: 4096, span: 1024 * 1024, concurrency: 4 }
const remoteSizes: ReadSizes = { guess: 1024 * 1024, guessMin: 1024 * 1024, span: 8 * 1024 * 1024, concurrency: 12 }

/** Headers of one segment that lie this close together are read in one go. */
const headerSpan = 256 * 1024

export class SegmentReader {
  readonly #files: SegmentFiles
  readonly sizes: ReadSizes
  /** What entries measured lately, rather too much than too little: a second read costs more. */
  #usual: number

  constructor(files: SegmentFiles) {
    this.#files = files
    this.sizes = files.store.traits.cheapSmallReads ? localSizes : remoteSizes
    this.#usual = this.sizes.guess
  }

  /** Data of the put of `id` at `place`. The bytes belong to the caller. @throws BorgError 'IntegrityError' */
  async read({ id, place }: WantedEntry): Promise<Uint8Array> {
    const bytes = await this.#readAt(place.segment, place.offset, this.#guess)
    return this.#dataIn(bytes, 0, { id, place })
  }

  /**
   * As `read` for a run of entries: of one segment, in the order of their offsets. One result each, an error for a
   * damaged one. Data of one run may share memory.
   */
  async readRun(run: readonly WantedEntry[]): Promise<readonly (Uint8Array | Error)[]> {
    const first = run[0]
    const last = run.at(-1)
    if (first === undefined || last === undefined) return []
    const { segment, offset: start } = first.place
    let bytes: Uint8Array
    try {
      bytes = await this.#readAt(segment, start, last.place.offset - start + this.#guess)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      return run.map(() => error)
    }
    const results: (Uint8Array | Error)[] = []
    for (const wanted of run) {
      try {
        results.push(await this.#dataIn(bytes, wanted.place.offset - start, wanted))
      } catch (error) {
        if (!(error instanceof Error)) throw error
        results.push(error)
      }
    }
    return results
  }

  /** Whether `next` can be read together with a run that begins with `first` and ends with `last`. */
  continuesRun(first: EntryPlace, last: EntryPlace, next: EntryPlace): boolean {
    return next.segment === last.segment && next.offset > last.offset && next.offset - first.offset <= this.sizes.span
  }

  /**
   * Sum of the sizes of the entries at `offsets` of `segment`, from their headers. Damaged entries count nothing: the sum
   * only estimates what compaction would free.
   */
  async sizeOfEntries(segment: SegmentNumber, offsets: readonly number[]): Promise<number> {
    const windows = headerWindows([...offsets].sort((a, b) => a - b))
    let sum = 0
    for await (const size of mapOrdered(windows, this.sizes.concurrency, (window) =>
      this.#sizeOfWindow(segment, window),
    )) {
      sum += size
    }
    return sum
  }

  async #sizeOfWindow(segment: SegmentNumber, window: readonly number[]): Promise<number> {
    const start = window[0] ?? 0
    const length = (window.at(-1) ?? start) - start + headerSize
    let bytes: Uint8Array
    try {
      bytes = await this.#readAt(segment, start, length)
    } catch (error) {
      if (error instanceof BorgError) return 0
      throw error
    }
    let sum = 0
    for (const offset of window) {
      if (offset - start + headerSize > bytes.length) break
      const header = readHeader(bytes, offset - start)
      if (typeof header !== 'string') sum += header.size
    }
    return sum
  }

  /** The entry at `offset` of `bytes`; read again, whole, when it does not end there. */
  async #dataIn(bytes: Uint8Array, offset: number, { id, place }: WantedEntry): Promise<Uint8Array> {
    const found = readPut(bytes, offset, id)
    const data = found instanceof Uint8Array ? found : await this.#readAgain(found, bytes, offset, { id, place })
    if (!(data instanceof Uint8Array)) throw entryError(data, place.segment, place.offset)
    const size = putHeaderSize + data.length
    this.#usual = Math.max(size, this.#usual - ((this.#usual - size) >> 3))
    return data
  }

  get #guess(): number {
    const { guess, guessMin } = this.sizes
    return Math.min(Math.max(2 * this.#usual, guessMin), guess)
  }

  async #readAgain(
    found: EntryProblem,
    bytes: Uint8Array,
    offset: number,
    { id, place }: WantedEntry,
  ): Promise<Uint8Array | EntryProblem> {
    if (found !== 'truncated' || bytes.length < offset + headerSize) return found
    const header = readHeader(bytes, offset)
    if (typeof header === 'string') return header
    return readPut(await this.#readAt(place.segment, place.offset, header.size), 0, id)
  }

  async #readAt(segment: SegmentNumber, offset: number, length: number): Promise<Uint8Array> {
    try {
      return await this.#files.store.read(this.#files.path(segment), { offset, length })
    } catch (error) {
      if (!isStoreNotFound(error)) throw error
      throw new BorgError('IntegrityError', [`Segment file missing [segment ${segment}]`], { cause: error })
    }
  }
}

/** Splits ascending offsets where the next header is too far away. */
function headerWindows(offsets: readonly number[]): number[][] {
  const windows: number[][] = []
  let window: number[] = []
  for (const offset of offsets) {
    if (window.length > 0 && offset - (window[0] ?? 0) > headerSpan) {
      windows.push(window)
      window = []
    }
    window.push(offset)
  }
  if (window.length > 0) windows.push(window)
  return windows
}
