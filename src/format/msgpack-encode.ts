/**
 * borg's msgpack, the writing side: the dialect from before msgpack knew text from bytes.
 *
 *   text and bytes   raw: a0..bf up to 31 bytes, da up to 65535, db above. Never str8 (d9), never bin (c4..c6)
 *   integers         the shortest form; what is not negative always in an unsigned one
 *   lists, maps      the shortest header; maps in the order they iterate
 * Source: format sheet objects.md §2; fixtures/vectors/items.json.
 */
import { compareBytes, dataView } from '../base/bytes.ts'
import { encodeText } from '../base/text.ts'

/** Keys of a map. borg's own are text or ids; the hints of a repository have segment numbers. */
export type PackableKey = string | number | bigint | Uint8Array

/** What borg 1.x puts into msgpack. Strings are written as UTF-8 raw (surrogateescape); bytes as raw; there is no bin type. */
export type Packable =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Packable[]
  | ReadonlyMap<PackableKey, Packable>

/** Above this the shared buffer of `pack` is not kept for the next call. */
const scratchSizeMax = 256 * 1024

/** Writes values one after the other into a growing buffer. For one value use `pack`. */
export class Packer {
  #bytes: Uint8Array
  #view: DataView
  #size = 0

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = dataView(this.#bytes)
  }

  /** Bytes written since the last `take`. */
  get size(): number {
    return this.#size
  }

  /** Everything written since the last call, as bytes of their own; the packer starts empty again. */
  take(): Uint8Array {
    const packed = this.#bytes.slice(0, this.#size)
    this.#size = 0
    return packed
  }

  /** Forgets what was written since the last `take`. */
  clear(): void {
    this.#size = 0
  }

  /** @throws RangeError for integers past 64 bits and text with lone surrogates that stand for no byte. */
  value(value: Packable): void {
    if (typeof value === 'string') this.text(value)
    else if (typeof value === 'number') this.number(value)
    else if (typeof value === 'bigint') this.bigint(value)
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2)
    else this.#object(value)
  }

  nil(): void {
    this.#byte(0xc0)
  }

  /** Header of a list; its `length` values follow. */
  arrayHeader(length: number): void {
    if (length < 16) this.#byte(0x90 | length)
    else this.#header(0xdc, length)
  }

  /** Header of a map; its `size` keys, each before its value, follow. */
  mapHeader(size: number): void {
    if (size < 16) this.#byte(0x80 | size)
    else this.#header(0xde, size)
  }

  bytes(bytes: Uint8Array): void {
    this.#rawHeader(bytes.length)
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#size)
    this.#size += bytes.length
  }

  /** Values that are packed already. */
  packed(values: Uint8Array): void {
    this.#reserve(values.length)
    this.#bytes.set(values, this.#size)
    this.#size += values.length
  }

  text(text: string): void {
    const length = text.length
    this.#reserve(length + 5)
    const target = this.#bytes
    const start = this.#size + (length < 32 ? 1 : length < 0x10000 ? 3 : 5)
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x80) {
        this.bytes(encodeText(text))
        return
      }
      target[start + i] = code
    }
    this.#rawHeader(length)
    this.#size += length
  }

  /** Integers in their shortest form; a fraction as a 64-bit float, which only calls between borgs carry. */
  number(value: number): void {
    if (!Number.isInteger(value)) {
      this.#byte(0xcb)
      this.#reserve(8)
      this.#view.setFloat64(this.#size, value)
      this.#size += 8
    } else if (value >= 0) this.#positive(value)
    else this.#negative(value)
  }

  bigint(value: bigint): void {
    if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.number(Number(value))
      return
    }
    const size =
      BigInt.asUintN(64, value) === value ? 'unsigned' : BigInt.asIntN(64, value) === value ? 'signed' : 'big'
    if (size === 'big') throw new RangeError(`integer needs more than 64 bits: ${value}`)
    this.#byte(size === 'unsigned' ? 0xcf : 0xd3)
    this.#reserve(8)
    this.#view.setBigUint64(this.#size, BigInt.asUintN(64, value))
    this.#size += 8
  }

  #object(value: null | Uint8Array | readonly Packable[] | ReadonlyMap<PackableKey, Packable>): void {
    if (value === null) this.#byte(0xc0)
    else if (value instanceof Uint8Array) this.bytes(value)
    else if (isMap(value)) {
      this.mapHeader(value.size)
      for (const [key, entry] of value) {
        this.value(key)
        this.value(entry)
      }
    } else {
      this.arrayHeader(value.length)
      for (const entry of value) this.value(entry)
    }
  }

  #positive(value: number): void {
    this.#reserve(9)
    if (value < 0x80) this.#bytes[this.#size++] = value
    else if (value < 0x100) {
      this.#bytes[this.#size++] = 0xcc
      this.#bytes[this.#size++] = value
    } else if (value < 0x10000) this.#word16(0xcd, value)
    else if (value < 2 ** 32) this.#word32(0xce, value)
    else this.#word64(0xcf, value)
  }

  #negative(value: number): void {
    this.#reserve(9)
    if (value >= -32) this.#bytes[this.#size++] = value & 0xff
    else if (value >= -0x80) {
      this.#bytes[this.#size++] = 0xd0
      this.#bytes[this.#size++] = value & 0xff
    } else if (value >= -0x8000) this.#word16(0xd1, value & 0xffff)
    else if (value >= -(2 ** 31)) this.#word32(0xd2, value >>> 0)
    else this.#word64(0xd3, value)
  }

  #rawHeader(length: number): void {
    if (length < 32) this.#byte(0xa0 | length)
    else this.#header(0xda, length)
  }

  /** The 16-bit form `tag`, or the 32-bit form that follows it. */
  #header(tag: number, length: number): void {
    this.#reserve(5)
    if (length < 0x10000) this.#word16(tag, length)
    else if (length < 2 ** 32) this.#word32(tag + 1, length)
    else throw new RangeError(`msgpack lengths have 32 bits, got ${length}`)
  }

  #word16(tag: number, value: number): void {
    const at = this.#size
    this.#bytes[at] = tag
    this.#bytes[at + 1] = value >>> 8
    this.#bytes[at + 2] = value & 0xff
    this.#size = at + 3
  }

  #word32(tag: number, value: number): void {
    this.#bytes[this.#size] = tag
    this.#view.setUint32(this.#size + 1, value)
    this.#size += 5
  }

  #word64(tag: number, value: number): void {
    if (Number.isSafeInteger(value)) {
      this.#bytes[this.#size] = tag
      this.#view.setUint32(this.#size + 1, Math.floor(value / 2 ** 32) >>> 0)
      this.#view.setUint32(this.#size + 5, value >>> 0)
      this.#size += 9
    } else throw new RangeError(`integers past 2^53 must be bigint, got ${value}`)
  }

  #byte(byte: number): void {
    if (this.#size === this.#bytes.length) this.#reserve(1)
    this.#bytes[this.#size++] = byte
  }

  #reserve(count: number): void {
    const needed = this.#size + count
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#size))
    this.#bytes = grown
    this.#view = dataView(grown)
  }
}

