import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { concatBytes, fromHex, toHex } from '../../src/base/bytes.ts'
import { isBorgError } from '../../src/base/errors.ts'
import { decodeText } from '../../src/base/text.ts'
import { decodeBigInteger, metadataLimits, type Unpacked, Unpacker, unpack } from '../../src/format/msgpack-decode.ts'
import {
  encodeBigInteger,
  type Packable,
  type PackableKey,
  Packer,
  pack,
  packSorted,
  sortedMap,
} from '../../src/format/msgpack-encode.ts'
import { MsgpackReader } from '../../src/format/msgpack-reader.ts'
import { loadFixture } from '../support/vectors.ts'

/** The vectors' view of a value: fixtures/README-vectors.md, "msgpack view". */
type View = null | boolean | number | { b: string } | { n: string } | { map: [View, View][] } | View[]
interface Named {
  name: string
  msgpack_hex: string
  decoded?: View
}
const vectors = loadFixture<{
  msgpack_encodings: {
    int: [string, string][]
    raw_header_by_len: [number, string][]
    array_header_by_len: [number, string][]
    map_header_by_len: [number, string][]
  }
  bigint: { value: string; encoded: View; msgpack_hex: string }[]
  items: Named[]
  archives: Named[]
  manifests: Named[]
  reader_acceptance: (Named & { ok: boolean; path: View; mtime: View })[]
}>('vectors/items.json')
const cacheVectors = loadFixture<{ files_cache_entries: Named[]; files_cache_stream_hex: string }>('vectors/cache.json')

function packableFromView(view: View): Packable {
  if (view === null || typeof view === 'boolean' || typeof view === 'number') return view
  if (Array.isArray(view)) return view.map(packableFromView)
  if ('b' in view) return fromHex(view.b)
  if ('n' in view) return BigInt(view.n)
  return new Map(view.map.map(([key, value]) => [packableFromView(key) as PackableKey, packableFromView(value)]))
}

/** Text keys back to bytes, so that a decoded value compares with what the vectors say. */
function viewOf(value: Unpacked): View {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'bigint') return { n: value.toString() }
  if (value instanceof Uint8Array) return { b: toHex(value) }
  if (Array.isArray(value)) return value.map(viewOf)
  const keyView = (key: string | Uint8Array | number | bigint): View =>
    typeof key === 'string' ? { b: Buffer.from(key).toString('hex') } : viewOf(key)
  return { map: [...value].map(([key, entry]) => [keyView(key), viewOf(entry)] as [View, View]) }
}

function withoutText(view: View): View {
  if (view === null || typeof view !== 'object') return view
  if (Array.isArray(view)) return view.map(withoutText)
  if ('b' in view) return { b: view.b }
  if ('n' in view) return view
  return { map: view.map.map(([key, value]) => [withoutText(key), withoutText(value)] as [View, View]) }
}

function unpackHex(hex: string): Unpacked {
  return unpack(fromHex(hex), metadataLimits)
}

describe('written as borg writes', () => {
  test.each(vectors.msgpack_encodings.int)('integer %s', (value, hex) => {
    const number = BigInt(value)

    expect(toHex(pack(number))).toBe(hex)
    if (Number.isSafeInteger(Number(number))) expect(toHex(pack(Number(number)))).toBe(hex)
  })

  test.each(vectors.msgpack_encodings.raw_header_by_len)('bytes and text of length %i', (length, hex) => {
    expect(toHex(pack(new Uint8Array(length).fill(0x61))).slice(0, hex.length)).toBe(hex)
    expect(toHex(pack('a'.repeat(length))).slice(0, hex.length)).toBe(hex)
    expect(pack('a'.repeat(length))).toEqual(pack(new Uint8Array(length).fill(0x61)))
  })

  test.each(vectors.msgpack_encodings.array_header_by_len)('list of length %i', (length, hex) => {
    expect(toHex(pack(new Array<number>(length).fill(0))).slice(0, hex.length)).toBe(hex)
  })

  test.each(vectors.msgpack_encodings.map_header_by_len)('map of size %i', (length, hex) => {
    const map = new Map(Array.from({ length }, (_, i) => [i, 0] as const))

    expect(toHex(pack(map)).slice(0, 6)).toBe(hex.slice(0, 6))
  })

  test.each(vectors.bigint)('big integer $value, both ways', ({ value, encoded, msgpack_hex }) => {
    const written = encodeBigInteger(BigInt(value))

    expect(toHex(pack(written))).toBe(msgpack_hex)
    expect(pack(packableFromView(encoded))).toEqual(fromHex(msgpack_hex))
    expect(decodeBigInteger(unpackHex(msgpack_hex))).toBe(BigInt(value))
  })

  const packed = [...vectors.items, ...vectors.archives, ...vectors.manifests, ...cacheVectors.files_cache_entries]
  test.each(packed.filter((entry) => entry.decoded !== undefined))('$name, both ways', ({ msgpack_hex, decoded }) => {
    const value = unpackHex(msgpack_hex)

    expect(viewOf(value)).toEqual(withoutText(decoded as View))
    expect(toHex(pack(value))).toBe(msgpack_hex)
    expect(toHex(pack(packableFromView(decoded as View)))).toBe(msgpack_hex)
  })

  test.each([...vectors.items, ...vectors.archives].filter(({ decoded }) => decoded !== undefined))(
    '$name: sorting its keys gives the same bytes',
    ({ msgpack_hex }) => {
      const value = unpackHex(msgpack_hex)

      if (!(value instanceof Map)) throw new Error('not a map')
      const shuffled = new Map([...value].reverse() as [string, Unpacked][])
      expect(toHex(packSorted(shuffled))).toBe(msgpack_hex)
    },
  )

  test('text with stray bytes as those bytes', () => {
    expect(toHex(pack(decodeText(Uint8Array.of(0x61, 0xff, 0xc3, 0xa4))))).toBe('a461ffc3a4')
  })

  test('fractions as 64-bit floats', () => {
    expect(toHex(pack(0.1))).toBe('cb3fb999999999999a')
    expect(unpackHex('cb3fb999999999999a')).toBe(0.1)
  })

  test('integers past 64 bits, and numbers past 2^53, are refused', () => {
    expect(() => pack(2n ** 64n)).toThrow(RangeError)
    expect(() => pack(-(2n ** 63n) - 1n)).toThrow(RangeError)
    expect(() => pack(2 ** 53)).toThrow(RangeError)
    expect(() => pack(-(2 ** 54))).toThrow(RangeError)
  })
})

