import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { isBorgError } from '../../src/base/errors.ts'
import { type ObjectId, objectId, objectIdFromHex } from '../../src/base/ids.ts'
import { indexValueMax } from '../../src/base/limits.ts'
import { compactKey, parseCompactIndex } from '../../src/format/compact-index.ts'
import { HashIndex } from '../../src/format/hash-index.ts'
import { lowerLimit, minEmpty, tableSizes, upperLimit } from '../../src/format/hash-index-layout.ts'
import { fromGzB64, loadFixture } from '../support/vectors.ts'

type Operation = readonly [string, ...(string | number | number[])[]]
interface Case {
  name: string
  cls: 'NSIndex' | 'ChunkIndex'
  ops: Operation[]
  resize_trace: [number, number][]
  file_len: number
  file_sha256: string
  num_entries: number
  num_buckets: number
  empty: number
  deleted: number
  file_gz_b64?: string
  entries_in_iteration_order?: [string, number[]][]
  entries_sha256?: string
}
interface ReadCase {
  name: string
  cls: 'NSIndex' | 'ChunkIndex'
  permit_compact: boolean
  file_gz_b64: string
  ok: boolean
  entries?: number
}
const vectors = loadFixture<{
  cases: Case[]
  read_cases: ReadCase[]
  hash_sizes_and_limits: { rows: number[][] }
  usable_capacity: { rows: [number, number][] }
}>('vectors/hashindex.json')

function valueWords(cls: Case['cls']): 2 | 3 {
  return cls === 'NSIndex' ? 2 : 3
}

function generatedKey(seed: string, i: number): ObjectId {
  const counter = Buffer.alloc(4)
  counter.writeUInt32BE(i)
  return objectId(createHash('sha256').update(seed, 'utf8').update(counter).digest())
}

function generatedValue(index: HashIndex, i: number): number[] {
  return index.valueWords === 2 ? [Math.floor(i / 7), 8 + 41 * i] : [1 + (i % 5), 1000 + i, 500 + i]
}

function put(index: HashIndex, key: ObjectId, values: readonly number[]): void {
  const slot = index.insert(key)
  values.forEach((value, at) => {
    index.setWord(slot, at, value)
  })
}

function valuesAt(index: HashIndex, slot: number): number[] {
  return Array.from({ length: index.valueWords }, (_, at) => index.word(slot, at))
}

/** Runs one operation of the vectors, calling `step` after each single put or delete. */
function run(index: HashIndex, operation: Operation, step: () => void): void {
  const [name, first, ...rest] = operation
  const numbers = rest as number[]
  const key = (): ObjectId => objectIdFromHex(first as string)
  switch (name) {
    case 'put':
      put(index, key(), rest[0] as number[])
      break
    case 'del':
      expect(index.delete(key())).toBe(true)
      break
    case 'get':
      expect(index.settle(key())).toBeGreaterThanOrEqual(0)
      break
    case 'incref': {
      const slot = index.settle(key())
      index.setWord(slot, 0, Math.min(index.word(slot, 0) + 1, indexValueMax))
      break
    }
    case 'decref': {
      const slot = index.settle(key())
      if (index.word(slot, 0) < indexValueMax) index.setWord(slot, 0, index.word(slot, 0) - 1)
      break
    }
    case 'add': {
      const [references = 0, size = 0, storedSize = 0] = Array.isArray(rest[0]) ? rest[0] : numbers
      const slot = index.insert(key())
      index.setWord(slot, 0, Math.min(index.word(slot, 0) + references, indexValueMax))
      index.setWord(slot, 1, size)
      index.setWord(slot, 2, storedSize)
      break
    }
    case 'put_gen':
    case 'del_gen': {
      // Either [seed, from, to) or [seed, from, count]: the vectors' generator loops over range(from, to).
      const [from = 0, to = 0] = numbers
      for (let i = from; i < to; i++) {
        const generated = generatedKey(first as string, i)
        if (name === 'put_gen') put(index, generated, generatedValue(index, i))
        else expect(index.delete(generated)).toBe(true)
        step()
      }
      return
    }
    case 'compact':
      return
    default:
      throw new Error(`unknown operation ${name}`)
  }
  step()
}

