/** What every block codec must obey, for the tests of each; and a way to ask the system's Python for a second opinion. */
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BlockCodec } from '../../src/kernels/kernel.ts'
import { inputBytes, loadFixture, type InputPart } from '../support/vectors.ts'

export interface CompressCase {
  readonly spec: string
  readonly input_name: string
  readonly input: readonly InputPart[]
  readonly compressed_hex: string
  readonly detected: string
}

/** The cases borg stored with `detected`, as body without the two id bytes (zlib has none) and plaintext. */
export function borgBodies(detected: string): readonly { name: string; body: Uint8Array; plain: Uint8Array }[] {
  const { cases } = loadFixture<{ cases: readonly CompressCase[] }>('vectors/compress.json')
  const idSize = detected === 'zlib' ? 0 : 2
  return cases
    .filter((one) => one.detected === detected)
    .map((one) => ({
      name: `${one.spec} of ${one.input_name}`,
      body: new Uint8Array(Buffer.from(one.compressed_hex, 'hex')).subarray(idSize),
      plain: inputBytes(one.input),
    }))
}

/** All inputs of the vector file, once each. */
export function borgInputs(): readonly { name: string; plain: Uint8Array }[] {
  const { cases } = loadFixture<{ cases: readonly CompressCase[] }>('vectors/compress.json')
  return [...new Map(cases.map((one) => [one.input_name, inputBytes(one.input)]))].map(([name, plain]) => ({
    name,
    plain,
  }))
}

/** Bytes with repetitions near and far, and noise between: what compressors earn their keep on. */
export const compressible: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 3000 })).map(([byte, size]) => new Uint8Array(size).fill(byte)),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 60 }))
        .map(([unit, times]) => new Uint8Array(Buffer.concat(Array.from({ length: times }, () => unit)))),
    ),
    { maxLength: 12 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)))

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** The laws of kernel.ts, BlockCodec. `levels` are the ones a round trip is tried with. */
export function describeCodec(
  name: string,
  load: () => Promise<BlockCodec>,
  levels: readonly number[],
  truncated: 'refused' | 'refused or shorter' = 'refused',
): void {
  describe(`codec ${name}`, () => {
    test.each(levels)('gives back what it was given, level %i', async (level) => {
      const codec = await load()
      fc.assert(
        fc.property(compressible, (plain) => {
          expect(sameBytes(codec.decompress(codec.compress(plain, level), plain.length), plain)).toBe(true)
        }),
        { numRuns: 40 },
      )
      for (const { plain } of borgInputs()) {
        expect(sameBytes(codec.decompress(codec.compress(plain, level), plain.length), plain)).toBe(true)
      }
    })

    test('leaves its input alone and gives away results that later calls leave alone', async () => {
      const codec = await load()
      const plain = inputBytes([{ gen: 'repeat', hex: '0102030405', len: 3000 }])
      const untouched = plain.slice()

      const body = codec.compress(plain, levels[0]!)
      const bodyBefore = body.slice()
      const back = codec.decompress(body, plain.length)
      codec.decompress(codec.compress(new Uint8Array(50_000).fill(9), levels[0]!), 50_000)

      expect(sameBytes(plain, untouched) && sameBytes(body, bodyBefore) && sameBytes(back, untouched)).toBe(true)
      expect(Object.getPrototypeOf(body)).toBe(Uint8Array.prototype)
      expect(Object.getPrototypeOf(back)).toBe(Uint8Array.prototype)
    })

    test(`every truncation is ${truncated}`, async () => {
      const codec = await load()
      const plain = inputBytes([
        { gen: 'sha256ctr', seed: 'cut', len: 90 },
        { gen: 'zero', len: 400 },
      ])
      const body = codec.compress(plain, levels[0]!)

      for (let size = 0; size < body.length; size++) {
        const result = outcome(() => codec.decompress(body.subarray(0, size), 10_000))
        const isShorter = truncated === 'refused or shorter' && result !== 'Error' && result < plain.length
        expect(result === 'Error' || isShorter, `${size} of ${body.length}: ${result}`).toBe(true)
      }
    })

    test('refuses bytes after the end', async () => {
      const codec = await load()
      const plain = inputBytes([{ gen: 'sha256ctr', seed: 'more', len: 500 }])
      const body = codec.compress(plain, levels[0]!)

      for (const junk of [Uint8Array.of(0), Uint8Array.of(1, 2, 3), new Uint8Array(40), body]) {
        expect(() => codec.decompress(new Uint8Array(Buffer.concat([body, junk])), 10_000)).toThrow(Error)
      }
    })

    test('never gives more than it is allowed to, and exactly that much is allowed', async () => {
      const codec = await load()
      for (const size of [1, 100, 5000, 70_000]) {
        const body = codec.compress(new Uint8Array(size), levels[0]!)
        expect(codec.decompress(body, size).length).toBe(size)
        for (const bound of [0, size - 1]) expect(() => codec.decompress(body, bound)).toThrow(Error)
      }
    })

    test('stops a bomb without making room for it', async () => {
      const codec = await load()
      const bomb = codec.compress(new Uint8Array(20_000_000), levels[0]!)
      const before = process.memoryUsage()

      for (let i = 0; i < 20; i++) expect(() => codec.decompress(bomb, 1000)).toThrow(Error)

      const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers
      expect(grown).toBeLessThan(20_000_000)
    })

    test('meets garbage and damage with a plain Error or with bytes within bounds, never with anything else', async () => {
      const codec = await load()
      const plain = inputBytes([
        { gen: 'sha256ctr', seed: 'damage', len: 300 },
        { gen: 'zero', len: 300 },
      ])
      const body = codec.compress(plain, levels[0]!)
      const damaged = fc.tuple(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
        const copy = body.slice()
        copy[at] = copy[at]! ^ flip
        return copy
      })
      fc.assert(
        fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
          const result = outcome(() => codec.decompress(bytes, 2000))
          expect(result === 'Error' || result <= 2000, String(result)).toBe(true)
        }),
        { numRuns: 500 },
      )
      expect(sameBytes(codec.decompress(body, plain.length), plain), 'still works afterwards').toBe(true)
    })

    test('handles the largest chunk borg can store', async () => {
      const codec = await load()
      const plain = inputBytes([{ gen: 'repeat', hex: '00010203040506070809', len: 20_971_479 }])

      const body = codec.compress(plain, levels[0]!)

      expect(sameBytes(codec.decompress(body, plain.length), plain)).toBe(true)
    })
  })
}

