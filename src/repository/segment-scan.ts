/**
 * Bytes of a segment file -> its entries; and what can be saved of a damaged one.
 *
 * Both take a file of any size block by block and hold at most one block and one entry (20 MiB).
 * Source: format/repository.md §4 (limits), §9 (what counts as committed), §18 (recovery).
 */
import { concatBytes, copyBytes, dataView, equalBytes } from '../base/bytes.ts'
import { type ObjectId, objectId } from '../base/ids.ts'
import { objectSizeMax } from '../base/limits.ts'
import { crc32 } from '../kernels/crc32.ts'
import {
  commitEntry,
  type EntryProblem,
  type EntryTag,
  headerSize,
  magicSize,
  putHeaderSize,
  readHeader,
  segmentMagic,
} from './segment-entry.ts'

/** One entry found whole and with the right checksum. */
export interface ScannedEntry {
  readonly tag: EntryTag
  readonly offset: number
  /** Of the whole entry, header included. */
  readonly size: number
  /** A copy; the zero-length id of a commit is never looked at. */
  readonly id: ObjectId
  /** Data of a put, if the parser was told to keep it: a view that nobody overwrites. Empty otherwise. */
  readonly data: Uint8Array
}

const nothing = new Uint8Array(0)
const noId = nothing as ObjectId

interface OpenEntry {
  readonly offset: number
  readonly size: number
  readonly tag: EntryTag
  readonly id: ObjectId
  readonly storedCrc: number
  /** The part already seen: its checksum, its length, and its bytes if they are kept. */
  crc: number
  seen: number
  readonly kept: Uint8Array[]
}

/**
 * Reads a segment from front to back. After `feed` or `end` look at `problem`: once set, nothing more comes out.
 * Entries before the damage have been delivered.
 */
export class SegmentParser {
  readonly #keepData: (tag: EntryTag) => boolean
  /** Offset in the file of the next byte to be looked at. */
  #offset: number
  /** Bytes of a magic or header that were split by a block end. */
  #rest: Uint8Array = nothing
  #open: OpenEntry | undefined
  #problem: { readonly problem: EntryProblem; readonly offset: number } | undefined
  #committed = false
  #entryAfterCommit = false

  /** `from`: what is fed begins at this offset, with an entry. */
  constructor(options: { readonly keepData: boolean; readonly from?: number | undefined }) {
    this.#offset = options.from ?? 0
    this.#keepData = options.keepData ? (tag) => tag === 'put' : () => false
  }

  get problem(): { readonly problem: EntryProblem; readonly offset: number } | undefined {
    return this.#problem
  }

  /** After a clean `end`: whether the segment ends a transaction, i.e. only commits follow its first commit. */
  get isCommitted(): boolean {
    return this.#problem === undefined && this.#committed && !this.#entryAfterCommit
  }