let scratch = new Packer()

/** Map entries are written in iteration order; wrap in `sortedMap` where borg sorts. Returns bytes of their own. */
export function pack(value: Packable): Uint8Array {
  scratch.clear()
  scratch.value(value)
  const packed = scratch.take()
  if (packed.length > scratchSizeMax) scratch = new Packer()
  return packed
}

/** The entries in bytewise order of their keys, as borg writes every metadata map. Values are taken as they are. */
export function sortedMap(
  source: ReadonlyMap<string | Uint8Array, Packable> | Readonly<Record<string, Packable>>,
): Map<string | Uint8Array, Packable> {
  const entries: [string | Uint8Array, Packable][] = isMap(source) ? [...source] : Object.entries(source)
  const ranked = entries.map((entry) => ({
    entry,
    key: typeof entry[0] === 'string' ? encodeText(entry[0]) : entry[0],
  }))
  ranked.sort((a, b) => compareBytes(a.key, b.key))
  return new Map(ranked.map(({ entry }) => entry))
}

/** `pack(sortedMap(source))`. */
export function packSorted(
  source: ReadonlyMap<string | Uint8Array, Packable> | Readonly<Record<string, Packable>>,
): Uint8Array {
  return pack(sortedMap(source))
}

/**
 * An integer of any size as borg writes times: itself while its magnitude has at most 63 bits, else little-endian two's
 * complement bytes. `decodeBigInteger` of msgpack-decode.ts is the way back.
 */
export function encodeBigInteger(value: bigint): bigint | Uint8Array {
  const magnitude = value < 0n ? -value : value
  const bits = magnitude === 0n ? 0 : magnitude.toString(2).length
  if (bits <= 63) return value
  const bytes = new Uint8Array(Math.floor((bits + 9) / 8))
  let rest = BigInt.asUintN(bytes.length * 8, value)
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

function isMap<K, V>(value: object | ReadonlyMap<K, V>): value is ReadonlyMap<K, V> {
  return value instanceof Map
}
