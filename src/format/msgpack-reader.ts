/**
 * Reads msgpack values one by one where they lie: for decoders that know what must come next.
 *
 * Accepted besides borg's own dialect (msgpack-encode.ts): str8 and bin, which newer writers produce, and floats.
 * Refused: extension types, the reserved byte c1, keys that are neither raw nor integer.
 * Source: format sheet objects.md §2; msgpack specification, "formats".
 */
import { dataView } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'

/** What comes out: raw is always bytes, the caller knows which fields are text. Integers past 2^53 are bigint. */
export type Unpacked = null | boolean | number | bigint | Uint8Array | Unpacked[] | UnpackedMap
/** A raw key that is UTF-8 becomes a string (encode it for its bytes), any other stays bytes; integers stay integers. */
export interface UnpackedMap extends Map<UnpackedKey, Unpacked> {}
export type UnpackedKey = string | Uint8Array | number | bigint

export interface DecodeLimits {
  /** Size of one whole value. */
  readonly bytes: number
  /** Lists and maps inside each other. */
  readonly depth: number
  /** Elements of any one list, entries of any one map. */
  readonly items: number
}

/** Thrown inside this folder when bytes end before the value does; never leaves it. */
export const outOfBytes: unique symbol = Symbol('out of bytes')

/** What the next value is, before reading it. */
export type PackedKind = 'nil' | 'boolean' | 'integer' | 'float' | 'raw' | 'array' | 'map'

/** Slots of the key memory: borg's maps repeat some forty keys for ever. Direct-mapped, bounded, shared. */
const keyMemorySlots = 512
const keyMemoryBytes: (Uint8Array | undefined)[] = new Array(keyMemorySlots).fill(undefined)
const keyMemoryTexts: string[] = new Array(keyMemorySlots).fill('')
const keyDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A cursor over packed bytes. Bytes it returns are views of what it was given.
 * @throws from every method BorgError 'IntegrityError' on malformed or over-limit input; on truncated input too, except
 * when opened as `partial`: then `outOfBytes` is thrown and the cursor can be set back.
 */
export class MsgpackReader {
  position: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #end: number
  readonly #limits: DecodeLimits
  readonly #partial: boolean

  constructor(
    bytes: Uint8Array,
    limits: DecodeLimits,
    options?: { position?: number; end?: number; partial?: boolean },
  ) {
    this.#bytes = bytes
    this.#view = dataView(bytes)
    this.#limits = limits
    this.position = options?.position ?? 0
    this.#end = options?.end ?? bytes.length
    this.#partial = options?.partial ?? false
  }

  get atEnd(): boolean {
    return this.position >= this.#end
  }

  kind(): PackedKind {
    const tag = this.#peek()
    if (tag < 0x80 || tag >= 0xe0) return 'integer'
    if (tag < 0x90) return 'map'
    if (tag < 0xa0) return 'array'
    if (tag < 0xc0) return 'raw'
    if (tag === 0xc0) return 'nil'
    if (tag === 0xc2 || tag === 0xc3) return 'boolean'
    if ((tag >= 0xc4 && tag <= 0xc6) || (tag >= 0xd9 && tag <= 0xdb)) return 'raw'
    if (tag === 0xca || tag === 0xcb) return 'float'
    if (tag >= 0xcc && tag <= 0xd3) return 'integer'
    if (tag === 0xdc || tag === 0xdd) return 'array'
    if (tag === 0xde || tag === 0xdf) return 'map'
    throw this.#malformed(`type byte ${tag.toString(16)}`)
  }

  /** Any value, nested `depth` deep already. */
  value(depth = 0): Unpacked {
    const tag = this.#peek()
    if (tag < 0x80) {
      this.position += 1
      return tag
    }
    if (tag >= 0xe0) {
      this.position += 1
      return tag - 0x100
    }
    if (tag < 0x90 || tag === 0xde || tag === 0xdf) return this.#map(depth)
    if (tag < 0xa0 || tag === 0xdc || tag === 0xdd) return this.#array(depth)
    if (tag < 0xc0 || tag >= 0xd9 || (tag >= 0xc4 && tag <= 0xc6)) return this.raw()
    if (tag >= 0xcc && tag <= 0xd3) return this.integer()
    this.position += 1
    if (tag === 0xc0) return null
    if (tag === 0xc2) return false
    if (tag === 0xc3) return true
    if (tag === 0xca) return this.#view.getFloat32(this.#take(4))
    if (tag === 0xcb) return this.#view.getFloat64(this.#take(8))
    this.position -= 1
    throw this.#malformed(`type byte ${tag.toString(16)}`)
  }

