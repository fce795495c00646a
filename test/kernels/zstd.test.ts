import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import type { BlockCodec } from '../../src/kernels/kernel.ts'
import { loadZstd } from '../../src/kernels/zstd.ts'
import { loadZstdCodec } from '../../src/kernels/zstd-codec.ts'
import { zstdContentSize } from '../../src/kernels/zstd-frame.ts'
import { zstdNode } from '../../src/kernels/zstd-node.ts'
import { loadZstdWasm } from '../../src/kernels/zstd-wasm.ts'
import { inputBytes } from '../support/vectors.ts'
import { borgBodies, decompressedByBorg, borgInputs, compressible, describeCodec, sameBytes } from './codec-laws.ts'

const variants: Record<string, () => Promise<BlockCodec>> = {
  'zstd picked': loadZstd,
  'zstd wasm': loadZstdWasm,
  'zstd codec': async () => loadZstdCodec(await loadZstdWasm()),
}
if (zstdNode === undefined)
  console.warn('kernels: this Node has no zstd of its own, so that variant is not tested here')
else variants['zstd node'] = async () => zstdNode!

const levels = [1, 3, 6, 10, 19, 22]

for (const [name, load] of Object.entries(variants)) {
  describeCodec(name, load, levels)

  describe(name, () => {
    test('reads every zstd body borg wrote', async () => {
      const codec = await load()
      const bodies = borgBodies('zstd')

      expect(bodies.length).toBeGreaterThan(0)
      for (const { name, body, plain } of bodies) {
        expect(sameBytes(codec.decompress(body, plain.length), plain), name).toBe(true)
      }
    })

    test.each(Array.from({ length: 22 }, (_, i) => i + 1))(
      'level %i writes frames that name their size',
      async (level) => {
        const codec = await load()
        for (const { plain } of borgInputs()) {
          expect(zstdContentSize(codec.compress(plain, level), plain.length)).toBe(plain.length)
        }
      },
    )

    test('refuses a frame without content size, as borg does', async () => {
      const codec = await load()
      const body = new Uint8Array(Buffer.from('28b52ffd005821000068656c6c', 'hex'))

      expect(() => codec.decompress(body, 100)).toThrow('original size unknown')
    })

    test('refuses a frame that holds more, or less, than it names', async () => {
      const codec = await load()
      const frame = codec.compress(new Uint8Array(100), 3)
      const sizeAt = 5
      expect(frame[4]! >> 5, 'one size byte, single segment').toBe(1)
      for (const lie of [99, 101, 0, 255]) {
        const body = frame.slice()
        body[sizeAt] = lie
        expect(() => codec.decompress(body, 1000)).toThrow(/^zstd: /)
      }
    })

    test.each([0, 23, -1, 2.5, Number.NaN])('has no level %d', async (level) => {
      const codec = await load()

      expect(() => codec.compress(new Uint8Array(1), level)).toThrow(RangeError)
    })

    test('keeps its word over many calls of many sizes', async () => {
      const codec = await load()
      const noise = inputBytes([{ gen: 'sha256ctr', seed: 'many', len: 1_100_000 }])
      for (let i = 0; i < 60; i++) {
        const plain = noise.subarray(0, Math.floor((noise.length * ((i * 37) % 60)) / 59))
        const back = codec.decompress(codec.compress(plain, 1 + (i % 6)), plain.length)
        expect(sameBytes(back, plain)).toBe(true)
      }
    })

    test('level 22 takes 8 MiB, level 3 takes 20 MiB of noise', async () => {
      const codec = await load()
      for (const [level, size] of [
        [22, 8 << 20],
        [3, 20 << 20],
      ] as const) {
        const plain = inputBytes([
          { gen: 'sha256ctr', seed: 'big', len: 1 << 16 },
          { gen: 'zero', len: size - (1 << 16) },
        ])
        if (level === 3) for (let at = 0; at < size; at += 4) plain[at] = (at * 2654435761) >>> 24
        expect(sameBytes(codec.decompress(codec.compress(plain, level), size), plain)).toBe(true)
      }
    })
  })
}

test('zstd variants read what the others write', async () => {
  const codecs = await Promise.all(Object.values(variants).map((load) => load()))
  fc.assert(
    fc.property(compressible, fc.integer({ min: 1, max: 19 }), (plain, level) => {
      for (const writer of codecs) {
        const body = writer.compress(plain, level)
        for (const reader of codecs) expect(sameBytes(reader.decompress(body, plain.length), plain)).toBe(true)
      }
    }),
    { numRuns: 30 },
  )
})

test('borg reads what the zstd variants write', async () => {
  const codecs = await Promise.all(Object.values(variants).map((load) => load()))
  // borg stores the empty chunk as `none`, and its zstd refuses to see one.
  const plains = borgInputs().flatMap(({ plain }) => (plain.length === 0 ? [] : [plain]))
  const cases = plains.flatMap((plain) => codecs.flatMap((codec) => levels.map((level) => ({ plain, codec, level }))))

  const read = decompressedByBorg(
    cases.map(({ plain, codec, level }) => Buffer.concat([Uint8Array.of(3, 0), codec.compress(plain, level)])),
  )

  if (read === undefined) return
  expect(read.map(toHex)).toEqual(cases.map(({ plain }) => toHex(plain)))
})