  /** Entries completed by `block`, which must not be changed afterwards when data is kept. */
  feed(block: Uint8Array): ScannedEntry[] {
    const found: ScannedEntry[] = []
    let at = 0
    while (this.#problem === undefined && at < block.length) {
      if (this.#open !== undefined) at = this.#continueEntry(this.#open, block, at, found)
      else at = this.#begin(block, at, found)
    }
    return found
  }

  /** The file ends here. */
  end(): void {
    if (this.#problem !== undefined) return
    if (this.#offset === 0) this.#fail('magic', 0)
    else if (this.#open !== undefined) this.#fail('truncated', this.#open.offset)
    else if (this.#rest.length > 0) this.#fail(problemOfRest(this.#rest), this.#offset)
  }

  #fail(problem: EntryProblem, offset: number): void {
    this.#problem = { problem, offset }
  }

  /** Reads the magic or the header of the next entry, which may be split over blocks. Returns the new position. */
  #begin(block: Uint8Array, at: number, found: ScannedEntry[]): number {
    const needed = this.#offset === 0 ? magicSize : this.#headerSizeNeeded(block, at)
    const missing = needed - this.#rest.length
    if (block.length - at < missing) {
      this.#rest = concatBytes(this.#rest, block.subarray(at))
      return block.length
    }
    const split = this.#rest.length > 0
    const head = split ? concatBytes(this.#rest, block.subarray(at, at + missing)) : block
    const start = split ? 0 : at
    if (this.#offset === 0) {
      if (!equalBytes(head.subarray(start, start + magicSize), segmentMagic)) this.#fail('magic', 0)
      this.#offset = magicSize
      this.#rest = nothing
      return at + missing
    }
    const header = readHeader(head, start)
    if (typeof header === 'string') {
      this.#fail(header, this.#offset)
      return at
    }
    if (needed < putHeaderSize && header.tag !== 'commit') {
      // Only the first 9 bytes are here so far; come again for the id.
      this.#rest = copyBytes(head.subarray(start, start + needed))
      return at + missing
    }
    this.#rest = nothing
    const entry: OpenEntry = {
      offset: this.#offset,
      ...header,
      id: header.tag === 'commit' ? noId : objectId(head.subarray(start + headerSize, start + putHeaderSize)),
      storedCrc: dataView(head).getUint32(start, true),
      crc: crc32(head.subarray(start + 4, start + needed)),
      seen: needed,
      kept: [],
    }
    if (entry.seen === entry.size) this.#finish(entry, found)
    else this.#open = entry
    return at + missing
  }

  /** 41 when the tag byte is in sight and says that an id follows, else 9. */
  #headerSizeNeeded(block: Uint8Array, at: number): number {
    const tagAt = headerSize - 1 - this.#rest.length
    const tag = tagAt < 0 ? this.#rest[headerSize - 1] : block[at + tagAt]
    return tag === 0 || tag === 1 ? putHeaderSize : headerSize
  }

  #continueEntry(entry: OpenEntry, block: Uint8Array, at: number, found: ScannedEntry[]): number {
    const part = block.subarray(at, at + entry.size - entry.seen)
    entry.crc = crc32(part, entry.crc)
    entry.seen += part.length
    if (this.#keepData(entry.tag)) entry.kept.push(part)
    if (entry.seen === entry.size) this.#finish(entry, found)
    return at + part.length
  }

  #finish(entry: OpenEntry, found: ScannedEntry[]): void {
    this.#open = undefined
    if (entry.crc !== entry.storedCrc) {
      this.#fail('checksum', entry.offset)
      return
    }
    const { tag, offset, size, id, kept } = entry
    if (tag === 'commit') this.#committed = true
    else if (this.#committed) this.#entryAfterCommit = true
    this.#offset = offset + size
    found.push({ tag, offset, size, id, data: kept.length === 1 ? (kept[0] ?? nothing) : concatBytes(...kept) })
  }
}

/** What is wrong with a header that ends with the file: its own fields, if they are there, else that it is cut short. */
function problemOfRest(rest: Uint8Array): EntryProblem {
  const header = rest.length < headerSize ? 'truncated' : readHeader(rest, 0)
  return typeof header === 'string' ? header : 'truncated'
}

/** Whether `lastBytes`, the end of a segment, may end a transaction: worth reading the whole segment then. */
export function endsLikeCommit(lastBytes: Uint8Array): boolean {
  return equalBytes(lastBytes, commitEntry)
}

/** Highest tag that recovery takes for an entry of some later borg. */
const tagMax = 15

/**
 * What can be saved of a damaged segment: the magic, then every entry that is whole, wherever it is found. The scan moves
 * byte by byte through what is not an entry. Yields parts of the new file; views of `blocks` where possible.
 */
export async function* salvageSegment(blocks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield segmentMagic
  let window: Uint8Array = nothing
  for await (const block of blocks) {
    window = concatBytes(window, block)
    const { entries, position } = salvageWindow(window, false)
    yield* entries
    window = copyBytes(window.subarray(position))
  }
  yield* salvageWindow(window, true).entries
}

/** Entries of `window`, and from where on it must be looked at again when more bytes have come. */
function salvageWindow(window: Uint8Array, isLast: boolean): { entries: Uint8Array[]; position: number } {
  const entries: Uint8Array[] = []
  const view = dataView(window)
  let at = 0
  while (at + headerSize <= window.length) {
    const size = view.getUint32(at + 4, true)
    const plausible = size >= headerSize && size <= objectSizeMax && (window[at + 8] ?? 0) <= tagMax
    if (plausible && at + size > window.length && !isLast) break
    if (
      plausible &&
      at + size <= window.length &&
      crc32(window.subarray(at + 4, at + size)) === view.getUint32(at, true)
    ) {
      entries.push(window.subarray(at, at + size))
      at += size
    } else {
      at += 1
    }
  }
  return { entries, position: at }
}
