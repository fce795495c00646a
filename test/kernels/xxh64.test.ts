import fc from 'fast-check'
import { xxhash64 } from 'hash-wasm'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { xxh64, xxh64Stream } from '../../src/kernels/xxh64.ts'
import { xxh64Portable, xxh64StreamPortable } from '../../src/kernels/xxh64-portable.ts'
import { xxh64StreamWasm, xxh64Wasm } from '../../src/kernels/xxh64-wasm.ts'
import { inputBytes, loadFixture, type InputPart } from '../support/vectors.ts'

interface Checksums {
  readonly primitives: readonly { readonly input: readonly InputPart[]; readonly xxh64_be_hex: string }[]
}

const variants = {
  picked: { whole: xxh64, stream: xxh64Stream },
  portable: { whole: xxh64Portable, stream: xxh64StreamPortable },
  wasm: { whole: xxh64Wasm, stream: xxh64StreamWasm },
}

describe.each(Object.entries(variants))('xxh64 %s', (_, { whole, stream }) => {
  test('agrees with borg on every vector', () => {
    const { primitives } = loadFixture<Checksums>('vectors/checksums.json')

    expect(primitives.length).toBeGreaterThan(0)
    for (const { input, xxh64_be_hex } of primitives) expect(toHex(whole(inputBytes(input)))).toBe(xxh64_be_hex)
  })

  test('does not depend on how the stream was sliced, and a digest on the way changes nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 8 }), (parts) => {
        const hash = stream()
        const seen = parts.map((part) => {
          hash.update(part)
          return toHex(hash.digest())
        })
        const expected = parts.map((_, i) => toHex(whole(Buffer.concat(parts.slice(0, i + 1)))))
        expect(seen).toEqual(expected)
      }),
    )
  })

  test('keeps interleaved streams apart', () => {
    const [a, b] = [stream(), stream()]
    const [bytesA, bytesB] = [new Uint8Array(100).fill(1), new Uint8Array(100).fill(2)]

    a.update(bytesA)
    b.update(bytesB)
    a.update(bytesA)

    expect(toHex(a.digest())).toBe(toHex(whole(bytesA, bytesA)))
    expect(toHex(b.digest())).toBe(toHex(whole(bytesB)))
  })
})

test('xxh64 variants agree with each other and with an independent implementation', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      const expected = await xxhash64(bytes)
      expect([toHex(xxh64Portable(bytes)), toHex(xxh64Wasm(bytes))]).toEqual([expected, expected])
    }),
  )
})

test('xxh64 handles inputs larger than one step into the module', async () => {
  const bytes = Uint8Array.from({ length: 300_001 }, (_, i) => (i * i) & 255)

  expect(toHex(xxh64Wasm(bytes))).toBe(await xxhash64(bytes))
})
