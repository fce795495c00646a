import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChunkRef } from '../../src/archive/item.ts'
import type { Statistics } from '../../src/archive/statistics.ts'
import { concatBytes, equalBytes, toHex, copyBytes } from '../../src/base/bytes.ts'
import { BorgError, isBorgError } from '../../src/base/errors.ts'
import { idKey, type ObjectId, objectId } from '../../src/base/ids.ts'
import type { ChunkerParams } from '../../src/chunker/chunker.ts'
import { idHash, nonceOf, open } from '../../src/crypto/envelope.ts'
import { generateKey } from '../../src/crypto/key-blob.ts'
import { ChunkWriter, type Renewal } from '../../src/dedup/chunk-writer.ts'
import { makeObjectReader } from '../../src/objects/object-reader.ts'
import type { ByteSource, HeldChunk, Lane } from '../../src/workers/lane.ts'
import { type LanePool, openLanes } from '../../src/workers/lane-pool.ts'
import { isSourceReadError } from '../../src/workers/source-read-error.ts'
import { CountingNonces, MemoryObjects } from '../objects/memory-objects.ts'
import { FakeHost } from '../support/fake-host.ts'
import { inputBytes } from '../support/vectors.ts'
import { MemoryFile, systemError } from '../workers/memory-file.ts'
import { MemoryCache } from './memory-cache.ts'

const host = new FakeHost()
const key = generateKey('repokey', objectId(new Uint8Array(32)), (length) => host.randomBytes(length))
const small: ChunkerParams = { algorithm: 'buzhash', minExponent: 6, maxExponent: 9, maskBits: 6, windowSize: 31 }
const blocks: ChunkerParams = { algorithm: 'fixed', blockSize: 100, headerSize: 0 }
const byteLimit = 100_000

/** Lanes whose sealing takes a while, as on threads: chunks overtake each other, the plaintext is copied before. */
function slowPool(lane: Lane, width: number): LanePool {
  const slowly = (held: HeldChunk): HeldChunk => ({
    id: held.id,
    size: held.size,
    allocation: held.allocation,
    blocksMax: held.blocksMax,
    drop: () => held.drop(),
    algorithm: () => held.algorithm(),
    async seal(nonce) {
      const sealed = held.seal(nonce)
      for (let i = (held.id[0] ?? 0) % 5; i >= 0; i--) await new Promise((resolve) => setImmediate(resolve))
      return sealed
    },
  })
  const slow: Lane = {
    async *chunk(source, params) {
      for await (const held of lane.chunk(source, params)) yield slowly(held)
    },
    hold: async (plain) => slowly(await lane.hold(plain)),
    open: (id, stored) => lane.open(id, stored),
    algorithmOf: (id, stored) => lane.algorithmOf(id, stored),
  }
  return { width, byteLimit, next: () => slow, async [Symbol.asyncDispose]() {} }
}

interface World {
  readonly objects: MemoryObjects
  readonly cache: MemoryCache
  readonly nonces: CountingNonces
  readonly statistics: Statistics
  readonly lanes: LanePool
  readonly writer: ChunkWriter
}

async function world(width = 1, options: { byteLimit?: number; renewal?: Renewal } = {}): Promise<World> {
  const inline = await openLanes(key, {
    threads: 0,
    byteLimit: options.byteLimit ?? byteLimit,
    compression: 'lz4',
    host,
  })
  const lanes = width === 1 ? inline : slowPool(inline.next(), width)
  const parts = {
    objects: new MemoryObjects(),
    cache: new MemoryCache(),
    nonces: new CountingNonces(),
    statistics: { originalSize: 0, compressedSize: 0, deduplicatedSize: 0, files: 0 },
    lanes,
  }
  return { ...parts, writer: new ChunkWriter({ ...parts, repository: parts.objects, renewal: options.renewal }) }
}

function file(bytes: Uint8Array): ByteSource {
  return { kind: 'file', file: new MemoryFile(bytes) }
}

function random(seed: string, len: number): Uint8Array {
  return inputBytes([{ gen: 'sha256ctr', seed, len }])
}

async function collect(refs: AsyncIterable<ChunkRef>): Promise<ChunkRef[]> {
  const all: ChunkRef[] = []
  for await (const ref of refs) all.push(ref)
  return all
}

async function contentOf({ objects, lanes }: World, refs: readonly ChunkRef[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const plain of makeObjectReader(objects.reader(), lanes).readMany(refs.map((ref) => ref.id)))
    parts.push(plain)
  return concatBytes(...parts)
}