test('sortedMap orders by bytes, not by UTF-16', () => {
  const map = sortedMap({ '\u{1f600}': 1, '\uffee': 2, b: 3, a: 4, '': 5 })

  expect([...map.keys()]).toEqual(['', 'a', 'b', '\uffee', '\u{1f600}'])
})

describe('read as borg 1.4 reads', () => {
  test.each(vectors.reader_acceptance)('$name', ({ msgpack_hex, ok, path, mtime }) => {
    const value = unpackHex(msgpack_hex)

    expect(ok).toBe(true)
    if (!(value instanceof Map)) throw new Error('not a map')
    expect(viewOf(value.get('path') ?? null)).toEqual(withoutText(path))
    const read = value.get('mtime') ?? null
    const number = read instanceof Uint8Array ? { n: decodeBigInteger(read).toString() } : viewOf(read)
    expect(number).toEqual(mtime)
  })

  test('every vector needs to be accepted: none is left out', () => {
    expect(vectors.reader_acceptance.length).toBe(17)
    expect(vectors.items.length).toBe(24)
  })

  test('a manifest from the future is malformed msgpack', () => {
    expect(() => unpackHex('c1c1c1c1c1c1c1c1')).toThrow(expect.objectContaining({ code: 'IntegrityError' }))
  })

  test('keys that are UTF-8 become text, others stay bytes, integers stay integers', () => {
    const value = unpackHex('83a161' + '01' + 'a1ff' + '02' + 'cd0100' + '03')

    expect([...(value as Map<unknown, unknown>)]).toEqual([
      ['a', 1],
      [Uint8Array.of(0xff), 2],
      [256, 3],
    ])
  })

  test('a repeated key keeps its place and takes the last value, as a Python dict', () => {
    expect([...(unpackHex('83a16101a16202a16103') as Map<unknown, unknown>)]).toEqual([
      ['a', 3],
      ['b', 2],
    ])
  })
})

const packable: fc.Arbitrary<Packable> = fc.letrec<{ value: Packable }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.integer(),
    fc
      .bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n })
      .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc
      .array(fc.tuple(fc.oneof(fc.string(), fc.integer()), tie('value')), { maxLength: 20 })
      .map((entries) => new Map<PackableKey, Packable>(entries)),
  ),
})).value

function plain(value: Packable | Unpacked): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) return [...value].map(([key, entry]) => [key, plain(entry)])
  return Object.is(value, -0) ? 0 : value
}

