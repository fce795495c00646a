import fc from 'fast-check'
import { blake2b as blake2bHashWasm } from 'hash-wasm'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { blake2b256 } from '../../src/kernels/blake2b.ts'
import { blake2b256Noble } from '../../src/kernels/blake2b-noble.ts'
import { blake2b256Wasm } from '../../src/kernels/blake2b-wasm.ts'
import { inputBytes, loadFixture, type InputPart } from '../support/vectors.ts'

interface Primitives {
  readonly borg_blake2b_256: readonly {
    readonly key: string
    readonly input: readonly InputPart[]
    readonly out: string
  }[]
}

const variants = { picked: blake2b256, noble: blake2b256Noble, wasm: blake2b256Wasm }

describe.each(Object.entries(variants))('blake2b %s', (_, variant) => {
  test('agrees with borg on every vector: key and data as two parts', () => {
    const { borg_blake2b_256: cases } = loadFixture<Primitives>('vectors/crypto-primitives.json')

    expect(cases.length).toBeGreaterThan(0)
    for (const { key, input, out } of cases) expect(toHex(variant(fromHex(key), inputBytes(input)))).toBe(out)
  })

  test.each([0, 1, 127, 128, 129, 255, 256, 257, 131071, 131072, 131073, 262144, 300_000])(
    'hashes %i bytes as RFC 7693 says',
    async (size) => {
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 255)

      expect(toHex(variant(bytes))).toBe(await blake2bHashWasm(bytes, 256))
    },
  )

  test('does not depend on how the message was cut into parts', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }), (parts) => {
        expect(toHex(variant(...parts))).toBe(toHex(variant(Buffer.concat(parts))))
      }),
    )
  })

  test('remembers nothing from the call before', () => {
    const first = toHex(variant(new Uint8Array(1000).fill(255)))

    variant(new Uint8Array(200_000).fill(1))

    expect(toHex(variant(new Uint8Array(1000).fill(255)))).toBe(first)
  })

  test('gives away a result that later calls leave alone', () => {
    const digest = variant(Uint8Array.of(1))
    const before = toHex(digest)

    variant(Uint8Array.of(2))

    expect(toHex(digest)).toBe(before)
  })
})

test('blake2b variants agree on random parts', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1000 }), fc.uint8Array({ maxLength: 1000 }), (a, b) => {
      expect(toHex(blake2b256Wasm(a, b))).toBe(toHex(blake2b256Noble(a, b)))
    }),
  )
})
