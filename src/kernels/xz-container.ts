/**
 * The .xz container around LZMA2 (The .xz File Format, version 1.2, of the XZ project): headers, index, footer.
 *
 * Written as borg does: one stream, one block, no check. Read: one stream, any number of blocks, LZMA2 as the only
 * filter; the stream must fill `body` exactly.
 */
import { concatBytes, equalBytes } from '../base/bytes.ts'
import { crc32 } from './crc32.ts'

const headerMagic = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)
const footerMagic = Uint8Array.of(0x59, 0x5a)
const streamHeaderSize = 12
const streamFooterSize = 12
const lzma2FilterId = 0x21
/** Bytes of each check by its type; types the format reserves are refused. */
const checkSizes: Readonly<Record<number, number>> = { 0: 0, 1: 4, 4: 8, 10: 32 }

export const xzCheck = { none: 0, crc32: 1, crc64: 4, sha256: 10 } as const

/** Where one block's LZMA2 stream lies, what it expands to, and what must agree with the result. */
export interface XzBlock {
  readonly packed: Uint8Array
  readonly plainSize: number
  readonly check: Uint8Array
}

export interface XzStream {
  readonly checkType: number
  readonly blocks: readonly XzBlock[]
  readonly plainSize: number
}

/** Whether `body` starts as .xz does. */
export function isXz(body: Uint8Array): boolean {
  return body.length >= headerMagic.length && equalBytes(body.subarray(0, headerMagic.length), headerMagic)
}

/** `lzma2` is a whole LZMA2 stream whose distances stay below 2^windowBits; empty where there is no plaintext. */
export function wrapXz(lzma2: Uint8Array, plainSize: number, windowBits: number): Uint8Array {
  const flags = Uint8Array.of(0, xzCheck.none)
  const records: Uint8Array[] = []
  const blocks: Uint8Array[] = []
  if (plainSize > 0) {
    const dictionary = 2 * (Math.max(windowBits, 12) - 12)
    const header = withCrc(Uint8Array.of(2, 0, lzma2FilterId, 1, dictionary, 0, 0, 0))
    blocks.push(header, lzma2, zeros(paddingOf(lzma2.length)))
    records.push(integerBytes(header.length + lzma2.length), integerBytes(plainSize))
  }
  const list = concatBytes(Uint8Array.of(0), integerBytes(records.length / 2), ...records)
  const index = withCrc(concatBytes(list, zeros(paddingOf(list.length))))
  const backward = new Uint8Array(6)
  new DataView(backward.buffer).setUint32(0, index.length / 4 - 1, true)
  backward.set(flags, 4)
  return concatBytes(headerMagic, flags, crcBytes(flags), ...blocks, index, crcBytes(backward), backward, footerMagic)
}

/** @throws Error saying what is wrong with the container. Checks of the content are left to the caller. */
export function unwrapXz(body: Uint8Array): XzStream {
  if (!isXz(body)) throw new Error('lzma: not an xz stream')
  if (body.length < streamHeaderSize + streamFooterSize) throw new Error('lzma: stream is truncated')
  const flags = body.subarray(6, 8)
  requireCrc(flags, body, 8, 'stream header')
  const checkType = flags[1]!
  const checkSize = checkSizes[checkType]
  if (flags[0] !== 0 || checkSize === undefined) throw new Error(`lzma: unknown check type ${checkType}`)

  const footerAt = body.length - streamFooterSize
  const footer = body.subarray(footerAt + 4, footerAt + 10)
  if (!equalBytes(body.subarray(footerAt + 10), footerMagic)) {
    throw new Error('lzma: stream is truncated, or bytes follow its end')
  }
  requireCrc(footer, body, footerAt, 'stream footer')
  if (!equalBytes(footer.subarray(4), flags)) throw new Error('lzma: header and footer disagree')
  const indexSize = 4 * (viewOf(footer).getUint32(0, true) + 1)
  const indexAt = footerAt - indexSize
  if (indexAt < streamHeaderSize) throw new Error('lzma: index is larger than the stream')

  const blocks: XzBlock[] = []
  let at = streamHeaderSize
  for (const record of readIndex(body.subarray(indexAt, footerAt))) {
    const end = at + record.unpaddedSize
    if (end > indexAt) throw new Error('lzma: index names more than the stream holds')
    const headerEnd = at + blockHeaderSize(body, at, end, record)
    const checkAt = end - checkSize
    if (headerEnd >= checkAt) throw new Error('lzma: block is shorter than its header')
    const paddedEnd = end + paddingOf(record.unpaddedSize)
    // The padding stands between the packed bytes and the check: unpadded size counts both but not it.
    const packed = body.subarray(headerEnd, checkAt)
    const gap = paddedEnd - end
    if (body.subarray(checkAt, checkAt + gap).some((byte) => byte !== 0)) throw new Error('lzma: padding is not zero')
    blocks.push({ packed, plainSize: record.plainSize, check: body.subarray(checkAt + gap, paddedEnd) })
    at = paddedEnd
  }
  if (at !== indexAt) throw new Error('lzma: index names less than the stream holds')
  return { checkType, blocks, plainSize: blocks.reduce((sum, block) => sum + block.plainSize, 0) }
}

