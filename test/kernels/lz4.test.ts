import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import type { BlockCodec } from '../../src/kernels/kernel.ts'
import { loadLz4 } from '../../src/kernels/lz4.ts'
import { loadLz4Napi } from '../../src/kernels/lz4-napi.ts'
import { lz4Portable } from '../../src/kernels/lz4-portable.ts'
import { lz4Wasm } from '../../src/kernels/lz4-wasm.ts'
import { inputBytes } from '../support/vectors.ts'
import { borgBodies, decompressedByBorg, borgInputs, compressible, describeCodec, sameBytes } from './codec-laws.ts'

const variants: Readonly<Record<string, () => Promise<BlockCodec>>> = {
  'lz4 picked': loadLz4,
  'lz4 portable': async () => lz4Portable,
  'lz4 wasm': async () => lz4Wasm,
  'lz4 napi': loadLz4Napi,
}

for (const [name, load] of Object.entries(variants)) {
  // A block cut between two sequences is a block: only the id of the chunk tells.
  describeCodec(name, load, [0], 'refused or shorter')

  describe(name, () => {
    test('reads every lz4 body borg wrote', async () => {
      const codec = await load()
      const bodies = borgBodies('lz4')

      expect(bodies.length).toBeGreaterThan(0)
      for (const { name, body, plain } of bodies) {
        expect(sameBytes(codec.decompress(body, plain.length), plain), name).toBe(true)
      }
    })

    test('reads the empty block, and takes no bytes for no block', async () => {
      const codec = await load()

      expect(codec.decompress(Uint8Array.of(0), 0).length).toBe(0)
      expect(() => codec.decompress(new Uint8Array(0), 100)).toThrow('lz4')
    })

    test.each([
      ['an offset of zero', '10410000'],
      ['an offset before the start', '1041020000'],
      ['a match with no offset', '104102'],
      ['a literal count past the end', 'f0ff'],
      ['a length that never ends', `f0${'ff'.repeat(500)}`],
      ['a match length that never ends', `1f410100${'ff'.repeat(500)}`],
    ])('refuses %s', async (_, hex) => {
      const codec = await load()

      expect(() => codec.decompress(new Uint8Array(Buffer.from(hex, 'hex')), 100_000)).toThrow(/^lz4/)
    })
  })
}

test('lz4 variants read what the others write', async () => {
  const codecs = await Promise.all(Object.values(variants).map((load) => load()))
  fc.assert(
    fc.property(compressible, (plain) => {
      for (const writer of codecs) {
        const body = writer.compress(plain, 0)
        for (const reader of codecs) expect(sameBytes(reader.decompress(body, plain.length), plain)).toBe(true)
      }
    }),
  )
})

test('lz4 variants agree about damaged blocks, byte for byte or by refusing', () => {
  const block = lz4Wasm.compress(
    inputBytes([
      { gen: 'repeat', hex: '61626364656667', len: 400 },
      { gen: 'sha256ctr', seed: 'x', len: 50 },
    ]),
    0,
  )
  const damaged = fc.array(fc.tuple(fc.nat(block.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(damaged, (changes) => {
      const bytes = block.slice()
      for (const [at, byte] of changes) bytes[at] = byte
      expect(verdict(lz4Wasm, bytes)).toBe(verdict(lz4Portable, bytes))
    }),
    { numRuns: 1000 },
  )
})

test('lz4 blocks keep the end rules that fast decoders rely on: five literals last, no match in the last twelve bytes', () => {
  for (const codec of [lz4Portable, lz4Wasm]) {
    fc.assert(
      fc.property(compressible, (plain) => {
        const { lastLiterals, lastMatchAt } = endOf(codec.compress(plain, 0))
        if (lastMatchAt === undefined) return
        expect(lastLiterals).toBeGreaterThanOrEqual(5)
        expect(plain.length - lastMatchAt).toBeGreaterThanOrEqual(12)
      }),
    )
  }
})

test('borg reads what the lz4 variants write', async () => {
  const codecs = await Promise.all(Object.values(variants).map((load) => load()))
  const plains = borgInputs().flatMap(({ plain }) => codecs.map(() => plain))

  const read = decompressedByBorg(
    plains.map((plain, i) => Buffer.concat([Uint8Array.of(1, 0), codecs[i % codecs.length]!.compress(plain, 0)])),
  )

  if (read === undefined) return
  expect(read.map(toHex)).toEqual(plains.map(toHex))
})

function verdict(codec: BlockCodec, body: Uint8Array): string {
  try {
    return Buffer.from(codec.decompress(body, 5000)).toString('hex')
  } catch {
    return 'refused'
  }
}

/** Walks a block known to be good. */
function endOf(block: Uint8Array): { lastLiterals: number; lastMatchAt: number | undefined } {
  let at = 0
  let plainAt = 0
  let lastMatchAt: number | undefined
  for (;;) {
    const token = block[at++]!
    let literals = token >> 4
    if (literals === 15) {
      do literals += block[at]!
      while (block[at++] === 255)
    }
    at += literals
    plainAt += literals
    if (at >= block.length) return { lastLiterals: literals, lastMatchAt }
    at += 2
    lastMatchAt = plainAt
    let length = (token & 15) + 4
    if ((token & 15) === 15) {
      do length += block[at]!
      while (block[at++] === 255)
    }
    plainAt += length
  }
}