function idOf(plain: Uint8Array): ObjectId {
  return idHash(key, plain)
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe.each([
  ['one inline lane', 1],
  ['lanes that finish out of order', 3],
])('with %s', (_, width) => {
  test('references come in file order and lead back to the content', async () => {
    const w = await world(width)
    const content = random('content', 20_000)

    const refs = await collect(w.writer.addStream(file(content), small))
    await w.writer.flush()

    expect(equalBytes(await contentOf(w, refs), content)).toBe(true)
    for (const ref of refs) {
      expect(w.objects.stored.get(idKey(ref.id))?.length).toBe(ref.storedSize)
      expect(w.cache.find(ref.id)).toMatchObject({ size: ref.size, storedSize: ref.storedSize })
    }
  })

  test('known chunks are referenced, not stored', async () => {
    const w = await world(width)
    const content = random('content', 10_000)
    const first = await collect(w.writer.addStream(file(content), small))
    await w.writer.flush()
    const puts = w.objects.calls.length
    const unique = w.statistics.deduplicatedSize

    const second = await collect(w.writer.addStream(file(content), small))

    expect(second).toEqual(first)
    expect(w.objects.calls.length).toBe(puts)
    expect(w.cache.referencesOf((first[0] as ChunkRef).id)).toBe(2)
    expect(w.statistics).toEqual({
      originalSize: 20_000,
      compressedSize: 2 * unique,
      deduplicatedSize: unique,
      files: 0,
    })
  })

  test('chunks of somebody else are stored as they are cut', async () => {
    const w = await world(width)
    const plains = [random('a', 100), random('b', 5000), random('a', 100)]
    async function* cut(): AsyncGenerator<Uint8Array> {
      for (const plain of plains) yield copyBytes(plain)
    }

    const refs = await collect(w.writer.addChunks(cut()))
    await w.writer.flush()

    expect(refs.map((ref) => ref.size)).toEqual([100, 5000, 100])
    expect(equalBytes(await contentOf(w, refs), concatBytes(...plains))).toBe(true)
    expect(w.objects.stored.size).toBe(2)
  })

  test('a known chunk is stored anew where that is wanted: once, under other counters, with the references it had', async () => {
    const seen = new Set<string>()
    const renewed = idOf(random('twin', 100))
    const renewal: Renewal = {
      isFirst: (id) => !seen.has(idKey(id)) && seen.add(idKey(id)).has(idKey(id)),
      wants: async (held) => {
        expect(await held.algorithm()).toBe('none')
        return idKey(held.id) === idKey(renewed)
      },
    }
    const w = await world(width, { renewal })
    const content = concatBytes(random('twin', 100), random('other', 100), random('twin', 100))
    await collect(w.writer.addStream(file(content), blocks))
    await w.writer.flush()
    const first = w.objects.stored.get(idKey(renewed)) as Uint8Array
    seen.clear()
    const puts = w.objects.calls.length

    const refs = await collect(w.writer.addStream(file(content), blocks))
    await w.writer.flush()

    expect(w.objects.calls.slice(puts)).toEqual([`put ${idKey(renewed)}`])
    expect(w.cache.referencesOf(renewed)).toBe(4)
    const second = nonceOf(w.objects.stored.get(idKey(renewed)) as Uint8Array)
    expect(second?.nonce).toBeGreaterThan(nonceOf(first)?.nonce ?? 0n)
    expect(equalBytes(await contentOf(w, refs), content)).toBe(true)
    expect(w.statistics.originalSize).toBe(600)
  })

  test('twins inside one file and across files under way are stored once', async () => {
    const w = await world(width)
    const block = random('twin', 100)
    const content = concatBytes(block, block, random('other', 100), block)

    const [a, b] = await Promise.all([
      collect(w.writer.addStream(file(content), blocks)),
      collect(w.writer.addStream(file(content), blocks)),
    ])
    await w.writer.flush()

    expect(a).toEqual(b)
    expect(w.objects.calls.filter((call) => call === `put ${idKey(idOf(block))}`).length).toBe(1)
    expect(w.cache.referencesOf(idOf(block))).toBe(6)
    expect(w.statistics.originalSize).toBe(800)
    expect(w.statistics.deduplicatedSize).toBe(
      [...w.objects.stored.values()].reduce((sum, { length }) => sum + length, 0),
    )
  })

  test('no two objects share cipher blocks', async () => {
    const w = await world(width)
    await Promise.all(['a', 'b', 'c'].map((seed) => collect(w.writer.addStream(file(random(seed, 5000)), small))))
    await w.writer.flush()

    const ranges = [...w.objects.stored.values()]
      .map((stored) => nonceOf(stored) as { nonce: bigint; blocks: bigint })
      .sort((a, b) => (a.nonce < b.nonce ? -1 : 1))
    for (const [i, { nonce }] of ranges.entries()) {
      const before = ranges[i - 1]
      if (before !== undefined) expect(before.nonce + before.blocks).toBeLessThanOrEqual(nonce)
    }
    expect(ranges.length).toBeGreaterThan(30)
  })

  test('a source that breaks is a source error, whatever the code says, and the run goes on', async () => {
    const w = await world(width)
    const content = random('content', 3000)
    const broken = new MemoryFile(content, { readSize: 300, failAt: 1500, error: systemError('ENOSPC', 'read') })
    const seen: ChunkRef[] = []
    const failure = await errorOf(
      (async () => {
        for await (const ref of w.writer.addStream({ kind: 'file', file: broken }, small)) seen.push(ref)
      })(),
    )

    expect(isSourceReadError(failure)).toBe(true)
    await w.writer.release(seen)
    expect(w.cache.entries.size).toBe(0)
    expect(w.objects.stored.size).toBe(0)
    expect(w.statistics).toEqual({ originalSize: 0, compressedSize: 0, deduplicatedSize: 0, files: 0 })
    const again = await collect(w.writer.addStream(file(content), small))
    expect(equalBytes(await contentOf(w, again), content)).toBe(true)
  })

  test('a consumer that stops early keeps only what it was given', async () => {
    const w = await world(width)
    const seen: ChunkRef[] = []
    for await (const ref of w.writer.addStream(file(random('content', 5000)), blocks)) {
      seen.push(ref)
      if (seen.length === 4) break
    }
    await w.writer.flush()

    expect([...w.cache.entries.keys()].sort()).toEqual(seen.map((ref) => idKey(ref.id)).sort())
    expect(w.objects.stored.size).toBe(4)
    expect(w.statistics.originalSize).toBe(400)
  })

  test('a repository that refuses a put stops everything after it, and is never taken for the source', async () => {
    const w = await world(width)
    const full = systemError('ENOSPC', 'write')
    w.objects.onPut = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      throw full
    }
    const failure = await errorOf(
      (async () => {
        for (;;) await collect(w.writer.addStream(file(host.randomBytes(1000)), blocks))
      })(),
    )

    expect(failure).toBe(full)
    expect(isSourceReadError(failure)).toBe(false)
    for (const later of [
      () => w.writer.flush(),
      () => w.writer.add(new Uint8Array(1)),
      () => collect(w.writer.addStream(file(random('x', 100)), blocks)),
      () => w.writer.release([]),
    ]) {
      expect(await errorOf(later())).toBe(full)
    }
    expect(() => w.writer.reuse([])).toThrow(full)
  })

  test('a nonce ledger that fails stops everything too', async () => {
    const w = await world(width)
    const broken = new BorgError('LockError', ['ledger'])
    w.nonces.take = async () => {
      throw broken
    }

    expect(await errorOf(collect(w.writer.addStream(file(random('x', 1000)), blocks)))).toBe(broken)
    expect(await errorOf(w.writer.flush())).toBe(broken)
    expect(w.objects.stored.size).toBe(0)
  })
})