/** Size of the result, or 'Error' for a plain one; anything else that is thrown goes through. */
function outcome(decompress: () => Uint8Array): number | 'Error' {
  try {
    return decompress().length
  } catch (error) {
    if (error instanceof Error && error.constructor === Error) return 'Error'
    throw error
  }
}

/**
 * What borg's own decompressor makes of each of `stored`, where Debian's borg is installed; undefined, said aloud, where it
 * is not. One process for all: borg's modules take a second to load.
 */
export function decompressedByBorg(stored: readonly Uint8Array[]): readonly Uint8Array[] | undefined {
  const code = [
    'import sys, borg.compress as c',
    'data, out, codec = sys.stdin.buffer.read(), sys.stdout.buffer, c.Compressor("none")',
    'while data:',
    '    n = int.from_bytes(data[:4], "big")',
    '    plain = codec.decompress(data[4:4 + n])',
    '    out.write(len(plain).to_bytes(4, "big") + plain)',
    '    data = data[4 + n:]',
  ].join('\n')
  if (!hasBorgModule()) {
    console.warn("kernels: borg's Python module is not here, so its verdict on our compressed bytes was not asked for")
    return undefined
  }
  const input = Buffer.concat(stored.flatMap((one) => [sizePrefix(one.length), one]))
  return splitBySize(execFileSync('/usr/bin/python3', ['-c', code], { input, maxBuffer: 256 << 20, stdio: 'pipe' }))
}

/** Records of u32 size (big-endian) and so many bytes. */
export function splitBySize(joined: Uint8Array): readonly Uint8Array[] {
  const parts: Uint8Array[] = []
  const view = new DataView(joined.buffer, joined.byteOffset, joined.byteLength)
  for (let at = 0; at < joined.length; ) {
    const end = at + 4 + view.getUint32(at)
    parts.push(new Uint8Array(joined.subarray(at + 4, end)))
    at = end
  }
  return parts
}

function sizePrefix(size: number): Uint8Array {
  const prefix = new Uint8Array(4)
  new DataView(prefix.buffer).setUint32(0, size)
  return prefix
}

function hasBorgModule(): boolean {
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import borg.compress'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}
