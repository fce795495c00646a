import { describe, expect, test } from 'vitest'
import { equalBytes, toHex } from '../../src/base/bytes.ts'
import { BorgError, isBorgError } from '../../src/base/errors.ts'
import { manifestId, type ObjectId, objectId } from '../../src/base/ids.ts'
import { idHash } from '../../src/crypto/envelope.ts'
import { generateKey } from '../../src/crypto/key-blob.ts'
import type { KeyMaterial } from '../../src/crypto/key-material.ts'
import { makeObjectReader } from '../../src/objects/object-reader.ts'
import { putObject } from '../../src/objects/object-writer.ts'
import { type LanePool, openLanes } from '../../src/workers/lane-pool.ts'
import type { Lane } from '../../src/workers/lane.ts'
import { FakeHost } from '../support/fake-host.ts'
import { inputBytes } from '../support/vectors.ts'
import { CountingNonces, MemoryObjects } from './memory-objects.ts'

const host = new FakeHost()
const key: KeyMaterial = generateKey('repokey-blake2', objectId(new Uint8Array(32)), (length) =>
  host.randomBytes(length),
)
const inline = await openLanes(key, { threads: 0, byteLimit: 1_000_000, compression: 'lz4', host })

/** A pool as wide as threads will make it: opening takes a while, and ends in any order. */
function widePool(width: number, byteLimit: number): LanePool & { opened: number; openMax: number } {
  const lane = inline.next()
  const pool = {
    width,
    byteLimit,
    opened: 0,
    openMax: 0,
    next: (): Lane => ({
      chunk: (source, params) => lane.chunk(source, params),
      hold: (plain) => lane.hold(plain),
      algorithmOf: (id, stored) => lane.algorithmOf(id, stored),
      async open(id, stored) {
        pool.opened += 1
        pool.openMax = Math.max(pool.openMax, pool.opened)
        for (let i = stored[40] ?? 0; i > 0; i -= 50) await new Promise((resolve) => setImmediate(resolve))
        pool.opened -= 1
        return lane.open(id, stored)
      },
    }),
    async [Symbol.asyncDispose]() {},
  }
  return pool
}

