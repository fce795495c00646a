import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { isBorgError } from '../../src/base/errors.ts'
import { dataSizeMax } from '../../src/base/limits.ts'
import { deobfuscate, makeObfuscator, paddingSize, uniformFrom } from '../../src/compress/obfuscate.ts'
import { decompress, makeCompressor } from '../../src/compress/registry.ts'
import { FakeHost } from '../support/fake-host.ts'
import { type InputPart, inputBytes, loadFixture } from '../support/vectors.ts'

interface Case {
  readonly spec: string
  readonly random: number
  readonly input: readonly InputPart[]
  readonly inner_len: number
  readonly total_len: number
  readonly head_hex: string
  readonly compressed_hex?: string
}
const vectors = loadFixture<{
  obfuscate: readonly Case[]
  padme_additional_size: readonly (readonly [number, number])[]
}>('vectors/compress.json')
const host = new FakeHost()
const randomBytes = (length: number): Uint8Array => host.randomBytes(length)

function levelAndInner(spec: string): { level: number; inner: string } {
  const [, level, ...inner] = spec.split(',')
  return { level: Number(level), inner: inner.join(',') }
}

describe('padding is as long as borg makes it from the same random number', () => {
  test.each(vectors.obfuscate)('$spec, random $random', async (vector) => {
    const { level, inner } = levelAndInner(vector.spec)
    const plain = inputBytes(vector.input)

    expect(6 + vector.inner_len + paddingSize(level, vector.inner_len, vector.random)).toBe(vector.total_len)

    const innerCompressor = await makeCompressor(inner, randomBytes)
    const padded = makeObfuscator(vector.spec, level, innerCompressor, () => vector.random).compress(plain)
    if (inner === 'none') {
      expect(padded.length).toBe(vector.total_len)
      expect(toHex(padded.subarray(0, vector.head_hex.length / 2))).toBe(vector.head_hex)
      if (vector.compressed_hex !== undefined) expect(toHex(padded)).toBe(vector.compressed_hex)
    }
    expect(padded.subarray(6 + deobfuscate(padded).length).every((byte) => byte === 0)).toBe(true)
    expect(toHex(await decompress(padded, plain.length))).toBe(toHex(plain))
    if (vector.compressed_hex !== undefined) {
      expect(toHex(await decompress(fromHex(vector.compressed_hex), plain.length))).toBe(toHex(plain))
    }
  })
})

test.each(vectors.padme_additional_size)('Padme adds to %i bytes another %i', (size, padding) => {
  expect(paddingSize(250, size, 0.5)).toBe(padding)
})

test('padding never makes an object too large to be stored', () => {
  for (const level of [1, 6, 110, 123, 250]) {
    for (const size of [0, 1, 1000, 8_388_610, 20_000_000, dataSizeMax - 1024, dataSizeMax]) {
      expect(size + paddingSize(level, size, 0)).toBeLessThanOrEqual(Math.max(size, dataSizeMax - 1024))
      expect(paddingSize(level, size, 0)).toBeGreaterThanOrEqual(0)
    }
  }
})

test('the size promised covers the longest padding', async () => {
  const inner = await makeCompressor('none', randomBytes)
  for (const level of [1, 3, 6, 110, 123, 250]) {
    const compressor = makeObfuscator('', level, inner, () => 0)
    const longest = makeObfuscator('', level, inner, () => 1 - 2 ** -53)
    for (const size of [0, 1, 9, 33, 1000, 1_000_000]) {
      const plain = new Uint8Array(size)
      const promised = compressor.storedSizeMax(size)
      expect(compressor.compress(plain).length).toBeLessThanOrEqual(promised)
      expect(longest.compress(plain).length).toBeLessThanOrEqual(promised)
    }
  }
})

test('a payload that claims more than there is is refused', () => {
  for (const hex of ['0400', '040000000001', '04000000000400006162'.slice(0, 18)]) {
    expect(() => deobfuscate(fromHex(hex))).toThrowError(
      expect.toSatisfy((error) => isBorgError(error, 'IntegrityError')),
    )
  }
})

test('chance is spread over [0, 1)', () => {
  const dice = new FakeHost({ seed: 99 })
  const drawn = Array.from({ length: 1000 }, () => uniformFrom((length) => dice.randomBytes(length)))

  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...drawn)).toBeLessThan(1)
  expect(uniformFrom((length) => new Uint8Array(length).fill(255))).toBe(1 - 2 ** -53)
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.05)
})
