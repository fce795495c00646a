import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { aes256Ctr } from '../../src/kernels/aes-ctr.ts'
import { aes256CtrNoble } from '../../src/kernels/aes-ctr-noble.ts'
import { aes256CtrNode } from '../../src/kernels/aes-ctr-node.ts'
import { inputBytes, loadFixture, type InputPart } from '../support/vectors.ts'

interface Primitives {
  readonly aes256_ctr: readonly {
    readonly key: string
    readonly iv: string
    readonly input: readonly InputPart[]
    readonly out: string
  }[]
}

const variants = { picked: aes256Ctr, node: aes256CtrNode, noble: aes256CtrNoble }
const key = Uint8Array.from({ length: 32 }, (_, i) => i)

describe.each(Object.entries(variants))('aes-256-ctr %s', (_, variant) => {
  test('agrees with borg on every vector, carry past 64 bits included', () => {
    const { aes256_ctr: cases } = loadFixture<Primitives>('vectors/crypto-primitives.json')

    expect(cases.length).toBeGreaterThan(0)
    for (const { key, iv, input, out } of cases) {
      // Every borg counter block starts with eight zero bytes; that is all the kernel can express.
      expect(iv.slice(0, 16)).toBe('0000000000000000')
      expect(toHex(variant(fromHex(key), BigInt(`0x${iv}`), inputBytes(input)))).toBe(out)
    }
  })

  test('applied twice gives back what went in, and leaves it unchanged', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.bigInt(0n, 2n ** 64n - 1n), (plain, counter) => {
        const before = toHex(plain)
        expect(toHex(variant(key, counter, variant(key, counter, plain)))).toBe(before)
        expect(toHex(plain)).toBe(before)
      }),
    )
  })

  test('block n of the stream at counter c is block 0 at c + n', () => {
    const zeros = new Uint8Array(80_000)

    const stream = variant(key, 5n, zeros)

    expect(toHex(variant(key, 5n + 4097n, zeros.subarray(0, 16)))).toBe(toHex(stream.subarray(4097 * 16, 4098 * 16)))
  })

  test('refuses keys that are not 32 bytes', () => {
    expect(() => variant(new Uint8Array(16), 0n, new Uint8Array(1))).toThrow()
  })

  test('gives a plain array', () => {
    expect(Object.getPrototypeOf(variant(key, 0n, new Uint8Array(3)))).toBe(Uint8Array.prototype)
  })
})

test('aes-256-ctr variants agree on random keys, counters and sizes', () => {
  const keys = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(keys, fc.bigInt(0n, 2n ** 64n - 1n), fc.uint8Array({ maxLength: 100 }), (key, counter, bytes) => {
      expect(toHex(aes256CtrNode(key, counter, bytes))).toBe(toHex(aes256CtrNoble(key, counter, bytes)))
    }),
  )
})