async function repositoryWith(
  count: number,
): Promise<{ objects: MemoryObjects; ids: ObjectId[]; plains: Uint8Array[] }> {
  const objects = new MemoryObjects()
  const parts = { repository: objects, lane: inline.next(), nonces: new CountingNonces() }
  const plains = Array.from({ length: count }, (_, i) =>
    inputBytes([{ gen: 'sha256ctr', seed: `object ${i}`, len: 100 + 7 * i }]),
  )
  const ids = plains.map((plain) => idHash(key, plain))
  for (const [i, plain] of plains.entries()) await putObject(parts, ids[i] as ObjectId, plain)
  return { objects, ids, plains }
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<{ seen: string[]; error: unknown }> {
  const seen: string[] = []
  try {
    for await (const plain of stream) seen.push(toHex(plain))
  } catch (error) {
    return { seen, error }
  }
  return { seen, error: undefined }
}

const pools: readonly (readonly [string, () => LanePool])[] = [
  ['one inline lane', () => inline],
  ['lanes that finish out of order', () => widePool(3, 1_000_000)],
  ['hardly any memory', () => widePool(3, 200)],
]

describe.each(pools)('reading with %s', (_, pool) => {
  test('gives every object in the order asked, twice when asked twice', async () => {
    const { objects, ids, plains } = await repositoryWith(40)
    const reader = makeObjectReader(objects.reader(), pool())
    const asked = [...ids, ...ids.slice(0, 5).reverse()]
    const expected = [...plains, ...plains.slice(0, 5).reverse()].map((plain) => toHex(plain))

    expect(await collect(reader.readMany(asked))).toEqual({ seen: expected, error: undefined })
    const lazy = (async function* () {
      yield* asked
    })()
    expect(await collect(reader.readMany(lazy))).toEqual({ seen: expected, error: undefined })
  })

  test('a missing object ends the stream after all before it', async () => {
    const { objects, ids, plains } = await repositoryWith(20)
    objects.stored.delete(toHex(ids[12] as ObjectId))

    const { seen, error } = await collect(makeObjectReader(objects.reader(), pool()).readMany(ids))

    expect(seen).toEqual(plains.slice(0, 12).map((plain) => toHex(plain)))
    expect(isBorgError(error, 'Repository.ObjectNotFound')).toBe(true)
  })

  test('a damaged object ends the stream after all before it, and nothing behind it gets out', async () => {
    const { objects, ids, plains } = await repositoryWith(20)
    const damaged = objects.stored.get(toHex(ids[7] as ObjectId)) as Uint8Array
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1

    const { seen, error } = await collect(makeObjectReader(objects.reader(), pool()).readMany(ids))

    expect(seen).toEqual(plains.slice(0, 7).map((plain) => toHex(plain)))
    expect(isBorgError(error, 'IntegrityError')).toBe(true)
  })

  test('a consumer that stops early ends the reading below', async () => {
    const { objects, ids } = await repositoryWith(20)
    for await (const _plain of makeObjectReader(objects.reader(), pool()).readMany(ids)) break

    expect(objects.getManyEnded).toBe(true)
    expect(objects.calls.filter((call) => call.startsWith('get')).length).toBeLessThan(10)
  })
})

test('bytes under way stay within the limit, and several objects are opened at a time', async () => {
  const { objects, ids } = await repositoryWith(40)
  const roomy = widePool(3, 1_000_000)
  await collect(makeObjectReader(objects.reader(), roomy).readMany(ids))
  const tight = widePool(3, 300)
  await collect(makeObjectReader(objects.reader(), tight).readMany(ids))

  expect(roomy.openMax).toBeGreaterThan(2)
  expect(tight.openMax).toBeLessThanOrEqual(2)
})

test('one object is read by its id', async () => {
  const { objects, ids, plains } = await repositoryWith(3)
  const reader = makeObjectReader(objects.reader(), inline)

  expect(equalBytes(await reader.read(ids[1] as ObjectId), plains[1] as Uint8Array)).toBe(true)
  await expect(reader.read(objectId(new Uint8Array(32).fill(1)))).rejects.toSatisfy((error) =>
    isBorgError(error, 'Repository.ObjectNotFound'),
  )
})

test('the manifest is read although its id is no hash', async () => {
  const objects = new MemoryObjects()
  const plain = new Uint8Array(500).fill(3)
  const storedSize = await putObject(
    { repository: objects, lane: inline.next(), nonces: new CountingNonces() },
    manifestId,
    plain,
  )
  const reader = makeObjectReader(objects.reader(), inline)

  expect(toHex(await reader.read(manifestId))).toBe(toHex(plain))
  expect((await collect(reader.readMany([manifestId]))).seen).toEqual([toHex(plain)])
  expect(objects.stored.get(toHex(manifestId))?.length).toBe(storedSize)
})

test('two objects never share cipher blocks', async () => {
  const objects = new MemoryObjects()
  const nonces = new CountingNonces()
  const parts = { repository: objects, lane: inline.next(), nonces }
  for (let i = 0; i < 3; i++) await putObject(parts, manifestId, new Uint8Array(100))

  expect(nonces.taken.every(({ blocks }) => blocks >= Math.ceil(102 / 16))).toBe(true)
  expect(new Set(nonces.taken.map(({ first }) => first)).size).toBe(3)
})

test('what the repository says about a put reaches the caller', async () => {
  const objects = new MemoryObjects()
  objects.onPut = async () => {
    throw new BorgError('Repository.StorageQuotaExceeded', ['1', '2'])
  }
  const put = putObject(
    { repository: objects, lane: inline.next(), nonces: new CountingNonces() },
    manifestId,
    new Uint8Array(1),
  )
  await expect(put).rejects.toSatisfy((error) => isBorgError(error, 'Repository.StorageQuotaExceeded'))
})