test('flush waits for the repository, and reports a refusal nobody has seen', async () => {
  const w = await world()
  let accept = (): void => {}
  const accepted = new Promise<void>((resolve) => {
    accept = resolve
  })
  w.objects.onPut = () => accepted
  await w.writer.add(random('x', 100))
  let flushed = false
  const flush = w.writer.flush().then(() => {
    flushed = true
  })

  await new Promise((resolve) => setImmediate(resolve))
  expect(flushed).toBe(false)
  accept()
  await flush
  expect(flushed).toBe(true)

  const refused = new BorgError('Repository.StorageQuotaExceeded', ['1', '2'])
  w.objects.onPut = async () => {
    throw refused
  }
  await w.writer.add(random('y', 100))
  expect(await errorOf(w.writer.flush())).toBe(refused)
})

test('bytes handed to a slow repository stay within the lanes’ limit', async () => {
  const w = await world(1, { byteLimit: 1000 })
  w.objects.onPut = () => new Promise((resolve) => setImmediate(resolve))

  await collect(w.writer.addStream(file(random('content', 50_000)), blocks))
  await w.writer.flush()

  expect(w.objects.puttingMax).toBeGreaterThan(500)
  expect(w.objects.puttingMax).toBeLessThanOrEqual(1000)
})

describe('metadata', () => {
  test('is stored and deduplicated, and not counted', async () => {
    const w = await world()
    const plain = random('metadata', 500)

    const first = await w.writer.add(plain)
    const second = await w.writer.add(plain)

    expect(second).toEqual(first)
    expect(first).toMatchObject({ size: 500, storedSize: w.objects.stored.get(idKey(first.id))?.length })
    expect(w.cache.referencesOf(first.id)).toBe(2)
    expect(w.statistics).toEqual({ originalSize: 0, compressedSize: 0, deduplicatedSize: 0, files: 0 })
  })

  test('may be overwritten by the caller as soon as it is added', async () => {
    const w = await world()
    const plain = random('metadata', 500)
    const before = toHex(plain)
    const { id } = await w.writer.add(plain)
    plain.fill(0)
    await w.writer.flush()

    expect(toHex(await open(key, id, w.objects.stored.get(idKey(id)) as Uint8Array))).toBe(before)
  })
})

