/**
 * Segments larger than a part: what is held, what is read back before they are sealed, and what failures leave.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import { storePath } from '../../src/base/ids.ts'
import { S3Store } from '../../src/s3/s3-store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { S3Server } from '../support/s3-server.ts'

const MiB = 1024 * 1024
const path = storePath('data/0/7')
const key = 'data/0/7'
/** Three parts and a bit. */
const content = Buffer.from(Uint8Array.from({ length: 16 * MiB + 12_345 }, (_, i) => (i * 31 + (i >> 12)) & 0xff))

let server: S3Server
beforeAll(async () => {
  server = await S3Server.start()
})
afterAll(() => server.stop())
beforeEach(() => {
  server.world.objects().clear()
  server.world.uploads.clear()
  server.world.canCopyParts = true
  server.fault = undefined
  server.seen.length = 0
})

function openStore(attemptsMax = 2): S3Store {
  const host = new FakeHost({ startNanoseconds: BigInt(Date.now()) * 1_000_000n })
  const { endpoint, credentials } = server
  return new S3Store(
    { endpoint, bucket: 'bucket', prefix: '' },
    { credentials, host, attemptsMax, partSize: 5 * MiB, storageClass: 'STANDARD_IA' },
  )
}

/** Two parts at most wait while more is written: so from 16 MiB on the first one has arrived for sure. */
async function written(store: S3Store, end = content.length): Promise<Awaited<ReturnType<S3Store['append']>>> {
  const file = await store.append(path)
  for (let at = 0; at < end; at += MiB) await file.write(content.subarray(at, Math.min(end, at + MiB)))
  return file
}

async function failureOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (isBorgError(error, 'Error')) return error.message
    throw error
  }
  throw new Error('nothing failed')
}

function verbs(): string[] {
  return server.seen.map(({ method, query }) => `${method} ${[...query.keys()].sort().join(' ')}`.trim())
}

test('a segment of several parts appears whole when it is sealed, and under its storage class', async () => {
  await using store = openStore()
  const file = await written(store)

  expect(server.world.objects().size).toBe(0)
  await file.seal()

  const found = server.world.objects().get(key)
  expect(found?.body.equals(content)).toBe(true)
  expect(found?.storageClass).toBe('STANDARD_IA')
  expect(server.world.uploads.size).toBe(0)
})

test('other files than segments have the storage class of the bucket', async () => {
  await using store = openStore()

  await store.write(storePath('config'), content.subarray(0, 100))
  await store.writeInOrder([{ path: storePath('index.1'), content: content.subarray(0, 6 * MiB) }])

  for (const name of ['config', 'index.1']) expect(server.world.objects().get(name)?.storageClass).toBe('STANDARD')
})

describe.each([true, false])('before it is sealed, where the service copies parts: %s', (canCopyParts) => {
  beforeEach(() => {
    server.world.canCopyParts = canCopyParts
  })

  test('all of it can be read, and it goes on growing', async () => {
    await using store = openStore()
    const end = 16 * MiB
    const file = await written(store, end)

    for (const [offset, length] of [
      [10 * MiB + 5, 100],
      [0, 100],
      [4 * MiB, 3 * MiB],
      [end - 10, 50],
    ] as const) {
      const read = await store.read(path, { offset, length })
      expect(Buffer.compare(read, content.subarray(offset, Math.min(end, offset + length)))).toBe(0)
    }
    expect((await store.stat(path))?.size).toBe(end)
    await file.write(content.subarray(end))
    expect(Buffer.compare(await store.read(path), content)).toBe(0)
    await file.seal()

    expect(server.world.objects().get(key)?.body.equals(content)).toBe(true)
    expect(server.world.uploads.size).toBe(0)
  })
})

test('what is still in memory is read without a request', async () => {
  await using store = openStore()
  await written(store, 3 * MiB)
  server.seen.length = 0

  const read = await store.read(path, { offset: MiB, length: 100 })

  expect(Buffer.compare(read, content.subarray(MiB, MiB + 100))).toBe(0)
  expect(verbs()).toEqual([])
})

test('parts that arrived are read back by one publication, not one each', async () => {
  await using store = openStore()
  await written(store, 16 * MiB)

  for (const offset of [0, 6 * MiB, 11 * MiB, 1]) await store.read(path, { offset, length: 10 })

  expect(verbs().filter((verb) => verb === 'POST uploadId').length).toBe(1)
})

