import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, fromHex, toHex } from '../../src/base/bytes.ts'
import { nanoseconds, type ObjectId, objectId } from '../../src/base/ids.ts'
import { type FilesCacheMode, keeps, PackedFilesCache } from '../../src/cache/files-cache.ts'
import { filesCacheModeLetters, parseFilesCacheMode } from '../../src/cache/files-cache-mode.ts'
import { decodeBigInteger, metadataLimits, type Unpacked, Unpacker } from '../../src/format/msgpack-decode.ts'
import { pack } from '../../src/format/msgpack-encode.ts'
import type { Stat } from '../../src/platform/file-system.ts'
import { type InputPart, inputBytes, loadFixture } from '../support/vectors.ts'

const vectors = loadFixture<{
  files_cache_entries: { name: string; msgpack_hex: string }[]
  files_cache_stream_hex: string
  save_filter: { newest_cmtime: string; ttl: number; rows: [number, string, boolean][] }[]
  compare_table: { rows: [string, string, boolean, boolean][] }
}>('vectors/cache.json')

function id(seed: string): ObjectId {
  const parts: InputPart[] = [{ gen: 'sha256ctr', seed, len: 32 }]
  return objectId(inputBytes(parts))
}

function statOf(change: Partial<Stat> = {}): Stat {
  return {
    kind: 'file',
    mode: 0o100644,
    uid: 0,
    gid: 0,
    links: 1,
    device: 1n,
    inode: 5n,
    rawDevice: 0,
    size: 10,
    changed: nanoseconds(100n),
    modified: nanoseconds(200n),
    accessed: nanoseconds(0n),
    ...change,
  }
}

interface Entry {
  readonly hash: string
  readonly age: number
  readonly inode: bigint
  readonly size: number
  readonly time: bigint
  readonly chunks: readonly string[]
}

function entriesOf(file: Uint8Array): Entry[] {
  const unpacker = new Unpacker(metadataLimits)
  unpacker.feed(file)
  const entries: Entry[] = []
  for (let next = unpacker.next(); next !== undefined; next = unpacker.next()) {
    const [hash, [age, inode, size, time, chunks]] = next.value as [
      Uint8Array,
      [number, number | bigint, number, Unpacked, Uint8Array[]],
    ]
    entries.push({
      hash: toHex(hash),
      age,
      inode: BigInt(inode),
      size,
      time: decodeBigInteger(time),
      chunks: chunks.map(toHex),
    })
  }
  expect(unpacker.pending).toBe(0)
  return entries
}

function saved(cache: PackedFilesCache): Uint8Array {
  return concatBytes(...cache.pieces())
}

const modeOfLetters = new Map(
  Object.entries(filesCacheModeLetters).map(([mode, letters]) => [letters, mode as FilesCacheMode]),
)

describe('borg’s own entries', () => {
  test('are read, grow one older, and are written back otherwise unchanged', () => {
    const file = fromHex(vectors.files_cache_stream_hex)
    const cache = new PackedFilesCache('ctime,size,inode', { ageMax: 100 })

    cache.load(file)

    const older = entriesOf(file).map((entry) => ({ ...entry, age: entry.age + 1 }))
    const byHash = (a: Entry, b: Entry): number => (a.hash < b.hash ? -1 : 1)
    expect(cache.count).toBe(vectors.files_cache_entries.length)
    expect(entriesOf(saved(cache)).sort(byHash)).toEqual(older.sort(byHash))
  })

  test('keep their bytes apart from the age', () => {
    for (const { name, msgpack_hex } of vectors.files_cache_entries) {
      const cache = new PackedFilesCache('ctime,size,inode', { ageMax: 100 })
      cache.load(fromHex(msgpack_hex))
      // 92 | da0020 hash | 95 | age
      const age = Number.parseInt(msgpack_hex.slice(74, 76), 16) + 1
      const expected = msgpack_hex.slice(0, 74) + age.toString(16).padStart(2, '0') + msgpack_hex.slice(76)
      expect(toHex(saved(cache)), name).toBe(expected)
    }
  })
})