describe('tables after the same operations are byte for byte borg’s', () => {
  for (const vector of vectors.cases) {
    test(vector.name, () => {
      const index = HashIndex.create(valueWords(vector.cls), 0)
      const trace: [number, number][] = [[0, index.buckets]]
      let steps = 0

      for (const operation of vector.ops) {
        run(index, operation, () => {
          steps += 1
          if (index.buckets !== trace.at(-1)?.[1]) trace.push([steps, index.buckets])
        })
      }

      const compact = vector.ops.some(([name]) => name === 'compact')
      const file = compact ? index.serializeCompact() : index.serialize()
      expect(trace).toEqual(vector.resize_trace)
      expect(file.length).toBe(vector.file_len)
      if (vector.file_gz_b64 !== undefined) expect(toHex(file)).toBe(toHex(fromGzB64(vector.file_gz_b64)))
      expect(createHash('sha256').update(file).digest('hex')).toBe(vector.file_sha256)
      expect(index.size).toBe(vector.num_entries)
      if (!compact) {
        expect(index.buckets).toBe(vector.num_buckets)
        expect(index.emptyBuckets).toBe(vector.empty)
        expect(index.buckets - index.emptyBuckets - index.size).toBe(vector.deleted)
      }
    })

    test(`${vector.name}: iterates in borg’s order after parsing`, () => {
      const compact = vector.ops.some(([name]) => name === 'compact')
      const index = HashIndex.create(valueWords(vector.cls))
      for (const operation of vector.ops) run(index, operation, () => {})
      const parsed = compact ? index : HashIndex.parse(index.serialize(), index.valueWords)

      const entries = [...parsed.keys()].map((key) => [toHex(key), valuesAt(parsed, parsed.find(key))] as const)

      if (vector.entries_in_iteration_order != null) expect(entries).toEqual(vector.entries_in_iteration_order)
      if (vector.entries_sha256 !== undefined) {
        const text = entries.map(([key, values]) => `${key} ${values.join(' ')}\n`).join('')
        expect(createHash('sha256').update(text).digest('hex')).toBe(vector.entries_sha256)
      }
    })
  }
})

describe('files are accepted and refused as by borg 1.4', () => {
  for (const vector of vectors.read_cases) {
    test(vector.name, () => {
      const file = fromGzB64(vector.file_gz_b64)
      const read = (): number =>
        vector.permit_compact
          ? parseCompactIndex(file, valueWords(vector.cls)).size
          : HashIndex.parse(file, valueWords(vector.cls)).size

      if (vector.ok) expect(read()).toBe(vector.entries)
      else expect(read).toThrow(expect.objectContaining({ code: 'IntegrityError' }))
    })
  }
})

test('table sizes and their limits are borg’s', () => {
  const rows = tableSizes.map((size) => [size, lowerLimit(size), upperLimit(size), minEmpty(size)])

  expect(rows).toEqual(vectors.hash_sizes_and_limits.rows)
})

test('a table made for n entries has borg’s size', () => {
  // The largest rows would allocate hundreds of megabytes here: the size rule is the same one.
  const affordable = vectors.usable_capacity.rows.filter(([, buckets]) => buckets < 3_000_000)

  const sizes = affordable.map(([usable]) => [usable, HashIndex.usable(2, usable).buckets])

  expect(affordable.length).toBeGreaterThan(8)
  expect(sizes).toEqual(affordable)
})

const clusteredKey = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.constantFrom(0, 1030, 515)).map(([i, start]) => {
  const key = new Uint8Array(32).fill(i)
  new DataView(key.buffer).setUint32(0, start, true)
  return objectId(key)
})

test('the table is a map: inserts, deletes and lookups in any order agree with a Map', () => {
  const operation = fc.tuple(fc.constantFrom('insert', 'delete', 'find', 'settle'), clusteredKey, fc.nat(1000))
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
      const index = HashIndex.create(2)
      const model = new Map<string, number>()
      for (const [kind, key, value] of operations) {
        const name = toHex(key)
        if (kind === 'insert') {
          put(index, key, [value, value])
          model.set(name, value)
        } else if (kind === 'delete') expect(index.delete(key)).toBe(model.delete(name))
        else {
          const slot = kind === 'find' ? index.find(key) : index.settle(key)
          expect(slot < 0 ? undefined : index.word(slot, 0)).toBe(model.get(name))
        }
      }
      const reparsed = HashIndex.parse(index.serialize(), 2)
      expect(index.size).toBe(model.size)
      expect(new Map([...reparsed.keys()].map((key) => [toHex(key), reparsed.word(reparsed.find(key), 1)]))).toEqual(
        model,
      )
    }),
  )
})

