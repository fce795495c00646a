import fc from 'fast-check'
import { crc32 as crc32HashWasm } from 'hash-wasm'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/kernels/crc32.ts'
import { crc32Node } from '../../src/kernels/crc32-node.ts'
import { crc32Portable } from '../../src/kernels/crc32-portable.ts'
import { inputBytes, loadFixture, type InputPart } from '../support/vectors.ts'

interface Checksums {
  readonly primitives: readonly { readonly input: readonly InputPart[]; readonly crc32: number }[]
}

const variants = { picked: crc32, node: crc32Node, portable: crc32Portable }

describe.each(Object.entries(variants))('crc32 %s', (_, variant) => {
  test('agrees with borg on every vector', () => {
    const { primitives } = loadFixture<Checksums>('vectors/checksums.json')

    expect(primitives.length).toBeGreaterThan(0)
    for (const { input, crc32: expected } of primitives) expect(variant(inputBytes(input))).toBe(expected)
  })

  test('continues from a seed as if the bytes had come in one piece', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(600), (bytes, at) => {
        return variant(bytes.subarray(at), variant(bytes.subarray(0, at))) === variant(bytes)
      }),
    )
  })

  test('is a uint32, also where the top bit is set', () => {
    expect(variant(Uint8Array.of(1, 2))).toBe(0xb6cc4292)
  })
})

test('crc32 variants agree on any bytes, seed and offset in a buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(0xffff_ffff), fc.nat(20), (bytes, seed, skip) => {
      const part = bytes.subarray(skip)
      const expected = crc32Node(part, seed)
      return crc32Portable(part, seed) === expected && crc32(part, seed) === expected
    }),
  )
})

test('crc32 agrees with an independent implementation', async () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 31) & 255)

  expect(crc32(bytes).toString(16).padStart(8, '0')).toBe(await crc32HashWasm(bytes))
})
