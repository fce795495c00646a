import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { type ObjectId, objectId } from '../../src/base/ids.ts'
import { IndexChunkCache, mergeReferences, referencesMax } from '../../src/cache/chunk-cache.ts'
import { parseCompactIndex } from '../../src/format/compact-index.ts'
import { HashIndex } from '../../src/format/hash-index.ts'

function idOf(value: number): ObjectId {
  return objectId(new Uint8Array(32).fill(value))
}

function cacheWith(
  ...chunks: readonly [id: ObjectId, references: number, size: number, storedSize: number][]
): IndexChunkCache {
  const index = HashIndex.create(3)
  for (const [id, ...words] of chunks) {
    const slot = index.insert(id)
    words.forEach((word, at) => {
      index.setWord(slot, at, word)
    })
  }
  return new IndexChunkCache(index)
}

test('references go up, come down, and the last one takes the entry along', () => {
  const cache = cacheWith()

  cache.add(idOf(1), 100, 60)
  cache.reference(idOf(1))
  cache.add(idOf(1), 100, 999)

  expect(cache.find(idOf(1))).toEqual({ references: 3, size: 100, storedSize: 60 })
  expect([cache.release(idOf(1)), cache.release(idOf(1)), cache.release(idOf(1))]).toEqual([2, 1, 0])
  expect(cache.find(idOf(1))).toBeUndefined()
  expect(cache.count).toBe(0)
})

test('a saturated count stays what it is, whatever happens', () => {
  const cache = cacheWith([idOf(1), referencesMax - 1, 5, 5])

  cache.reference(idOf(1))
  cache.reference(idOf(1))
  cache.add(idOf(1), 5, 5)

  expect(cache.find(idOf(1))?.references).toBe(referencesMax)
  expect(cache.release(idOf(1))).toBe(referencesMax)
  expect(cache.find(idOf(1))?.references).toBe(referencesMax)
})

test('a chunk nobody refers to is not known, and can be added', () => {
  const cache = cacheWith([idOf(1), 0, 5, 5])

  expect(cache.find(idOf(1))).toBeUndefined()
  expect(cache.has(idOf(1))).toBe(false)
  expect(() => cache.reference(idOf(1))).toThrow(RangeError)
  cache.add(idOf(1), 7, 6)
  expect(cache.find(idOf(1))).toEqual({ references: 1, size: 7, storedSize: 6 })
})

test('two sizes under one id are refused, an unknown size is filled in', () => {
  const cache = cacheWith([idOf(1), 1, 5, 5], [idOf(2), referencesMax, 0, 0])

  expect(() => cache.add(idOf(1), 6, 6)).toThrow(expect.objectContaining({ code: 'IntegrityError' }))
  expect(() => cache.reference(idOf(1), 6)).toThrow(expect.objectContaining({ code: 'IntegrityError' }))
  expect(cache.find(idOf(1))?.references).toBe(1)
  cache.reference(idOf(2), 6)
  expect(cache.find(idOf(2))).toEqual({ references: referencesMax, size: 6, storedSize: 0 })
})

test('unknown chunks cannot be referenced or released', () => {
  const cache = cacheWith()

  expect(() => cache.reference(idOf(1))).toThrow(RangeError)
  expect(() => cache.release(idOf(1))).toThrow(RangeError)
})

test('replacing keeps the references, adds one, and takes the new sizes', () => {
  const cache = cacheWith([idOf(1), 2, 5, 5])

  cache.replace(idOf(1), 5, 3)

  expect(cache.find(idOf(1))).toEqual({ references: 3, size: 5, storedSize: 3 })
})

test('sums count every chunk once and every reference', () => {
  const cache = cacheWith([idOf(1), 2, 10, 5], [idOf(2), 3, 1, 1])

  expect(cache.sums()).toEqual({ chunks: 2, size: 11, storedSize: 6, references: 5 })
})

describe('merging an archive’s counts', () => {
  test('adds with saturation and takes the sizes of the last one, as borg’s add', () => {
    const master = cacheWith([idOf(1), 2, 10, 5], [idOf(2), referencesMax - 1, 7, 7]).index
    const archive = cacheWith([idOf(1), 3, 11, 6], [idOf(2), 5, 7, 8], [idOf(3), 1, 1, 1]).index

    mergeReferences(master, parseCompactIndex(archive.serializeCompact(), 3))

    const merged = new IndexChunkCache(master)
    expect(merged.find(idOf(1))).toEqual({ references: 5, size: 11, storedSize: 6 })
    expect(merged.find(idOf(2))).toEqual({ references: referencesMax, size: 7, storedSize: 8 })
    expect(merged.find(idOf(3))).toEqual({ references: 1, size: 1, storedSize: 1 })
  })

  test('the order of archives does not matter for the counts', () => {
    const ids = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 300 })
    fc.assert(
      fc.property(fc.array(ids, { maxLength: 5 }), (archives) => {
        const compact = archives.map((numbers) => {
          const cache = cacheWith()
          for (const number of numbers) cache.add(idOf(number), number + 1, number + 1)
          return parseCompactIndex(cache.index.serializeCompact(), 3)
        })
        const countsOf = (order: typeof compact): Map<string, number> => {
          const master = HashIndex.create(3)
          for (const index of order) mergeReferences(master, index)
          return new Map([...master.keys()].map((id) => [toHex(id), master.word(master.find(id), 0)]))
        }
        const expected = new Map<string, number>()
        for (const number of archives.flat()) {
          const key = toHex(idOf(number))
          expected.set(key, (expected.get(key) ?? 0) + 1)
        }
        expect(countsOf(compact)).toEqual(expected)
        expect(countsOf([...compact].reverse())).toEqual(expected)
      }),
    )
  })
})