interface IndexRecord {
  readonly unpaddedSize: number
  readonly plainSize: number
}

function readIndex(index: Uint8Array): readonly IndexRecord[] {
  const end = index.length - 4
  requireCrc(index.subarray(0, end), index, end, 'index')
  if (index[0] !== 0) throw new Error('lzma: index is damaged')
  const reader = { bytes: index.subarray(0, end), at: 1 }
  const count = readInteger(reader)
  // Two bytes is the least a record takes.
  if (count > end / 2) throw new Error('lzma: index is damaged')
  const records: IndexRecord[] = []
  for (let i = 0; i < count; i++) {
    records.push({ unpaddedSize: readInteger(reader), plainSize: readInteger(reader) })
  }
  const rest = reader.bytes.subarray(reader.at)
  if (rest.length > 3 || rest.some((byte) => byte !== 0)) throw new Error('lzma: index is damaged')
  return records
}

/** Checks the header of the block at `at`; how long it is. */
function blockHeaderSize(body: Uint8Array, at: number, end: number, record: IndexRecord): number {
  const size = 4 * (body[at]! + 1)
  if (size < 8 || at + size > end) throw new Error('lzma: block header is damaged')
  const header = body.subarray(at, at + size - 4)
  requireCrc(header, body, at + size - 4, 'block header')
  const flags = header[1]!
  if ((flags & 0x3f) !== 0) throw new Error('lzma: only the LZMA2 filter is known')
  const reader = { bytes: header, at: 2 }
  if ((flags & 0x40) !== 0) readInteger(reader)
  if ((flags & 0x80) !== 0 && readInteger(reader) !== record.plainSize) {
    throw new Error('lzma: block and index disagree about the size')
  }
  if (readInteger(reader) !== lzma2FilterId || readInteger(reader) !== 1) {
    throw new Error('lzma: only the LZMA2 filter is known')
  }
  if (header[reader.at] === undefined || header[reader.at]! > 40) throw new Error('lzma: block header is damaged')
  if (header.subarray(reader.at + 1).some((byte) => byte !== 0)) throw new Error('lzma: block header is damaged')
  return size
}

/** Seven bits a byte, low ones first. */
function readInteger(reader: { readonly bytes: Uint8Array; at: number }): number {
  let value = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = reader.bytes[reader.at++]
    if (byte === undefined || scale > 2 ** 49) throw new Error('lzma: integer is damaged')
    value += (byte & 127) * scale
    if (value > Number.MAX_SAFE_INTEGER) throw new Error('lzma: integer is damaged')
    if (byte < 128) return value
  }
}

function integerBytes(value: number): Uint8Array {
  const bytes: number[] = []
  let left = value
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128)
  bytes.push(left)
  return Uint8Array.from(bytes)
}

function requireCrc(bytes: Uint8Array, within: Uint8Array, at: number, what: string): void {
  if (viewOf(within).getUint32(at, true) !== crc32(bytes)) throw new Error(`lzma: ${what} is damaged`)
}

function withCrc(bytes: Uint8Array): Uint8Array {
  return concatBytes(bytes, crcBytes(bytes))
}

function crcBytes(bytes: Uint8Array): Uint8Array {
  const crc = new Uint8Array(4)
  new DataView(crc.buffer).setUint32(0, crc32(bytes), true)
  return crc
}

function zeros(size: number): Uint8Array {
  return new Uint8Array(size)
}

function paddingOf(size: number): number {
  return (4 - (size & 3)) & 3
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
