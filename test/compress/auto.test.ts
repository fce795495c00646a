import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { makeAuto } from '../../src/compress/auto.ts'
import type { Compressor } from '../../src/compress/compressor.ts'
import { type InputPart, inputBytes, loadFixture } from '../support/vectors.ts'

interface Case {
  readonly spec: string
  readonly input_name: string
  readonly input: readonly InputPart[]
  readonly compressed_hex: string
}
interface Boundary {
  readonly input: readonly InputPart[]
  readonly lz4_len: number
  readonly ratio: number
  readonly auto_len: number
}
const vectors = loadFixture<{ cases: readonly Case[]; auto_boundaries: readonly Boundary[] }>('vectors/compress.json')

/** A compressor that gives the bytes it is told to: decisions can be tested apart from encoders. */
function scripted(spec: string, payload: Uint8Array): Compressor {
  return { spec, compress: () => payload, storedSizeMax: () => payload.length }
}

function payloadOf(spec: string, inputName: string): Uint8Array {
  const found = vectors.cases.find((candidate) => candidate.spec === spec && candidate.input_name === inputName)
  if (found === undefined) throw new Error(`no vector ${spec} of ${inputName}`)
  return fromHex(found.compressed_hex)
}

describe("between borg's own lz4 and borg's own other result, auto takes the one borg took", () => {
  test.each(vectors.cases.filter(({ spec }) => spec.startsWith('auto,')))('$spec of $input_name', (vector) => {
    const inner = vector.spec.slice('auto,'.length)
    const auto = makeAuto(
      vector.spec,
      scripted('lz4', payloadOf('lz4', vector.input_name)),
      scripted(inner, payloadOf(inner, vector.input_name)),
    )

    expect(toHex(auto.compress(inputBytes(vector.input)))).toBe(vector.compressed_hex)
  })
})

describe('the expensive algorithm is tried below a ratio of 0.97, and only there', () => {
  test.each(vectors.auto_boundaries)('lz4 gave $lz4_len bytes, ratio $ratio', ({ input, lz4_len, ratio, auto_len }) => {
    const cheap = new Uint8Array(lz4_len)
    const tiny = new Uint8Array(1)
    const plain = inputBytes(input)

    expect(lz4_len / (plain.length + 2)).toBe(ratio)
    expect(makeAuto('', scripted('lz4', cheap), scripted('zstd,3', tiny)).compress(plain)).toBe(
      ratio < 0.97 ? tiny : cheap,
    )
    // What borg stored had lz4's size each time: zstd, where tried, was not one percent better.
    expect(auto_len).toBe(lz4_len)
  })

  test.each([
    ['exactly 0.97', 970, 1000, false],
    ['a byte less', 969, 1000, true],
  ])('%s', (_, cheapSize, plainSize, tried) => {
    const [cheap, tiny] = [new Uint8Array(cheapSize), new Uint8Array(1)]
    const auto = makeAuto('', scripted('lz4', cheap), scripted('zstd,3', tiny))
    expect(auto.compress(new Uint8Array(plainSize - 2))).toBe(tried ? tiny : cheap)
  })
})

test.each([
  ['exactly 0.99', 990, false],
  ['a byte less', 989, true],
])('the expensive result is stored below 0.99 of the cheap one: %s', (_, size, stored) => {
  const [cheap, expensive] = [new Uint8Array(1000), new Uint8Array(size)]
  const auto = makeAuto('', scripted('lz4', cheap), scripted('zstd,3', expensive))
  expect(auto.compress(new Uint8Array(5000))).toBe(stored ? expensive : cheap)
})