test('growing and shrinking through several sizes loses nothing', () => {
  const index = HashIndex.create(3)
  for (let i = 0; i < 10_000; i++) put(index, generatedKey('s', i), [i % 100, i, i + 1])
  for (let i = 0; i < 9_900; i++) index.delete(generatedKey('s', i))

  expect(index.size).toBe(100)
  for (let i = 0; i < 10_000; i++) {
    const slot = index.find(generatedKey('s', i))
    expect(slot < 0 ? undefined : valuesAt(index, slot)).toEqual(i < 9_900 ? undefined : [i % 100, i, i + 1])
  }
})

test('keys come in table order from behind any key', () => {
  const index = HashIndex.create(2)
  for (let i = 0; i < 500; i++) put(index, generatedKey('k', i), [i, i])
  const all = [...index.keys()].map(toHex)

  const after = [...index.keys(objectIdFromHex(all[199] as string))].map(toHex)

  expect(all.length).toBe(500)
  expect(after).toEqual(all.slice(200))
  expect(() => [...index.keys(generatedKey('other', 1))]).toThrow(RangeError)
})

test('entries move between tables as words', () => {
  const source = HashIndex.create(3)
  for (let i = 0; i < 2000; i++) put(source, generatedKey('w', i), [1, i, i])
  const compact = parseCompactIndex(source.serializeCompact(), 3)
  const merged = HashIndex.create(3)

  for (let i = 0; i < compact.size; i++) {
    const slot = merged.insertWords(compact.words, i * compact.stride)
    merged.setWord(slot, 1, compact.words[i * compact.stride + 9] as number)
  }

  expect([...merged.keys()].map(toHex).sort()).toEqual([...source.keys()].map(toHex).sort())
  expect(merged.word(merged.find(generatedKey('w', 1234)), 1)).toBe(1234)
  expect(toHex(compactKey(compact, 7))).toBe([...source.keys()].map(toHex)[7])
})

test('an empty compact file of borg 1.2, with no bucket at all, is readable as compact only', () => {
  const file = Uint8Array.from([...Buffer.from('BORG_IDX'), 0, 0, 0, 0, 0, 0, 0, 0, 32, 12])

  expect(parseCompactIndex(file, 3).size).toBe(0)
  expect(() => HashIndex.parse(file, 3)).toThrow(expect.objectContaining({ code: 'IntegrityError' }))
})

test('a count in the header that the buckets do not hold is refused', () => {
  const index = HashIndex.create(2)
  put(index, generatedKey('x', 1), [1, 8])
  const file = index.serialize().slice()
  file[8] = 2

  expect(() => HashIndex.parse(file, 2)).toThrow(expect.objectContaining({ code: 'IntegrityError' }))
})

test('a first word above the largest value is refused when written and when read', () => {
  const index = HashIndex.create(2)
  const slot = index.insert(generatedKey('x', 1))
  const file = index.serialize().slice()
  new DataView(file.buffer).setUint32(18 + slot * 40 + 32, indexValueMax + 1, true)

  expect(() => {
    index.setWord(slot, 0, indexValueMax + 1)
  }).toThrow(RangeError)
  expect(() => HashIndex.parse(file, 2)).toThrow(expect.objectContaining({ code: 'IntegrityError' }))
})

test('arbitrary bytes never parse into anything but a table or an IntegrityError', () => {
  const header = fc.tuple(fc.integer(), fc.integer(), fc.constantFrom(32, 16, -1), fc.constantFrom(8, 12))
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 200 }), ([entries, buckets, keySize, valueSize], rest) => {
      const file = new Uint8Array(18 + rest.length)
      file.set(Buffer.from('BORG_IDX'))
      const view = new DataView(file.buffer)
      view.setInt32(8, entries, true)
      view.setInt32(12, buckets, true)
      view.setInt8(16, keySize)
      view.setInt8(17, valueSize)
      file.set(rest, 18)
      for (const parse of [() => HashIndex.parse(file, 2), () => parseCompactIndex(file, 2)]) {
        try {
          parse()
        } catch (error) {
          if (!isBorgError(error, 'IntegrityError')) throw error
        }
      }
    }),
  )
})
