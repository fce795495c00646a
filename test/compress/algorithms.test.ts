import { describe, expect, test } from 'vitest'
import { concatBytes, toHex } from '../../src/base/bytes.ts'
import { loadCodec, loadedCodec, makeCodecCompressor } from '../../src/compress/algorithms.ts'
import { storedAlgorithm } from '../../src/compress/header.ts'
import { inputBytes } from '../support/vectors.ts'

describe('a chunk is compressed only when that makes it smaller', () => {
  test('as large as before is stored plain, a byte less is not', async () => {
    const lz4 = await loadCodec('lz4')
    const compressor = await makeCodecCompressor('lz4', 'lz4', 0)
    const random = inputBytes([{ gen: 'sha256ctr', seed: 'border', len: 52 }])
    // A repetition of just the length that pays for itself, and one more.
    const candidates = Array.from({ length: 12 }, (_, k) =>
      concatBytes(random.subarray(0, 40), random.subarray(0, k), random.subarray(40)),
    )
    const equal = candidates.find((plain) => lz4.compress(plain, 0).length === plain.length)
    const smaller = candidates.find((plain) => lz4.compress(plain, 0).length === plain.length - 1)
    if (equal === undefined || smaller === undefined) throw new Error('no candidate at the border')

    expect(toHex(compressor.compress(equal))).toBe(`0000${toHex(equal)}`)
    expect(storedAlgorithm(compressor.compress(smaller))).toBe('lz4')
  })

  test('except by zlib, which has no way back', async () => {
    const plain = inputBytes([{ gen: 'sha256ctr', seed: 'z', len: 1000 }])
    const payload = (await makeCodecCompressor('zlib,9', 'zlib', 9)).compress(plain)

    expect(storedAlgorithm(payload)).toBe('zlib')
    expect(payload.length).toBeGreaterThan(plain.length)
  })
})

test('a codec is at hand once it was loaded', async () => {
  const codec = await loadCodec('zlib')
  expect(loadedCodec('zlib')).toBe(codec)
})
