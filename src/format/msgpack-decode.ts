/**
 * borg's msgpack, the reading side: whole values, and values out of a stream. The grammar is msgpack-reader.ts.
 */
import { BorgError } from '../base/errors.ts'
import { type DecodeLimits, MsgpackReader, outOfBytes, type Unpacked } from './msgpack-reader.ts'

export type { DecodeLimits, Unpacked, UnpackedKey, UnpackedMap } from './msgpack-reader.ts'

/** For values read from a repository: borg 1.4 refuses packed metadata above 60 MiB and nothing else. */
export const metadataLimits: DecodeLimits = { bytes: 60 * 1024 * 1024, depth: 256, items: 60 * 1024 * 1024 }

/**
 * One value that fills `bytes` whole. Raw values are views of `bytes`: copy what outlives it.
 * @throws BorgError 'IntegrityError' on malformed, truncated, over-limit input or bytes left over.
 */
export function unpack(bytes: Uint8Array, limits: DecodeLimits): Unpacked {
  if (bytes.length > limits.bytes) {
    throw new BorgError('IntegrityError', [`msgpack of ${bytes.length} bytes, the limit is ${limits.bytes}`])
  }
  const reader = new MsgpackReader(bytes, limits)
  const value = reader.value()
  if (!reader.atEnd) throw new BorgError('IntegrityError', [`msgpack: bytes left over at ${reader.position}`])
  return value
}

/**
 * Feed any split of a stream, receive whole values. Fed bytes are kept until their values were taken, and raw values may be
 * views of them: hand over bytes that nobody changes.
 *
 * Time is linear in the stream however it is split: a value that ran out of bytes is stepped over as its bytes arrive, and
 * built once it is whole.
 */
export class Unpacker {
  readonly #limits: DecodeLimits
  /** Unread bytes are buffer[start, end). */
  #buffer: Uint8Array = new Uint8Array(0)
  #start = 0
  #end = 0
  /** The last buffer allocated here: only its free end may be written. */
  #own: Uint8Array | undefined
  /** Offset in the stream of `#start`. */
  #streamed = 0
  /** While a value is incomplete: where the step-over stopped, and how many values it still owes. */
  #scanned = 0
  #owed = 0
  #reader: MsgpackReader | undefined

  constructor(limits: DecodeLimits) {
    this.#limits = limits
  }

  /** Bytes fed and not yet part of a value taken. */
  get pending(): number {
    return this.#end - this.#start
  }

  feed(bytes: Uint8Array): void {
    this.#reader = undefined
    const pending = this.#end - this.#start
    if (pending === 0) {
      this.#buffer = bytes
      this.#start = 0
      this.#end = bytes.length
    } else if (this.#own === this.#buffer && this.#end + bytes.length <= this.#buffer.length) {
      this.#buffer.set(bytes, this.#end)
      this.#end += bytes.length
    } else {
      // A new buffer, never a moved one: values already handed out are views of the old.
      const grown = new Uint8Array(2 * pending + bytes.length)
      grown.set(this.#buffer.subarray(this.#start, this.#end))
      grown.set(bytes, pending)
      this.#scanned -= this.#start
      this.#own = grown
      this.#buffer = grown
      this.#start = 0
      this.#end = pending + bytes.length
    }
  }

  /** The next whole value and the offset in the stream just past it; undefined when more must be fed. */
  next(): { value: Unpacked; end: number } | undefined {
    if (!this.#isWhole()) return undefined
    const reader = this.#readerAt(this.#start)
    let value: Unpacked
    try {
      value = reader.value()
    } catch (error) {
      if (error !== outOfBytes) throw error
      this.#beginScan(reader)
      return undefined
    }
    return { value, end: this.#taken(reader.position) }
  }

  /** The packed bytes of the next value, as a view, without decoding them; undefined when more must be fed. */
  nextPacked(): Uint8Array | undefined {
    if (!this.#isWhole()) return undefined
    const from = this.#start
    const reader = this.#readerAt(from)
    if (reader.skipMany(1) > 0) {
      this.#beginScan(reader)
      return undefined
    }
    this.#taken(reader.position)
    return this.#buffer.subarray(from, reader.position)
  }

  #taken(position: number): number {
    if (position - this.#start > this.#limits.bytes) throw this.#tooLong()
    this.#streamed += position - this.#start
    this.#start = position
    return this.#streamed
  }

  #readerAt(position: number): MsgpackReader {
    this.#reader ??= new MsgpackReader(this.#buffer, this.#limits, { end: this.#end, partial: true })
    this.#reader.position = position
    return this.#reader
  }

  /** False while the value at the start is known to lack bytes. */
  #isWhole(): boolean {
    if (this.#start === this.#end) return false
    if (this.#owed === 0) return true
    const reader = this.#readerAt(this.#scanned)
    this.#owed = reader.skipMany(this.#owed)
    this.#scanned = reader.position
    if (this.#owed === 0) return true
    if (this.#end - this.#start > this.#limits.bytes) throw this.#tooLong()
    return false
  }

  #beginScan(reader: MsgpackReader): void {
    reader.position = this.#start
    this.#owed = reader.skipMany(1)
    this.#scanned = reader.position
    if (this.#end - this.#start > this.#limits.bytes) throw this.#tooLong()
  }

  #tooLong(): BorgError {
    return new BorgError('IntegrityError', [`msgpack value of more than ${this.#limits.bytes} bytes`])
  }
}

/** The way back from `encodeBigInteger`: an integer, or little-endian two's complement bytes. */
export function decodeBigInteger(value: Unpacked): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  if (!(value instanceof Uint8Array)) throw new BorgError('IntegrityError', ['expected an integer'])
  let result = 0n
  for (let i = value.length - 1; i >= 0; i--) result = (result << 8n) | BigInt(value[i]!)
  return BigInt.asIntN(value.length * 8, result)
}