describe('what is saved', () => {
  test.each(
    vectors.save_filter.flatMap(({ newest_cmtime, ttl, rows }) =>
      rows.map(([age, time, kept]) => [age, time, newest_cmtime, ttl, kept] as const),
    ),
  )('age %i, time %s, newest %s, at most %i runs: %s', (age, time, newest, ageMax, kept) => {
    expect(keeps({ age, time: BigInt(time), newest: BigInt(newest), ageMax })).toBe(kept)
  })

  test('leaves out the newest files remembered, and only them', () => {
    const cache = new PackedFilesCache('ctime,size,inode')
    cache.remember(id('old'), statOf({ changed: nanoseconds(1000n) }), [])
    cache.remember(id('new 1'), statOf({ changed: nanoseconds(2000n) }), [])
    cache.remember(id('new 2'), statOf({ changed: nanoseconds(2000n) }), [])

    expect(entriesOf(saved(cache)).map(({ hash }) => hash)).toEqual([toHex(id('old'))])
  })

  test('keeps a file that was recognised even if none was remembered', () => {
    const cache = new PackedFilesCache('ctime,size,inode')
    cache.load(pack([id('p'), [3, 5, 10, 100n, [id('c')]]]))

    cache.lookup(id('p'), statOf())

    expect(entriesOf(saved(cache))).toMatchObject([{ age: 0, hash: toHex(id('p')) }])
  })

  test('forgets a file that was not seen for as many runs as asked for', () => {
    let file = pack([id('p'), [0, 5, 10, 100n, [id('c')]]])
    let runs = 0
    while (file.length > 0) {
      const cache = new PackedFilesCache('ctime,size,inode', { ageMax: 4 })
      cache.load(file)
      file = saved(cache)
      runs += 1
    }

    expect(runs).toBe(4)
  })

  test('times are clamped to what archives can hold', () => {
    const cache = new PackedFilesCache('mtime,size')
    cache.remember(id('before'), statOf({ modified: nanoseconds(-5n) }), [])
    cache.remember(id('after'), statOf({ modified: nanoseconds(2n ** 63n - 1n) }), [])

    expect(entriesOf(saved(cache))).toMatchObject([{ hash: toHex(id('before')), time: 0n }])
  })
})