describe('content known to be unchanged', () => {
  test('is referenced and counted without being read', async () => {
    const w = await world()
    const refs = await collect(w.writer.addStream(file(random('content', 1000)), blocks))
    const ids = [...refs.map((ref) => ref.id), (refs[0] as ChunkRef).id]
    const statistics = { originalSize: 0, compressedSize: 0, deduplicatedSize: 0, files: 0 }

    expect(w.writer.reuse(ids)).toEqual([...refs, refs[0]])
    expect(w.writer.reuse(ids, statistics)).toEqual([...refs, refs[0]])

    expect(w.cache.referencesOf((refs[0] as ChunkRef).id)).toBe(5)
    expect(w.statistics.originalSize).toBe(2100)
    expect(statistics).toMatchObject({ originalSize: 1100, deduplicatedSize: 0 })
  })

  test('is referenced not at all when one chunk is missing', async () => {
    const w = await world()
    const [ref] = await collect(w.writer.addStream(file(random('content', 100)), blocks))
    const before = structuredClone([...w.cache.entries])

    expect(w.writer.reuse([(ref as ChunkRef).id, idOf(random('missing', 10))])).toBeUndefined()
    expect([...w.cache.entries]).toEqual(before)
    expect(w.statistics.originalSize).toBe(100)
  })
})

test('released references leave shared chunks and delete lone ones, never before their own put', async () => {
  const w = await world()
  w.objects.onPut = async () => {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  const shared = random('shared', 100)
  const kept = await collect(w.writer.addStream(file(shared), blocks))
  const given = await collect(w.writer.addStream(file(concatBytes(shared, random('lone', 100))), blocks))

  await w.writer.release(given)

  expect([...w.cache.entries.keys()]).toEqual(kept.map((ref) => idKey(ref.id)))
  expect([...w.objects.stored.keys()]).toEqual(kept.map((ref) => idKey(ref.id)))
  expect(w.statistics.originalSize).toBe(100)
  expect(w.statistics.deduplicatedSize).toBe((kept[0] as ChunkRef).storedSize)
})

test('a delete the repository refuses is the repository’s failure', async () => {
  const w = await world()
  const refs = await collect(w.writer.addStream(file(random('x', 100)), blocks))
  const refused = systemError('EIO', 'write')
  w.objects.onDelete = async () => {
    throw refused
  }

  expect(await errorOf(w.writer.release(refs))).toBe(refused)
  expect(await errorOf(w.writer.flush())).toBe(refused)
})

describe('a chunk the cache knows with another size', () => {
  test('is never referenced: one of the two is not what its id says', async () => {
    const w = await world()
    const plain = random('x', 100)
    w.cache.add(idOf(plain), 99, 50)

    const failure = await errorOf(w.writer.add(plain))

    expect(isBorgError(failure, 'IntegrityError')).toBe(true)
    expect(w.cache.referencesOf(idOf(plain))).toBe(1)
  })

  test('is referenced when the cache knows no sizes at all', async () => {
    const w = await world()
    const plain = random('x', 100)
    w.cache.add(idOf(plain), 0, 0)

    expect(await w.writer.add(plain)).toEqual({ id: idOf(plain), size: 100, storedSize: 0 })
  })
})

test('whatever files come in, each leads back to its content and every chunk is stored once', async () => {
  const anyFiles = fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 6 }), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(anyFiles, fc.constantFrom(1, 2, 4), async (files, width) => {
      const w = await world(width)
      const contents = files.map((seeds) => concatBytes(...seeds.map((seed) => random(seed, 100))))
      const written = await Promise.all(contents.map((content) => collect(w.writer.addStream(file(content), blocks))))
      await w.writer.flush()

      for (const [i, content] of contents.entries())
        expect(toHex(await contentOf(w, written[i] ?? []))).toBe(toHex(content))
      expect(w.objects.calls.filter((call) => call.startsWith('put')).length).toBe(new Set(files.flat()).size)
      const references = [...w.cache.entries.values()].reduce((sum, entry) => sum + entry.references, 0)
      expect(references).toBe(files.flat().length)
    }),
    { numRuns: 60 },
  )
})
