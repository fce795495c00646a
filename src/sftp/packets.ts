/**
 * The bytes of SFTP version 3, without their meaning.
 *
 * A packet: length u32 | type u8 | id u32 (not in INIT and VERSION) | fields. Numbers are big-endian; a string is its
 * length u32 and its bytes. Source: draft-ietf-secsh-filexfer-02; OpenSSH PROTOCOL for the extensions.
 */
import { BorgError } from '../base/errors.ts'
import { decodeText, encodeText } from '../base/text.ts'

export const sftpVersion = 3

export const packetType = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attributes: 105,
  extended: 200,
  extendedReply: 201,
} as const

export const statusCode = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  noConnection: 6,
  connectionLost: 7,
  unsupported: 8,
} as const

export const openFlag = { read: 1, write: 2, create: 8, truncate: 16, exclusive: 32 } as const

const attributeFlag = { size: 1, owner: 2, permissions: 4, times: 8, extended: 0x8000_0000 } as const

/** What of a file's attributes we look at. */
export interface Attributes {
  readonly size: number | undefined
  /** Type and permission bits as in st_mode. */
  readonly mode: number | undefined
}

/** Puts fields one after the other; grows as needed. */
export class PacketWriter {
  #bytes: Buffer
  #end = 4

  /** `room` in bytes for what is expected, so that large data is copied once. */
  constructor(type: number, room = 256) {
    this.#bytes = Buffer.allocUnsafe(room + 16)
    this.byte(type)
  }

  byte(value: number): this {
    this.#reserve(1)
    this.#end = this.#bytes.writeUInt8(value, this.#end)
    return this
  }

  u32(value: number): this {
    this.#reserve(4)
    this.#end = this.#bytes.writeUInt32BE(value, this.#end)
    return this
  }

  u64(value: number): this {
    return this.u32(Math.floor(value / 2 ** 32)).u32(value % 2 ** 32)
  }

  bytes(value: Uint8Array): this {
    this.u32(value.length)
    this.#reserve(value.length)
    this.#bytes.set(value, this.#end)
    this.#end += value.length
    return this
  }

  /** Text stands for bytes: base/text.ts. */
  text(value: string): this {
    return this.bytes(encodeText(value))
  }

  /** Attributes with these permission bits, or none. */
  attributes(mode?: number): this {
    return mode === undefined ? this.u32(0) : this.u32(attributeFlag.permissions).u32(mode)
  }

  sizeAttribute(size: number): this {
    return this.u32(attributeFlag.size).u64(size)
  }

  /** The packet with its length in front. The writer is used up. */
  finish(): Buffer {
    this.#bytes.writeUInt32BE(this.#end - 4, 0)
    return this.#bytes.subarray(0, this.#end)
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#end + count))
    larger.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = larger
  }
}

/** Takes fields one after the other. @throws BorgError 'ConnectionBrokenWithHint' where the packet is too short for one. */
export class PacketReader {
  readonly type: number
  readonly #bytes: Buffer
  #at = 1

  /** `bytes` without the packet's length, but for its type. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.type = bytes[0] ?? 0
  }

  get rest(): number {
    return this.#bytes.length - this.#at
  }

  u32(): number {
    this.skip(4)
    return this.#bytes.readUInt32BE(this.#at - 4)
  }

  /** Rounded above 2^53, which is no size of a file. */
  u64(): number {
    return this.u32() * 2 ** 32 + this.u32()
  }

  skip(count: number): void {
    if (count > this.rest) {
      const [what, where] = [`${count} bytes expected where ${this.rest} are left`, `packet of type ${this.type}`]
      throw new BorgError('ConnectionBrokenWithHint', [`The SFTP server sends broken answers (${where}: ${what}).`])
    }
    this.#at += count
  }

  /** A view into the packet. */
  bytes(): Buffer {
    const length = this.u32()
    this.skip(length)
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  text(): string {
    return decodeText(this.bytes())
  }

  attributes(): Attributes {
    const flags = this.u32()
    const size = (flags & attributeFlag.size) !== 0 ? this.u64() : undefined
    if ((flags & attributeFlag.owner) !== 0) this.skip(8)
    const mode = (flags & attributeFlag.permissions) !== 0 ? this.u32() : undefined
    if ((flags & attributeFlag.times) !== 0) this.skip(8)
    if ((flags & attributeFlag.extended) !== 0) {
      for (let left = this.u32(); left > 0; left--) {
        this.bytes()
        this.bytes()
      }
    }
    return { size, mode }
  }
}

const typeBits = 0o170_000

export function kindOfMode(mode: number | undefined): 'file' | 'folder' | 'link' | 'other' | undefined {
  if (mode === undefined || (mode & typeBits) === 0) return undefined
  switch (mode & typeBits) {
    case 0o100_000:
      return 'file'
    case 0o040_000:
      return 'folder'
    case 0o120_000:
      return 'link'
    default:
      return 'other'
  }
}

/** Cuts a byte stream into packets, whatever pieces it comes in. */
export class PacketStream {
  readonly #lengthMax: number
  #pieces: Buffer[] = []
  #size = 0

  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax
  }

  /** What has come of a packet that is not complete yet. */
  get pending(): Buffer {
    return Buffer.concat(this.#pieces)
  }

  /** @returns packets without their length, views valid as long as they are kept. @throws RangeError for lengths no packet has. */
  *add(piece: Buffer): Generator<Buffer> {
    this.#pieces.push(piece)
    this.#size += piece.length
    for (;;) {
      const length = this.#nextLength()
      if (length === undefined || this.#size < 4 + length) return
      const bytes = this.#take(4 + length)
      yield bytes.subarray(4)
    }
  }

  #nextLength(): number | undefined {
    if (this.#size < 4) return undefined
    const [first] = this.#pieces
    if (first !== undefined && first.length < 4) this.#pieces = [Buffer.concat(this.#pieces)]
    const length = this.#pieces[0]?.readUInt32BE(0) ?? 0
    if (length < 1 || length > this.#lengthMax) throw new RangeError(`a packet of ${length} bytes`)
    return length
  }

  #take(count: number): Buffer {
    const [first] = this.#pieces
    const all = first !== undefined && first.length >= count ? first : Buffer.concat(this.#pieces)
    if (all !== first) this.#pieces = [all]
    const rest = all.subarray(count)
    if (rest.length === 0) this.#pieces.shift()
    else this.#pieces[0] = rest
    this.#size -= count
    return all.subarray(0, count)
  }
}