  /** Elements of the list whose header comes next. Never more than bytes are left. */
  arrayHeader(): number {
    const tag = this.#peek()
    if (tag >= 0x90 && tag < 0xa0) {
      this.position += 1
      return this.#checkCount(tag & 0x0f, 1)
    }
    if (tag === 0xdc || tag === 0xdd) return this.#checkCount(this.#length(tag === 0xdc ? 2 : 4), 1)
    throw this.#malformed(`expected a list, found type byte ${tag.toString(16)}`)
  }

  /** Entries of the map whose header comes next. */
  mapHeader(): number {
    const tag = this.#peek()
    if (tag >= 0x80 && tag < 0x90) {
      this.position += 1
      return this.#checkCount(tag & 0x0f, 2)
    }
    if (tag === 0xde || tag === 0xdf) return this.#checkCount(this.#length(tag === 0xde ? 2 : 4), 2)
    throw this.#malformed(`expected a map, found type byte ${tag.toString(16)}`)
  }

  /** Raw, str8 or bin: a view of the bytes. */
  raw(): Uint8Array {
    const length = this.#rawLength()
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  integer(): number | bigint {
    const tag = this.#peek()
    this.position += 1
    if (tag < 0x80) return tag
    if (tag >= 0xe0) return tag - 0x100
    switch (tag) {
      case 0xcc:
        return this.#bytes[this.#take(1)]!
      case 0xcd:
        return this.#view.getUint16(this.#take(2))
      case 0xce:
        return this.#view.getUint32(this.#take(4))
      case 0xcf:
        return this.#wide(this.#view.getUint32(this.#take(8)))
      case 0xd0:
        return this.#view.getInt8(this.#take(1))
      case 0xd1:
        return this.#view.getInt16(this.#take(2))
      case 0xd2:
        return this.#view.getInt32(this.#take(4))
      case 0xd3:
        return this.#wide(this.#view.getInt32(this.#take(8)))
    }
    this.position -= 1
    throw this.#malformed(`expected an integer, found type byte ${tag.toString(16)}`)
  }

  /** A map's key: text where the raw bytes are UTF-8, else the bytes; or an integer. */
  key(): UnpackedKey {
    const tag = this.#peek()
    if (tag < 0x80 || tag >= 0xe0 || (tag >= 0xcc && tag <= 0xd3)) return this.integer()
    if (tag < 0xa0) throw this.#malformed('a map key is a list or a map')
    const length = this.#rawLength()
    const start = this.#take(length)
    return length > 0 && length < 32
      ? this.#shortKey(start, length)
      : decodeKey(this.#bytes.subarray(start, start + length))
  }

  /** Steps over one value without building it. Not recursive. */
  skip(): void {
    let left = 1
    while (left > 0) {
      left += this.#skipOne() - 1
    }
  }

  /** Steps over a scalar or a header; returns how many values the header promises. */
  #skipOne(): number {
    const tag = this.#peek()
    if (tag < 0x80 || tag >= 0xe0) {
      this.position += 1
      return 0
    }
    if (tag < 0x90 || tag === 0xde || tag === 0xdf) return 2 * this.mapHeader()
    if (tag < 0xa0 || tag === 0xdc || tag === 0xdd) return this.arrayHeader()
    if (tag < 0xc0 || tag >= 0xd9 || (tag >= 0xc4 && tag <= 0xc6)) this.#take(this.#rawLength())
    else if (tag >= 0xcc && tag <= 0xd3) this.#take(1 + (1 << (tag & 3)))
    else if (tag === 0xca || tag === 0xcb) this.#take(tag === 0xca ? 5 : 9)
    else if (tag === 0xc0 || tag === 0xc2 || tag === 0xc3) this.position += 1
    else throw this.#malformed(`type byte ${tag.toString(16)}`)
    return 0
  }

  /** Continues a `skip` that ran out of bytes: `left` values to go; returns how many are left when bytes run out. */
  skipMany(left: number): number {
    let remaining = left
    while (remaining > 0) {
      const start = this.position
      try {
        remaining += this.#skipOne() - 1
      } catch (error) {
        if (error !== outOfBytes) throw error
        this.position = start
        return remaining
      }
    }
    return 0
  }

  #map(depth: number): UnpackedMap {
    this.#checkDepth(depth)
    const count = this.mapHeader()
    const map: UnpackedMap = new Map<UnpackedKey, Unpacked>()
    for (let i = 0; i < count; i++) {
      const key = this.key()
      map.set(key, this.value(depth + 1))
    }
    return map
  }