describe('what counts as unchanged', () => {
  test.each(vectors.compare_table.rows)('mode %s, %s: known %s, unchanged %s', (letters, what, known, unchanged) => {
    const mode = modeOfLetters.get(letters) as FilesCacheMode
    const time = letters.includes('m') && !letters.includes('c') ? 200n : 100n
    const cache = new PackedFilesCache(mode)
    cache.load(pack([id('p'), [0, 5, 10, time, [id('c')]]]))
    const change: Partial<Stat> =
      what === 'size'
        ? { size: 11 }
        : what === 'inode'
          ? { inode: 6n }
          : what === 'ctime'
            ? { changed: nanoseconds(101n) }
            : what === 'mtime'
              ? { modified: nanoseconds(201n) }
              : what === 'not a regular file'
                ? { kind: 'directory' }
                : {}

    const found = cache.lookup(what === 'unknown path' ? id('q') : id('p'), statOf(change))

    expect(found.known).toBe(known)
    expect(found.known && found.unchanged).toBe(unchanged)
    if (found.known && found.unchanged) expect(found.chunks.map(toHex)).toEqual([toHex(id('c'))])
  })

  test('a match under another inode is kept with the new inode', () => {
    const cache = new PackedFilesCache('ctime,size')
    cache.load(pack([id('p'), [0, 5, 10, 100n, [id('c')]]]))

    cache.lookup(id('p'), statOf({ inode: 2n ** 63n + 9n }))

    expect(entriesOf(saved(cache))).toMatchObject([
      { age: 0, inode: 2n ** 63n + 9n, time: 100n, chunks: [toHex(id('c'))] },
    ])
  })

  test('mode rechunk recognises nothing but remembers', () => {
    const cache = new PackedFilesCache('rechunk,mtime')
    cache.remember(id('p'), statOf({ modified: nanoseconds(7n) }), [id('c')])
    cache.remember(id('q'), statOf({ modified: nanoseconds(8n) }), [id('c')])

    expect(cache.lookup(id('p'), statOf())).toEqual({ known: false })
    expect(entriesOf(saved(cache))).toMatchObject([{ time: 7n }])
  })

  test('mode disabled neither recognises nor remembers', () => {
    const cache = new PackedFilesCache('disabled')
    cache.remember(id('p'), statOf(), [id('c')])

    expect(cache.lookup(id('p'), statOf())).toEqual({ known: false })
    expect(saved(cache).length).toBe(0)
  })

  test('any set of files is recognised again in the next run, with all its chunks', () => {
    const files = fc.uniqueArray(
      fc.record({
        path: fc.string(),
        size: fc.nat(),
        inode: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        changed: fc.bigInt({ min: 0n, max: 2n ** 60n }),
        chunks: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 }),
      }),
      { selector: ({ path }) => path, maxLength: 50 },
    )
    fc.assert(
      fc.property(files, (all) => {
        const first = new PackedFilesCache('ctime,size,inode')
        const statFor = (file: (typeof all)[number]): Stat =>
          statOf({ size: file.size, inode: file.inode, changed: nanoseconds(file.changed) })
        for (const file of all) {
          first.remember(
            id(file.path),
            statFor(file),
            file.chunks.map((chunk) => objectId(new Uint8Array(32).fill(chunk))),
          )
        }
        first.remember(id('\0newest'), statOf({ changed: nanoseconds(2n ** 61n) }), [])
        const next = new PackedFilesCache('ctime,size,inode')
        next.load(saved(first))
        for (const file of all) {
          const found = next.lookup(id(file.path), statFor(file))
          expect(found).toMatchObject({ known: true, unchanged: true })
          if (found.known && found.unchanged) expect(found.chunks.map((chunk) => chunk[0])).toEqual(file.chunks)
        }
      }),
    )
  })
})

test.each([
  ['not a list', '01'],
  ['a short hash', '92a16195000501cd006490'],
  ['too few fields', `92da0020${'11'.repeat(32)}9400050164`],
  ['a chunk id of 31 bytes', `92da0020${'11'.repeat(32)}9500050164${`91bf${'22'.repeat(31)}`}`],
  ['cut off', `92da0020${'11'.repeat(32)}95000501`],
])('a file with %s is refused', (_, hex) => {
  expect(() => new PackedFilesCache('ctime,size,inode').load(fromHex(hex))).toThrow(
    expect.objectContaining({ code: 'IntegrityError' }),
  )
})

describe('modes are parsed as borg parses them', () => {
  const parsing = loadFixture<{ files_cache_modes: [string, string | null][] }>('vectors/parsing.json')
  const misc = loadFixture<{ files_cache: [string, string][] }>('cli/misc-vectors.json')

  test.each(parsing.files_cache_modes)('%s: %s', (text, letters) => {
    if (letters === null) expect(() => parseFilesCacheMode(text)).toThrow(RangeError)
    else expect(filesCacheModeLetters[parseFilesCacheMode(text)]).toBe(letters)
  })

  test.each(misc.files_cache)('%s: %s', (text, expected) => {
    const error = /^ERROR ArgumentTypeError: (.*)$/.exec(expected)?.[1]
    if (error !== undefined) expect(() => parseFilesCacheMode(text)).toThrow(error)
    else expect(filesCacheModeLetters[parseFilesCacheMode(text)]).toBe(expected)
  })
})
