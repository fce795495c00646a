/**
 * 'obfuscate,L,X': zero padding behind the compressed chunk, so that its stored size says less about it.
 *
 *   04 00 | inner size (u32, big-endian) | inner payload with its own header | zeros
 *
 * Source: format/objects sheet section 1; Padme: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files" (2019).
 */
import { dataView } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { dataSizeMax } from '../base/limits.ts'
import type { Compressor } from './compressor.ts'
import { headerOf, headerSize } from './header.ts'

const prefixSize = headerSize + 4
/** Room left in the largest object for what envelopes add. */
const paddedSizeMax = dataSizeMax - 1024
const smallestDivisor = 0.0001
export const padmeLevel = 250

/** `uniform` gives a fresh random number in [0, 1), one per chunk. */
export function makeObfuscator(spec: string, level: number, inner: Compressor, uniform: () => number): Compressor {
  return {
    spec,
    compress(plain) {
      const payload = inner.compress(plain)
      const padded = new Uint8Array(prefixSize + payload.length + paddingSize(level, payload.length, uniform()))
      const view = dataView(padded)
      view.setUint16(0, headerOf('obfuscate'))
      view.setUint32(headerSize, payload.length)
      padded.set(payload, prefixSize)
      return padded
    },
    storedSizeMax(plainSize) {
      const innerSize = inner.storedSizeMax(plainSize)
      // Every smaller payload, padded, stays below one of these two as well: either its clamp or its rule is lower.
      return prefixSize + Math.max(innerSize, Math.min(innerSize + paddingSizeMax(level, innerSize), paddedSizeMax))
    },
  }
}

/** Bytes of padding for a payload of `size` bytes; `uniform` in [0, 1) is the chunk's share of chance. */
export function paddingSize(level: number, size: number, uniform: number): number {
  return clampPadding(size, wantedPadding(level, size, uniform))
}

/** The payload inside an obfuscated one, a view. @throws BorgError 'IntegrityError' when it claims more than there is. */
export function deobfuscate(padded: Uint8Array): Uint8Array {
  if (padded.length < prefixSize) {
    throw new BorgError('IntegrityError', [`obfuscated payload needs ${prefixSize} bytes, got ${padded.length}`])
  }
  const size = dataView(padded).getUint32(headerSize)
  if (size > padded.length - prefixSize) {
    throw new BorgError('IntegrityError', [`obfuscated payload says ${size} bytes, has ${padded.length - prefixSize}`])
  }
  return padded.subarray(prefixSize, prefixSize + size)
}

/** A number in [0, 1) with 53 random bits, as Python's random() has them. */
export function uniformFrom(randomBytes: (length: number) => Uint8Array): number {
  const view = dataView(randomBytes(8))
  return ((view.getUint32(0) >>> 5) * 2 ** 26 + (view.getUint32(4) >>> 6)) / 2 ** 53
}

function wantedPadding(level: number, size: number, uniform: number): number {
  if (level === padmeLevel) return padmePadding(size)
  if (level >= 100) return Math.floor(2 ** (level - 100) * uniform)
  const factor = 0.001 * 10 ** level
  return Math.floor((size * factor) / Math.max(smallestDivisor, uniform))
}

function paddingSizeMax(level: number, size: number): number {
  if (level === padmeLevel) return size >>> 1
  return level >= 100 ? 2 ** (level - 100) : wantedPadding(level, size, 0)
}

function padmePadding(size: number): number {
  if (size < 2) return 0
  const exponent = 31 - Math.clz32(size)
  const kept = 32 - Math.clz32(exponent)
  const mask = 2 ** (exponent - kept) - 1
  // exponent < kept for the smallest sizes: nothing to round.
  return exponent > kept ? ((size + mask) & ~mask) - size : 0
}

function clampPadding(size: number, wanted: number): number {
  return Math.max(0, Math.min(wanted, paddedSizeMax - size))
}
