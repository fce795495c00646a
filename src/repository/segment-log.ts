/**
 * The writing end of the log: entries into numbered segment files, commits at their ends. Knows framing and order; knows
 * nothing of which entry is current.
 *
 * Small entries are collected in one buffer and reach the store together; larger ones are written at once, uncopied. So a
 * caller's bytes are never needed after the call. A commit makes everything before it durable first: segments are sealed
 * in order, and the segment with the commit is the last.
 * Source: format/repository.md §5.
 */
import { isManifestId, type ObjectId, type SegmentNumber, segmentNumber } from '../base/ids.ts'
import type { AppendFile } from '../store/store.ts'
import {
  commitEntry,
  type EntryPlace,
  type EntryTag,
  headerSize,
  putHeaderSize,
  segmentMagic,
  writeHeader,
} from './segment-entry.ts'
import type { SegmentFiles } from './segment-files.ts'

/** Entries wait here until this much has come together. */
const bufferSize = 1024 * 1024
/** Data from this size on goes to the store directly: one more call costs less than the copy. */
const directSize = 128 * 1024

/** One write at a time: the caller takes care that no call begins before the last one has ended. */
export class SegmentLog {
  readonly #files: SegmentFiles
  readonly #buffer = new Uint8Array(bufferSize)
  #buffered = 0
  /** Number of the open segment, or of the next one. */
  #segment: SegmentNumber
  #file: AppendFile | undefined
  /** Of the open segment, buffered bytes included; 0 when none is open. */
  #size = 0
  /** Up to where the open segment can be read through the store. */
  #readableSize = 0

  constructor(files: SegmentFiles, first: SegmentNumber) {
    this.#files = files
    this.#segment = first
  }

  /** Whether `segment` is open: what is in it must be asked for with `makeReadable` first. */
  isOpen(segment: SegmentNumber): boolean {
    return this.#file !== undefined && segment === this.#segment
  }

  /** Whether the next entry would end the open segment and begin another. */
  isFull(id: ObjectId): boolean {
    return isManifestId(id) || this.#size > this.#files.layout.segmentSizeMax
  }

  /**
   * Appends without waiting, if the entry fits into the buffer and the open segment. Undefined: use `append`.
   * @throws BorgError 'IntegrityError' for too much data, without having written.
   */
  appendAtOnce(tag: 'put' | 'delete', id: ObjectId, data?: Uint8Array): EntryPlace | undefined {
    const size = putHeaderSize + (data?.length ?? 0)
    if (this.#file === undefined || size > directSize || this.#buffered + size > bufferSize) return undefined
    if (this.isFull(id)) return undefined
    return this.#intoBuffer(tag, id, data, size)
  }

  /** @throws BorgError 'IntegrityError' for too much data, without having written; the store's errors. */
  async append(tag: 'put' | 'delete', id: ObjectId, data?: Uint8Array): Promise<EntryPlace> {
    const size = putHeaderSize + (data?.length ?? 0)
    const isDirect = data !== undefined && size > directSize
    const header = new Uint8Array(putHeaderSize)
    if (isDirect) writeHeader(header, 0, tag, id, data)
    if (this.isFull(id)) await this.#close()
    const file = this.#file ?? (await this.#open())
    if (!isDirect) {
      if (this.#buffered + size > bufferSize) await this.#drain(file)
      return this.#intoBuffer(tag, id, data, size)
    }
    const place = { segment: this.#segment, offset: this.#size }
    await file.write(this.#buffer.subarray(0, this.#buffered), header, data)
    this.#buffered = 0
    this.#size += size
    return place
  }

  /**
   * Ends a transaction; when it resolves everything up to here is durable. Returns the segment that holds the commit.
   * 'final' gives the commit a segment of its own; 'intermediate' appends it to the open one.
   */
  async commit(kind: 'final' | 'intermediate'): Promise<SegmentNumber> {
    if (kind === 'final') await this.#close()
    const file = this.#file ?? (await this.#open())
    if (this.#buffered + headerSize > bufferSize) await this.#drain(file)
    const committed = this.#segment
    this.#collect(commitEntry)
    await this.#close()
    return committed
  }

  /** After this everything appended so far can be read through the store. */
  async makeReadable(): Promise<void> {
    if (this.#file === undefined || this.#readableSize === this.#size) return
    await this.#drain(this.#file)
    await this.#file.flush()
    this.#readableSize = this.#size
  }

  /** Stops writing; what was written since the last commit is left to `discardAfter`. */
  async abandon(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    this.#buffered = 0
    this.#size = 0
    await file?.abandon()
  }

  async #open(): Promise<AppendFile> {
    const file = await this.#files.store.append(this.#files.path(this.#segment))
    this.#file = file
    this.#size = 0
    this.#buffered = 0
    this.#readableSize = 0
    this.#collect(segmentMagic)
    return file
  }

  async #close(): Promise<void> {
    if (this.#file === undefined) return
    await this.#drain(this.#file)
    await this.#file.seal()
    this.#file = undefined
    this.#segment = segmentNumber(this.#segment + 1)
    this.#size = 0
  }

  async #drain(file: AppendFile): Promise<void> {
    if (this.#buffered === 0) return
    await file.write(this.#buffer.subarray(0, this.#buffered))
    this.#buffered = 0
  }

  #intoBuffer(tag: EntryTag, id: ObjectId, data: Uint8Array | undefined, size: number): EntryPlace {
    writeHeader(this.#buffer, this.#buffered, tag, id, data)
    if (data !== undefined) this.#buffer.set(data, this.#buffered + putHeaderSize)
    const place = { segment: this.#segment, offset: this.#size }
    this.#buffered += size
    this.#size += size
    return place
  }

  #collect(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#buffered)
    this.#buffered += bytes.length
    this.#size += bytes.length
  }
}
