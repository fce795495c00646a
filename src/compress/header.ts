/**
 * The first two bytes of a payload say how to read the rest. Source: format/objects sheet section 1.
 *
 *   00 00 none | 01 00 lz4 | 02 00 lzma | 03 00 zstd | 04 00 obfuscate | zlib: a zlib stream's own first two bytes
 */
import { BorgError } from '../base/errors.ts'
import { toHex } from '../base/bytes.ts'

/** Algorithms that need a kernel. */
export type CodecName = 'lz4' | 'zstd' | 'zlib' | 'lzma'
/** How a payload is stored; 'auto' never appears here, it is a way to choose. */
export type StoredAlgorithm = 'none' | CodecName | 'obfuscate'

export const headerSize = 2

const headers: Readonly<Record<Exclude<StoredAlgorithm, 'zlib'>, number>> = {
  none: 0x0000,
  lz4: 0x0100,
  lzma: 0x0200,
  zstd: 0x0300,
  obfuscate: 0x0400,
}

/** The two bytes, first one high. */
export function headerOf(name: Exclude<StoredAlgorithm, 'zlib'>): number {
  return headers[name]
}

/**
 * Which algorithm wrote `payload`, from its first two bytes. For an obfuscated one 'obfuscate', whatever is inside.
 * @throws BorgError 'UnsupportedPayloadError' for a header of no algorithm known here. That is no damage: bytes that come
 *   this far were authenticated, so a newer program wrote them, and no repair may throw them away.
 */
export function storedAlgorithm(payload: Uint8Array): StoredAlgorithm {
  if (payload.length >= headerSize) {
    switch (header16(payload)) {
      case headers.none:
        return 'none'
      case headers.lz4:
        return 'lz4'
      case headers.lzma:
        return 'lzma'
      case headers.zstd:
        return 'zstd'
      case headers.obfuscate:
        return 'obfuscate'
    }
    if (isZlibHeader(header16(payload))) return 'zlib'
  }
  throw new BorgError('UnsupportedPayloadError', [`compression '${toHex(payload.subarray(0, headerSize))}'`])
}

function header16(payload: Uint8Array): number {
  return ((payload[0] ?? 0) << 8) | (payload[1] ?? 0)
}

/** RFC 1950: method 8 in the low half of the first byte, and both bytes, read as one number, a multiple of 31. */
function isZlibHeader(header: number): boolean {
  return ((header >>> 8) & 0x0f) === 8 && header % 31 === 0
}
