import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buzhash, buzhashScan } from '../../src/kernels/buzhash.ts'
import { buzhashScanPortable } from '../../src/kernels/buzhash-portable.ts'
import { buzhashScanWasm } from '../../src/kernels/buzhash-wasm.ts'
import type { BuzhashScan } from '../../src/kernels/kernel.ts'
import { inputBytes, loadFixture, type InputPart } from '../support/vectors.ts'

interface ChunkerVectors {
  readonly table_base_u32: readonly number[]
  readonly buzhash: readonly { readonly seed: number; readonly input: readonly InputPart[]; readonly hash: number }[]
  readonly rolling: readonly {
    readonly seed: number
    readonly window: number
    readonly input: readonly InputPart[]
    readonly hashes: readonly number[]
  }[]
}

const vectors = loadFixture<ChunkerVectors>('vectors/chunker.json')
const variants = { picked: buzhashScan, portable: buzhashScanPortable, wasm: buzhashScanWasm }
/** Matches no hash but zero; the rolled vectors hold none. */
const never = 0xffff_ffff

test('buzhash of a window agrees with borg on every vector', () => {
  expect(vectors.buzhash.length).toBeGreaterThan(0)
  for (const { seed, input, hash } of vectors.buzhash) expect(buzhash(tableFor(seed), inputBytes(input))).toBe(hash)
})

describe.each(Object.entries(variants))('buzhash scan %s', (_, scan) => {
  test('rolls through the hashes borg gives, one byte at a time', () => {
    expect(vectors.rolling.length).toBeGreaterThan(0)
    for (const { seed, window, input, hashes } of vectors.rolling) {
      const bytes = inputBytes(input)
      const table = tableFor(seed)
      const state = Uint32Array.of(buzhash(table, bytes.subarray(0, window)))
      const seen = [state[0]!]
      for (let at = window; at < bytes.length; at++) {
        scan(state, table, window, never, bytes, at, at + 1)
        seen.push(state[0]!)
      }
      expect(seen).toEqual(hashes)
    }
  })

  test('rolls through the same hashes in one call', () => {
    for (const { seed, window, input, hashes } of vectors.rolling) {
      const bytes = inputBytes(input)
      const table = tableFor(seed)
      const state = Uint32Array.of(hashes[0]!)
      expect(scan(state, table, window, never, bytes, window, bytes.length)).toBe(-1)
      expect(state[0]).toBe(hashes.at(-1))
    }
  })

  test('stops just past the first window that matches, with its hash, and goes on from there', () => {
    const bytes = inputBytes([{ gen: 'sha256ctr', seed: 'scan', len: 3000 }])
    const table = tableFor(1)
    const window = 63
    const mask = 31

    const expected: number[] = []
    for (let end = window + 1; end <= bytes.length; end++) {
      if ((buzhash(table, bytes.subarray(end - window, end)) & mask) === 0) expected.push(end)
    }

    expect(expected.length).toBeGreaterThan(50)
    expect(hits(scan, table, window, mask, bytes)).toEqual(expected)
  })

  test('finds the hits of a large input, in its later blocks too, where the naive hash says', () => {
    const bytes = inputBytes([{ gen: 'sha256ctr', seed: 'large', len: 900_000 }])
    const table = tableFor(7)
    const window = 4095
    const mask = (1 << 16) - 1

    const ends = hits(scan, table, window, mask, bytes)

    expect(ends).toEqual(hits(buzhashScanPortable, table, window, mask, bytes))
    expect(ends.at(-1)).toBeGreaterThan(600_000)
    for (const end of ends) expect(buzhash(table, bytes.subarray(end - window, end)) & mask).toBe(0)
  })

  test('scans nothing where there is nothing to scan', () => {
    const state = Uint32Array.of(5)

    expect(scan(state, tableFor(0), 3, 0, new Uint8Array(10), 4, 4)).toBe(-1)
    expect(state[0]).toBe(5)
  })

  test('refuses a scan whose first window is not there, or whose end is past the bytes', () => {
    const scanOver = (from: number, to: number) => () =>
      scan(Uint32Array.of(0), tableFor(0), 8, 1, new Uint8Array(20), from, to)

    expect(scanOver(7, 20)).toThrow(RangeError)
    expect(scanOver(8, 21)).toThrow(RangeError)
  })
})

test('buzhash scan variants agree on random tables, windows, masks, bytes and ranges', () => {
  const tables = fc
    .uint8Array({ minLength: 1024, maxLength: 1024 })
    .map((bytes) => new Uint32Array(bytes.slice().buffer))
  fc.assert(
    fc.property(
      tables,
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 0, max: 12 }),
      fc.uint8Array({ minLength: 100, maxLength: 1000 }),
      fc.nat(20),
      (table, window, bits, bytes, skip) => {
        const from = Math.min(window + skip, bytes.length)
        const start = buzhash(table, bytes.subarray(from - window, from))
        const mask = 2 ** bits - 1
        const [a, b] = [Uint32Array.of(start), Uint32Array.of(start)]
        const found = buzhashScanPortable(a, table, window, mask, bytes, from, bytes.length)
        expect(buzhashScanWasm(b, table, window, mask, bytes, from, bytes.length)).toBe(found)
        expect(b[0]).toBe(a[0])
      },
    ),
  )
})

function tableFor(seed: number): Uint32Array {
  return Uint32Array.from(vectors.table_base_u32, (base) => base ^ seed)
}

function hits(scan: BuzhashScan, table: Uint32Array, window: number, mask: number, bytes: Uint8Array): number[] {
  const state = Uint32Array.of(buzhash(table, bytes.subarray(0, window)))
  const found: number[] = []
  let at = window
  while (at < bytes.length) {
    at = scan(state, table, window, mask, bytes, at, bytes.length)
    if (at < 0) break
    found.push(at)
  }
  return found
}