  #array(depth: number): Unpacked[] {
    this.#checkDepth(depth)
    const count = this.arrayHeader()
    const list: Unpacked[] = []
    for (let i = 0; i < count; i++) list.push(this.value(depth + 1))
    return list
  }

  #rawLength(): number {
    const tag = this.#peek()
    if (tag >= 0xa0 && tag < 0xc0) {
      this.position += 1
      return tag & 0x1f
    }
    if (tag === 0xda || tag === 0xc5) return this.#checkRaw(this.#length(2))
    if (tag === 0xd9 || tag === 0xc4) return this.#checkRaw(this.#length(1))
    if (tag === 0xdb || tag === 0xc6) return this.#checkRaw(this.#length(4))
    throw this.#malformed(`expected bytes, found type byte ${tag.toString(16)}`)
  }

  /** The length that follows a type byte. */
  #length(size: 1 | 2 | 4): number {
    const at = this.#take(1 + size) + 1
    if (size === 1) return this.#bytes[at]!
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at)
  }

  /** A 64-bit integer just stepped over, whose high half is `high`. */
  #wide(high: number): number | bigint {
    const at = this.position - 8
    if (high >= -0x20_0000 && high <= 0x1f_ffff) {
      const value = high * 2 ** 32 + this.#view.getUint32(at + 4)
      if (Number.isSafeInteger(value)) return value
    }
    return high < 0 ? this.#view.getBigInt64(at) : this.#view.getBigUint64(at)
  }

  #shortKey(start: number, length: number): string | Uint8Array {
    const bytes = this.#bytes
    const slot =
      (bytes[start]! * 7 + bytes[start + length - 1]! * 31 + bytes[start + (length >> 1)]! * 3 + length) & 511
    const known = keyMemoryBytes[slot]
    if (known !== undefined && known.length === length) {
      let i = 0
      while (i < length && known[i] === bytes[start + i]) i++
      if (i === length) return keyMemoryTexts[slot]!
    }
    const own = bytes.slice(start, start + length)
    const text = decodeKey(own)
    if (typeof text === 'string') {
      keyMemoryBytes[slot] = own
      keyMemoryTexts[slot] = text
    }
    return text
  }

  #peek(): number {
    if (this.position >= this.#end) throw this.#truncated()
    return this.#bytes[this.position]!
  }

  /** Steps over `length` bytes and returns where they start. */
  #take(length: number): number {
    const start = this.position
    if (start + length > this.#end) throw this.#truncated()
    this.position = start + length
    return start
  }

  #checkDepth(depth: number): void {
    if (depth >= this.#limits.depth) throw this.#malformed(`nested deeper than ${this.#limits.depth}`)
  }

  #checkRaw(length: number): number {
    if (length > this.#limits.bytes) throw this.#malformed(`${length} bytes, the limit is ${this.#limits.bytes}`)
    return length
  }

  /** Refuses counts that no honest writer meant, before anything is built for them. */
  #checkCount(count: number, bytesEach: number): number {
    if (count > this.#limits.items) throw this.#malformed(`${count} elements, the limit is ${this.#limits.items}`)
    if (!this.#partial && count * bytesEach > this.#end - this.position) throw this.#truncated()
    return count
  }

  #truncated(): unknown {
    return this.#partial ? outOfBytes : new BorgError('IntegrityError', [`msgpack ends early at ${this.#end}`])
  }

  #malformed(what: string): BorgError {
    return new BorgError('IntegrityError', [`msgpack: ${what} at ${this.position}`])
  }
}

function decodeKey(bytes: Uint8Array): string | Uint8Array {
  try {
    return keyDecoder.decode(bytes)
  } catch {
    return bytes
  }
}
