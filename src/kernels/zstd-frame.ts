/**
 * The outline of a zstd frame (RFC 8878, section 3.1): how much comes out, and where the frame must end.
 *
 * Decoders disagree about truncated frames and trailing bytes (node:zlib of Node 22 accepts the former silently, Node 26
 * ignores the latter), so the outline is checked here, before any of them sees the bytes.
 */

import type { BlockCodec } from './kernel.ts'

const magic = 0xfd2fb528
const blockSizeMax = 128 * 1024

/** A libzstd, bare: `size` is what the frame says comes out, and may be trusted as a bound only. */
export interface RawZstd {
  compress(plain: Uint8Array, level: number): Uint8Array
  decompress(body: Uint8Array, size: number): Uint8Array
}

/** The codec over `raw`: nothing unchecked goes in, nothing unchecked comes out. */
export function checkedZstd(raw: RawZstd): BlockCodec {
  return {
    compress(plain, level) {
      if (!Number.isInteger(level) || level < 1 || level > 22) {
        throw new RangeError(`zstd level must be 1..22, got ${level}`)
      }
      const body = raw.compress(plain, level)
      const size = zstdContentSize(body, plain.length)
      if (size !== plain.length) throw new Error(`zstd: frame of ${plain.length} bytes names ${size}`)
      return body
    },

    decompress(body, maxSize) {
      const size = zstdContentSize(body, maxSize)
      const plain = decompressOrSay(raw, body, size)
      if (plain.length !== size) throw new Error(`zstd: frame names ${size} bytes, ${plain.length} came out`)
      return plain
    },
  }
}

function decompressOrSay(raw: RawZstd, body: Uint8Array, size: number): Uint8Array {
  try {
    return raw.decompress(body, size)
  } catch (error) {
    throw new Error(`zstd: frame is damaged (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    })
  }
}

/**
 * Size of the plaintext of the one frame that `body` must be.
 * @throws Error if it is no complete frame, not exactly one, names no content size, or one above `maxSize`.
 */
export function zstdContentSize(body: Uint8Array, maxSize: number): number {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  if (body.length < 6 || view.getUint32(0, true) !== magic) throw new Error('zstd: not a frame')
  const descriptor = body[4]!
  const singleSegment = (descriptor & 0x20) !== 0
  if ((descriptor & 0x08) !== 0) throw new Error('zstd: reserved bit is set')
  const dictionarySize = [0, 1, 2, 4][descriptor & 3]!
  const contentSizeSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!
  const at = 5 + (singleSegment ? 0 : 1) + dictionarySize
  if (contentSizeSize === 0) throw new Error('zstd: original size unknown')
  if (at + contentSizeSize > body.length) throw new Error('zstd: frame is truncated')
  if (body.subarray(at - dictionarySize, at).some((byte) => byte !== 0)) throw new Error('zstd: needs a dictionary')
  const size = readContentSize(view, at, contentSizeSize)
  if (size > maxSize) throw new Error(`zstd: holds ${size} bytes, more than the expected ${maxSize}`)

  const end = endOfBlocks(body, at + contentSizeSize) + ((descriptor & 0x04) !== 0 ? 4 : 0)
  if (end > body.length) throw new Error('zstd: frame is truncated')
  if (end < body.length) throw new Error(`zstd: ${body.length - end} bytes after the end of the frame`)
  return size
}

function readContentSize(view: DataView, at: number, size: number): number {
  switch (size) {
    case 1:
      return view.getUint8(at)
    case 2:
      return view.getUint16(at, true) + 256
    case 4:
      return view.getUint32(at, true)
    default:
      return Number(view.getBigUint64(at, true))
  }
}

/** Each block: 3 bytes (bit 0: last; bits 1-2: raw, run, compressed, reserved; the rest: size), then its bytes. */
function endOfBlocks(body: Uint8Array, start: number): number {
  let at = start
  for (;;) {
    if (at + 3 > body.length) throw new Error('zstd: frame is truncated')
    const header = body[at]! | (body[at + 1]! << 8) | (body[at + 2]! << 16)
    const kind = (header >>> 1) & 3
    const size = header >>> 3
    if (kind === 3 || (kind !== 1 && size > blockSizeMax)) throw new Error('zstd: invalid block')
    at += 3 + (kind === 1 ? 1 : size)
    if ((header & 1) !== 0) return at
  }
}
