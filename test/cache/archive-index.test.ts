import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { countArchive, fillStoredSizes, ItemCounter } from '../../src/cache/archive-index.ts'
import { HashIndex } from '../../src/format/hash-index.ts'
import { pack } from '../../src/format/msgpack-encode.ts'
import { loadFixture } from '../support/vectors.ts'
import { RepositoryWorld } from './world.ts'

interface Acceptance {
  name: string
  msgpack_hex: string
  cache_sync: 'ok' | 'rejected'
  cache_sync_entries?: number
}
const { reader_acceptance, items } = loadFixture<{
  reader_acceptance: Acceptance[]
  items: { name: string; msgpack_hex: string; decoded: { map: [{ s?: string }, unknown][] } }[]
}>('vectors/items.json')

function countOf(...pieces: readonly Uint8Array[]): HashIndex {
  const index = HashIndex.create(3)
  const counter = new ItemCounter(index)
  for (const piece of pieces) counter.feed(piece)
  counter.finish()
  return index
}

describe('items are counted or refused as by borg’s own parser', () => {
  test.each(reader_acceptance)('$name: $cache_sync', ({ msgpack_hex, cache_sync, cache_sync_entries }) => {
    const count = (): number => countOf(fromHex(msgpack_hex)).size

    if (cache_sync === 'ok') expect(count()).toBe(cache_sync_entries)
    else expect(count).toThrow(expect.objectContaining({ code: 'IntegrityError' }))
  })

  test.each(items.filter(({ decoded }) => decoded !== undefined))('$name', ({ msgpack_hex, decoded }) => {
    const chunks = (decoded.map.find(([key]) => key.s === 'chunks')?.[1] ?? []) as [{ b: string }, number, number][]

    const index = countOf(fromHex(msgpack_hex))

    expect(index.size).toBe(new Set(chunks.map(([{ b }]) => b)).size)
    for (const [{ b }, size, storedSize] of chunks) {
      const slot = index.find(fromHex(b) as Parameters<typeof index.find>[0])
      expect([index.word(slot, 1), index.word(slot, 2)]).toEqual([size, storedSize])
    }
  })
})

test('a stream cut anywhere gives the same counts', () => {
  const id = new Uint8Array(32).fill(1)
  const item = pack(
    new Map<string, never>([
      [
        'chunks',
        [
          [id, 5, 3],
          [id, 5, 3],
        ] as never,
      ],
      ['path', 'x' as never],
    ]),
  )
  const stream = Uint8Array.from([...item, ...item, ...item])

  for (let cut = 0; cut <= stream.length; cut++) {
    const index = countOf(stream.slice(0, cut), stream.slice(cut))
    expect(index.word(index.nextSlot(-1), 0)).toBe(6)
  }
})

test('a stream that ends inside an item is refused', () => {
  const stream = pack(new Map([['path', 'x']]))

  expect(() => countOf(stream.slice(0, -1))).toThrow(expect.objectContaining({ code: 'IntegrityError' }))
})

test('an archive refers to its record, its item stream and its content', async () => {
  const world = new RepositoryWorld()
  const archive = await world.addArchive('a', ['one', 'two', 'one'])
  const index = HashIndex.create(3)

  await countArchive(world.source, archive, index)

  const counts = new Map([...index.keys()].map((id) => [toHex(id), index.word(index.find(id), 0)]))
  expect([...counts.keys()].sort()).toEqual([...world.objects.keys()].sort())
  expect(counts.get(toHex(world.put(new TextEncoder().encode('one')).id))).toBe(2)
  expect(counts.get(toHex(archive))).toBe(1)
  for (const id of index.keys()) {
    expect(index.word(index.find(id), 2)).toBe(world.objects.get(toHex(id))?.length)
  }
})

test('sizes that an archive does not say are asked of the repository; lost objects keep 0', async () => {
  const world = new RepositoryWorld()
  const archive = await world.addArchive('a', ['one', 'two'], { unknownSizes: true })
  const lost = toHex(world.put(new TextEncoder().encode('two')).id)
  world.objects.delete(lost)
  const index = HashIndex.create(3)

  await countArchive(world.source, archive, index)
  await fillStoredSizes(world.source, index)

  for (const id of index.keys()) {
    expect(index.word(index.find(id), 2)).toBe(world.objects.get(toHex(id))?.length ?? 0)
  }
})

test('an archive whose item stream is lost is not counted', async () => {
  const world = new RepositoryWorld()
  const archive = await world.addArchive('a', ['one'])
  for (const id of [...world.objects.keys()]) if (id !== toHex(archive)) world.objects.delete(id)

  await expect(countArchive(world.source, archive, HashIndex.create(3))).rejects.toMatchObject({
    code: 'Repository.ObjectNotFound',
  })
})