describe('laws', () => {
  test('what was packed unpacks to the same value', () => {
    fc.assert(
      fc.property(packable, (value) => {
        expect(plain(unpack(pack(value), metadataLimits))).toEqual(plain(value))
      }),
    )
  })

  test('an independent decoder reads the same structure', () => {
    const oracle = new Packr({ useRecords: false, mapsAsObjects: false, int64AsType: 'bigint' })
    const ascii = fc.oneof(fc.integer(), fc.boolean(), fc.string({ unit: 'grapheme-ascii', maxLength: 200 }))
    fc.assert(
      fc.property(fc.array(fc.oneof(ascii, fc.array(ascii)), { maxLength: 40 }), (value) => {
        expect(plain(oracle.unpack(pack(value)) as Packable)).toEqual(plain(value))
      }),
    )
  })

  test('a stream gives the same values and ends however it is split, decoded or packed', () => {
    fc.assert(
      fc.property(
        fc.array(packable, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (values, cuts) => {
          const packed = values.map(pack)
          const stream = concatBytes(...packed)
          const decoder = new Unpacker(metadataLimits)
          const splitter = new Unpacker(metadataLimits)
          const decoded: { value: unknown; end: number }[] = []
          const pieces: string[] = []
          for (let from = 0, turn = 0; from < stream.length; turn++) {
            const size = cuts[turn % cuts.length] as number
            decoder.feed(stream.slice(from, from + size))
            splitter.feed(stream.slice(from, from + size))
            from += size
            for (let next = decoder.next(); next !== undefined; next = decoder.next()) decoded.push(next)
            for (let next = splitter.nextPacked(); next !== undefined; next = splitter.nextPacked())
              pieces.push(toHex(next))
          }
          const ends = packed.map((_, i) => concatBytes(...packed.slice(0, i + 1)).length)
          const expected = values.map((value, i) => ({ value: plain(value), end: ends[i] }))
          expect(decoded.map(({ value, end }) => ({ value: plain(value as Unpacked), end }))).toEqual(expected)
          expect(pieces).toEqual(packed.map(toHex))
          expect(decoder.pending).toBe(0)
        },
      ),
    )
  })

  test('values handed out do not change when more is fed', () => {
    const unpacker = new Unpacker(metadataLimits)
    const first = pack([Uint8Array.of(1, 2, 3), 'x'])
    const kept: Unpacked[] = []

    for (let i = 0; i < 50; i++) {
      unpacker.feed(first.slice(0, 3))
      unpacker.feed(first.slice(3))
      kept.push((unpacker.next() as { value: Unpacked }).value)
    }

    for (const value of kept) expect(plain(value)).toEqual(['010203', '78'])
  })

  test('arbitrary bytes give a value or an IntegrityError, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        for (const read of [
          () => unpack(bytes, metadataLimits),
          () => new MsgpackReader(bytes, metadataLimits).skip(),
        ]) {
          try {
            read()
          } catch (error) {
            if (!isBorgError(error, 'IntegrityError')) throw error
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('every truncation of a value is refused', () => {
    for (const { msgpack_hex } of vectors.items) {
      const whole = fromHex(msgpack_hex)
      for (let length = 0; length < whole.length; length++) {
        expect(() => unpack(whole.subarray(0, length), metadataLimits)).toThrow(
          expect.objectContaining({ code: 'IntegrityError' }),
        )
      }
    }
  })

  test('skip ends where reading ends', () => {
    fc.assert(
      fc.property(packable, (value) => {
        const bytes = concatBytes(pack(value), Uint8Array.of(0xc0))
        const reader = new MsgpackReader(bytes, metadataLimits)
        reader.skip()
        expect(reader.position).toBe(bytes.length - 1)
      }),
    )
  })
})

describe('limits', () => {
  const limits = { bytes: 100, depth: 3, items: 5 }
  const refused = expect.objectContaining({ code: 'IntegrityError' })

  test('whole size', () => {
    expect(() => unpack(pack('x'.repeat(200)), limits)).toThrow(refused)
    expect(unpack(pack('x'.repeat(90)), limits)).toHaveLength(90)
  })

  test('depth', () => {
    expect(() => unpack(pack([[[[]]]]), limits)).toThrow(refused)
    expect(unpack(pack([[[1]]]), limits)).toEqual([[[1]]])
  })

  test('elements', () => {
    expect(() => unpack(pack([1, 2, 3, 4, 5, 6]), limits)).toThrow(refused)
    expect(() => unpack(pack(new Map([1, 2, 3, 4, 5, 6].map((i) => [i, i]))), limits)).toThrow(refused)
  })

  test('a header that promises billions costs nothing', () => {
    expect(() => unpackHex('ddffffffff')).toThrow(refused)
    expect(() => unpackHex('dfffffffff00')).toThrow(refused)
    expect(() => unpackHex('dbffffffff00')).toThrow(refused)
    expect(() => unpackHex('91'.repeat(100_000))).toThrow(refused)
  })

  test('a streamed value that stays incomplete past the limit is refused', () => {
    const unpacker = new Unpacker(limits)

    expect(() => {
      for (let i = 0; i < 5; i++) {
        unpacker.feed(i === 0 ? fromHex('95') : concatBytes(Uint8Array.of(0xbf), new Uint8Array(31)))
        unpacker.next()
      }
    }).toThrow(refused)
  })

  test('a large value arriving in small pieces takes linear time', () => {
    const packer = new Packer()
    packer.arrayHeader(200_000)
    for (let i = 0; i < 200_000; i++) packer.number(i)
    const bytes = packer.take()
    const unpacker = new Unpacker({ ...metadataLimits })
    let found: Unpacked | undefined

    const start = performance.now()
    for (let from = 0; from < bytes.length; from += 16) {
      unpacker.feed(bytes.subarray(from, from + 16))
      found = unpacker.next()?.value ?? found
    }

    expect(found).toHaveLength(200_000)
    // Quadratic re-parsing of 1 MB in 62 000 pieces would take minutes.
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})
