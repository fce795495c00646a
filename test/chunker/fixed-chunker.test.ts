import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, toHex } from '../../src/base/bytes.ts'
import { type ChunkerParams, chunkerParamsFromFields } from '../../src/chunker/chunker.ts'
import { FixedChunker, type InputRange } from '../../src/chunker/fixed-chunker.ts'
import { makeChunker } from '../../src/chunker/make-chunker.ts'
import { type InputPart, inputBytes, loadFixture } from '../support/vectors.ts'
import { type Cut, cutWhole, joined, listed, pushSliced, readInto } from './cuts.ts'

type FixedParams = ChunkerParams & { readonly algorithm: 'fixed' }
const { fixed_chunker: vectors } = loadFixture<{
  fixed_chunker: readonly {
    params: readonly (string | number)[]
    input: readonly InputPart[]
    chunks: readonly (readonly [number, number, string | null])[]
    fmap?: readonly (readonly [number, number, boolean])[]
    note?: string
  }[]
}>('vectors/chunker.json')

function paramsOf(fields: readonly unknown[]): FixedParams {
  const params = chunkerParamsFromFields(fields)
  if (params?.algorithm !== 'fixed') throw new Error(`not fixed chunker params: ${fields}`)
  return params
}

/** Size, whether the bytes are given up, the first half of sha256 otherwise: as the vectors show a chunk. */
function shown(cut: Cut): readonly [number, boolean, string | null] {
  const sha256 = createHash('sha256').update(cut.bytes).digest('hex').slice(0, 16)
  return [cut.size, cut.zeros, cut.zeros ? null : sha256]
}

describe('cuts are borg’s', () => {
  test.each(vectors.map((vector, index) => ({ index, ...vector })))(
    'case $index: $params $note',
    ({ params, input, chunks, fmap }) => {
      const content = inputBytes(input)
      const fixed = paramsOf(params)
      const ranges = fmap?.map(([, size, isData]): InputRange => ({ kind: isData ? 'data' : 'hole', size }))
      const data =
        fmap === undefined
          ? content
          : concatBytes(
              ...fmap.filter(([, , isData]) => isData).map(([start, size]) => content.subarray(start, start + size)),
            )
      const make = (): FixedChunker =>
        ranges === undefined ? new FixedChunker(fixed) : new FixedChunker(fixed, ranges)
      const expected = chunks.map(([size, allocation, sha256]) => [size, allocation !== 0, sha256])

      expect(cutWhole(make(), data).map(shown)).toEqual(expected)
      expect(pushSliced(make(), data, [1]).map(shown)).toEqual(expected)
      expect(readInto(make(), data, 77).map(shown)).toEqual(expected)
    },
  )
})

test('blocks do not depend on how the input was sliced, and joined they are the input', () => {
  const anyParams = fc.record({
    algorithm: fc.constant('fixed' as const),
    blockSize: fc.integer({ min: 64, max: 300 }),
    headerSize: fc.integer({ min: 0, max: 400 }),
  })
  fc.assert(
    fc.property(
      anyParams,
      fc.uint8Array({ maxLength: 3000 }),
      fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1 }),
      (params, bytes, sizes) => {
        const whole = cutWhole(makeChunker(params, 0), bytes)
        expect(listed(pushSliced(makeChunker(params, 0), bytes, sizes))).toEqual(listed(whole))
        expect(toHex(joined(whole))).toBe(toHex(bytes))
        expect(whole.every((cut) => cut.size <= params.blockSize && cut.size > 0)).toBe(true)
      },
    ),
  )
})

describe('holes', () => {
  const params: FixedParams = { algorithm: 'fixed', blockSize: 100, headerSize: 0 }
  const data = (size: number): Uint8Array => new Uint8Array(size).fill(7)
  const sizesOf = (ranges: readonly InputRange[], bytes: Uint8Array): unknown =>
    cutWhole(new FixedChunker(params, ranges), bytes).map((cut) => (cut.zeros ? -cut.size : cut.size))

  test('a file that is one hole has blocks although nothing is read', () => {
    expect(sizesOf([{ kind: 'hole', size: 250 }], data(0))).toEqual([-100, -100, -50])
  })

  test('holes at the beginning, between and at the end come where they are', () => {
    const ranges: InputRange[] = [
      { kind: 'hole', size: 100 },
      { kind: 'data', size: 150 },
      { kind: 'hole', size: 30 },
      { kind: 'data', size: 20 },
      { kind: 'hole', size: 10 },
    ]
    expect(sizesOf(ranges, data(170))).toEqual([-100, 100, 50, -30, 20, -10])
  })

  test('bytes behind the last range are left out, however many come', () => {
    const ranges: InputRange[] = [
      { kind: 'data', size: 150 },
      { kind: 'hole', size: 30 },
    ]
    expect(sizesOf(ranges, data(5000))).toEqual([100, 50, -30])
  })

  test('a file cut short while it was read ends there, without the holes behind', () => {
    const ranges: InputRange[] = [
      { kind: 'data', size: 150 },
      { kind: 'hole', size: 100 },
    ]
    expect(sizesOf(ranges, data(120))).toEqual([100, 20])
    expect(sizesOf(ranges, data(100))).toEqual([100])
  })
})

test('after finish a chunker is as new', () => {
  const chunker = makeChunker({ algorithm: 'fixed', blockSize: 64, headerSize: 10 }, 0)
  const bytes = inputBytes([{ gen: 'sha256ctr', seed: 'x', len: 300 }])
  expect(listed(cutWhole(chunker, bytes))).toEqual(listed(cutWhole(chunker, bytes)))
})
