import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalBytes, toHex } from '../../src/base/bytes.ts'
import { buzhashTable } from '../../src/chunker/buzhash-table.ts'
import { type ChunkerParams, chunkerParamsFromFields, itemChunkerParams } from '../../src/chunker/chunker.ts'
import { makeChunker } from '../../src/chunker/make-chunker.ts'
import { buzhash, buzhashScan } from '../../src/kernels/buzhash.ts'
import { type InputPart, inputBytes, loadFixture } from '../support/vectors.ts'
import { type Cut, cutWhole, joined, listed, pushSliced, readInto } from './cuts.ts'

interface ChunkerCase {
  readonly seed: number
  readonly params: readonly (string | number)[]
  readonly input: readonly InputPart[]
  readonly input_len: number
  readonly sizes: readonly number[]
  readonly allocations?: readonly number[]
}
const vectors = loadFixture<{
  table_base_u32: readonly number[]
  table_base_sha256_le: string
  buzhash: readonly { seed: number; input: readonly InputPart[]; hash: number }[]
  rolling: readonly { seed: number; window: number; input: readonly InputPart[]; hashes: readonly number[] }[]
  buzhash_chunker: readonly ChunkerCase[]
}>('vectors/chunker.json')

const small: ChunkerParams = { algorithm: 'buzhash', minExponent: 6, maxExponent: 9, maskBits: 6, windowSize: 31 }

function paramsOf(fields: readonly unknown[]): ChunkerParams {
  const params = chunkerParamsFromFields(fields)
  if (params === undefined) throw new Error(`not chunker params: ${fields}`)
  return params
}

/** The rule of the format sheet, word for word: slow, and independent of buffers and scans. */
function cutsReference(content: Uint8Array, params: ChunkerParams & { algorithm: 'buzhash' }, seed: number): number[] {
  const [min, max, mask, window] = [
    2 ** params.minExponent,
    2 ** params.maxExponent,
    2 ** params.maskBits - 1,
    params.windowSize,
  ]
  const table = buzhashTable(seed)
  const sizes: number[] = []
  for (let start = 0; start < content.length; ) {
    const available = content.length - start
    let size = available
    if (available >= min + window + 1) {
      const limit = Math.min(available, max)
      let p = min
      const hit = (): boolean => (buzhash(table, content.subarray(start + p, start + p + window)) & mask) === 0
      while (limit - p > window && !hit()) p += 1
      size = limit - p > window ? p : limit
    }
    sizes.push(size)
    start += size
  }
  return sizes
}

test('the constants are borg’s', () => {
  const table = buzhashTable(0)
  const bytes = new Uint8Array(1024)
  for (const [i, value] of table.entries()) new DataView(bytes.buffer).setUint32(4 * i, value, true)

  expect([...table]).toEqual(vectors.table_base_u32)
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(vectors.table_base_sha256_le)
})

test.each(vectors.buzhash)('hash of $input with seed $seed', ({ seed, input, hash }) => {
  expect(buzhash(buzhashTable(seed), inputBytes(input))).toBe(hash)
  expect(buzhash(buzhashTable(seed | 0), inputBytes(input))).toBe(hash)
})

test.each(vectors.rolling)('rolling a window of $window with seed $seed', ({ seed, window, input, hashes }) => {
  const bytes = inputBytes(input)
  const table = buzhashTable(seed)
  const state = Uint32Array.of(buzhash(table, bytes.subarray(0, window)))

  const rolled = [state[0]]
  for (let end = window; end < bytes.length; end++) {
    buzhashScan(state, table, window, 0xffff_ffff, bytes, end, end + 1)
    rolled.push(state[0])
  }

  expect(rolled).toEqual(hashes)
})

describe('cuts are borg’s', () => {
  test.each(vectors.buzhash_chunker.map((vector, index) => ({ index, ...vector })))(
    'case $index: seed $seed, $params, $input_len bytes',
    ({ seed, params, input, sizes, allocations }) => {
      const content = inputBytes(input)
      const expected = sizes.map((size, i) => [size, allocations?.[i] ?? 0])
      const seen = (cuts: readonly Cut[]): unknown => cuts.map(({ size, zeros }) => [size, zeros ? 1 : 0])

      expect(seen(cutWhole(makeChunker(paramsOf(params), seed), content))).toEqual(expected)
      expect(seen(readInto(makeChunker(paramsOf(params), seed | 0), content, 100_000))).toEqual(expected)
    },
  )
})

describe('laws', () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 4000 }),
    // Few different bytes give runs without a border, and so chunks of the largest size.
    fc.array(fc.constantFrom(0, 1), { maxLength: 4000 }).map((bits) => Uint8Array.from(bits)),
  )

  test('cuts follow the rule of the format, whatever the content', () => {
    fc.assert(
      fc.property(content, fc.integer(), (bytes, seed) => {
        const sizes = cutWhole(makeChunker(small, seed), bytes).map((cut) => cut.size)
        expect(sizes).toEqual(cutsReference(bytes, small as ChunkerParams & { algorithm: 'buzhash' }, seed))
      }),
    )
  })

  test('cuts do not depend on how the input was sliced, and chunks joined are the input', () => {
    fc.assert(
      fc.property(content, fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (bytes, sizes) => {
        const whole = cutWhole(makeChunker(small, 5), bytes)
        expect(listed(pushSliced(makeChunker(small, 5), bytes, sizes))).toEqual(listed(whole))
        expect(listed(readInto(makeChunker(small, 5), bytes, sizes[0] ?? 1))).toEqual(listed(whole))
        expect(toHex(joined(whole))).toBe(toHex(bytes))
      }),
    )
  })

  test('one byte at a time gives the same cuts', () => {
    const bytes = inputBytes([{ gen: 'sha256ctr', seed: 'bytewise', len: 20_000 }])
    expect(listed(pushSliced(makeChunker(small, 5), bytes, [1]))).toEqual(
      listed(cutWhole(makeChunker(small, 5), bytes)),
    )
  })

  test('an input of megabytes in one push is cut like in small reads', () => {
    const bytes = inputBytes([
      { gen: 'sha256ctr', seed: 'big', len: 3_000_000 },
      { gen: 'zero', len: 2_000_000 },
    ])
    const whole = cutWhole(makeChunker(itemChunkerParams, 5), bytes)

    expect(listed(readInto(makeChunker(itemChunkerParams, 5), bytes, 10_007))).toEqual(listed(whole))
    expect(equalBytes(joined(whole), bytes)).toBe(true)
    expect(whole.some((cut) => cut.zeros && cut.size === 2 ** 19)).toBe(true)
  })
})

test('after finish, and after reset, a chunker is as new', () => {
  const bytes = inputBytes([{ gen: 'sha256ctr', seed: 'again', len: 5000 }])
  const chunker = makeChunker(small, 5)
  const first = cutWhole(chunker, bytes)
  expect(listed(cutWhole(chunker, bytes))).toEqual(listed(first))

  for (const _ of chunker.push(bytes.subarray(0, 777)));
  chunker.reset()
  expect(listed(cutWhole(chunker, bytes))).toEqual(listed(first))
})

test('claiming more bytes than were reserved is a mistake that shows', () => {
  const chunker = makeChunker(small, 0)
  const room = chunker.reserve()
  expect(() => [...chunker.accept(room.length + 1)]).toThrow(RangeError)
})