test('a write that fails has taken nothing, and can be repeated', async () => {
  await using store = openStore()
  const file = await written(store, 4 * MiB)
  server.fault = ({ query }) => (query.has('partNumber') ? { at: 'before', status: 503, code: 'SlowDown' } : undefined)
  let failures = 0
  for (let at = 4 * MiB; at < content.length; at += MiB) {
    const piece = content.subarray(at, Math.min(content.length, at + MiB))
    for (;;) {
      const { size } = file
      try {
        await file.write(piece)
        break
      } catch (error) {
        expect(isBorgError(error, 'Error')).toBe(true)
        expect(file.size).toBe(size)
        failures += 1
        server.fault = undefined
      }
    }
  }
  await file.seal()

  expect(failures).toBeGreaterThan(0)
  expect(server.world.objects().get(key)?.body.equals(content)).toBe(true)
})

test('a seal that fails says why, and leaves only abandoning', async () => {
  await using store = openStore()
  const file = await written(store)
  server.fault = ({ method, query }) =>
    method === 'POST' && query.has('uploadId') ? { at: 'before', status: 403, code: 'AccessDenied' } : undefined

  expect(await failureOf(() => file.seal())).toContain('completing data/0/7: AccessDenied')

  await expect(file.seal()).rejects.toThrow(RangeError)
  await file.abandon()
  expect(server.world.objects().size).toBe(0)
  expect(server.world.uploads.size).toBe(0)
  expect(await store.stat(path)).toBeUndefined()
})

test('a seal whose answer got lost has succeeded', async () => {
  for (const end of [1000, content.length]) {
    server.world.objects().clear()
    await using store = openStore()
    // Conditions are known to hold, so that the repeated seal is refused by what the first one made.
    await store.claim(storePath('lock.exclusive'), 'ada@1.1-0')
    const file = await written(store, end)
    let lost = 0
    server.fault = ({ key: of, method, query }) => {
      const isSeal = of === key && (method === 'POST' ? query.has('uploadId') : method === 'PUT' && query.size === 0)
      return isSeal && lost++ === 0 ? { at: 'after', connection: 'reset' } : undefined
    }
    await file.seal()

    expect(lost).toBeGreaterThan(0)
    expect(server.world.objects().get(key)?.body.equals(content.subarray(0, end))).toBe(true)
  }
})

test('a segment that somebody else has written meanwhile is not replaced', async () => {
  for (const end of [1000, content.length]) {
    server.world.objects().clear()
    await using store = openStore()
    await store.claim(storePath('lock.exclusive'), 'ada@1.1-0')
    const file = await written(store, end)
    const other = { body: Buffer.from('theirs'), etag: '"theirs"', metadata: {}, storageClass: 'STANDARD' }
    server.world.objects().set(key, other)

    expect(await failureOf(() => file.seal())).toContain('somebody else has written it meanwhile')

    expect(server.world.objects().get(key)).toBe(other)
    await file.abandon()
  }
})

test('when reading back fails half way, nothing is built on it', async () => {
  await using store = openStore()
  const file = await written(store, 16 * MiB)
  server.fault = ({ query, method }) =>
    method === 'POST' && query.has('uploads') ? { at: 'before', status: 403, code: 'AccessDenied' } : undefined

  expect(await failureOf(() => store.read(path, { offset: 0, length: 10 }))).toContain('AccessDenied')
  server.fault = undefined

  expect(await failureOf(() => file.write(content.subarray(0, 10)))).toContain('AccessDenied')
  expect(await failureOf(() => file.seal())).toContain('AccessDenied')
  await file.abandon()
  // As after a crash: an unsealed file, whose name can be used again once it is removed.
  await store.remove(path)
  const again = await store.append(path)
  await again.write(content)
  await again.seal()
  expect(server.world.objects().get(key)?.body.equals(content)).toBe(true)
})

test('several large files written in order become visible one by one, after all are stored', async () => {
  await using store = openStore()
  const names = ['integrity.1', 'hints.1', 'index.1']
  const seen: string[] = []
  server.fault = ({ method, query }) => {
    if (method === 'POST' && query.has('uploadId')) seen.push([...server.world.objects().keys()].join())
    // Nothing may be completed while a part is on its way.
    if (query.has('partNumber')) expect(server.world.objects().size).toBe(0)
    return undefined
  }

  await store.writeInOrder(names.map((name, i) => ({ path: storePath(name), content: content.subarray(i, 6 * MiB) })))

  expect(seen).toEqual(['', 'integrity.1', 'integrity.1,hints.1'])
  for (const [i, name] of names.entries()) {
    expect(
      server.world
        .objects()
        .get(name)
        ?.body.equals(content.subarray(i, 6 * MiB)),
    ).toBe(true)
  }
})
