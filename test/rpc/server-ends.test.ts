/**
 * However a session ends: the repository holds its last commit, and no lock stays behind.
 */
import { describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import { storePath } from '../../src/base/ids.ts'
import { pack } from '../../src/format/msgpack-encode.ts'
import { lentStore } from '../../src/store/lent-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { isLong } from '../support/long-form.ts'
import { bytesOf, idOf, request, ServedClient } from './server-client.ts'

const openArguments = { path: '/r', create: false, lock_wait: 0, lock: true, exclusive: true }
const session = [
  [1, 1, 'negotiate', [new Map([['client_version', [1, 4, 5, -1]]])]],
  request(2, 'open', openArguments),
  request(3, 'put', { id: idOf(2), data: bytesOf('two') }),
  request(4, 'commit', { save_space: false, compact: false }),
  request(5, 'get', { id: idOf(2) }),
  request(6, 'delete', { id: idOf(1) }),
  request(7, 'commit', { save_space: false, compact: true, threshold: 0 }),
  request(8, 'put', { id: idOf(3), data: bytesOf('never committed') }),
].map(pack)

/** Objects after each of the frames. */
const counts = [1, 1, 1, 2, 2, 2, 1, 1]

async function prepared(): Promise<MemoryStore> {
  const store = new MemoryStore()
  const client = served(store)
  await client.open('/r', { create: true })
  await client.must('put', { id: idOf(1), data: bytesOf('one') })
  await client.must('commit')
  await client.end()
  return store
}

function served(store: Store, signal?: AbortSignal): ServedClient {
  return new ServedClient(new FakeHost(), { openStore: async () => lentStore(store) }, signal)
}

async function expectUnlocked(store: Store): Promise<void> {
  expect(await store.owners(storePath('lock.exclusive'))).toEqual([])
  expect(await store.stat(storePath('lock.roster'))).toBeUndefined()
}

async function expectWhole(store: Store, count: number): Promise<void> {
  await expectUnlocked(store)
  const next = served(store)
  await next.open('/r')
  expect(await next.must('check')).toBe(true)
  expect(await next.must('__len__')).toBe(count)
  await next.end()
}

describe('the input ends', () => {
  const whole = Buffer.concat(session)
  const ends = session.map((_, at) => Buffer.concat(session.slice(0, at + 1)).length)
  const step = isLong ? 1 : 9
  if (step > 1) console.warn('SKIPPED: most offsets at which the input ends; TSBORG_LONG=1 takes all')

  test('after any byte: what was committed by then is there, and the lock is not', async () => {
    const offsets = Array.from({ length: whole.length + 1 }, (_, at) => at)
    for (const offset of offsets.filter((at) => at % step === 0 || ends.includes(at))) {
      const store = await prepared()
      const client = served(store)
      client.output.resume()
      client.input.end(whole.subarray(0, offset))
      await client.ended

      const last = ends.filter((end) => end <= offset).length - 1
      await expectWhole(store, counts[last] ?? 1)
    }
  })
})

describe('the connection breaks', () => {
  test('in the middle of a put', async () => {
    const store = await prepared()
    const client = served(store)
    await client.open('/r')
    await client.must('put', { id: idOf(2), data: bytesOf('two') })
    client.input.write(pack(request(9, 'put', { id: idOf(3), data: new Uint8Array(1000) })).subarray(0, 500))
    client.input.destroy(new Error('reset by peer'))

    await expect(client.ended).rejects.toSatisfy((error) => isBorgError(error, 'ConnectionClosed'))
    await expectWhole(store, 1)
  })

  test.each(['output', 'log'] as const)('on the %s', async (name) => {
    const store = await prepared()
    const client = served(store)
    await client.open('/r')
    await client.must('put', { id: idOf(2), data: bytesOf('two') })
    client[name].destroy(new Error('EPIPE'))

    await expect(client.ended).rejects.toSatisfy((error) => isBorgError(error, 'ConnectionClosed'))
    await expectWhole(store, 1)
  })
})

describe('the server is told to stop', () => {
  test('while it waits for the client', async () => {
    const store = await prepared()
    const stop = new AbortController()
    const client = served(store, stop.signal)
    await client.open('/r')
    await client.must('put', { id: idOf(2), data: bytesOf('two') })
    stop.abort(new Error('enough'))

    await expect(client.ended).rejects.toThrow('enough')
    expect(client.logged()).toContain('enough')
    await expectWhole(store, 1)
  })

  test('while the client does not read', async () => {
    const store = await prepared()
    const stop = new AbortController()
    const client = served(store, stop.signal)
    await client.open('/r')
    await client.must('put', { id: idOf(2), data: new Uint8Array(1_000_000) })
    for (let at = 0; at < 10; at++) client.send(request(at, 'get', { id: idOf(2) }))
    while (!client.output.writableNeedDrain) await new Promise((resolve) => setImmediate(resolve))
    stop.abort(new Error('enough'))

    await expect(client.ended).rejects.toThrow('enough')
    await expectWhole(store, 1)
  })

  test('while it waits for a lock, for ever', async () => {
    const store = await prepared()
    const other = new ServedClient(new FakeHost({ processId: 5 }), { openStore: async () => lentStore(store) })
    await other.open('/r')
    const stop = new AbortController()
    const host = new FakeHost()
    const client = new ServedClient(host, { openStore: async () => lentStore(store) }, stop.signal)
    host.onSleep = () => stop.abort(new Error('enough'))
    client.send(request(1, 'open', { path: '/r', exclusive: true }))

    await expect(client.ended).rejects.toThrow('enough')
    await other.end()
    await expectWhole(store, 1)
  })

  test('before it begins', async () => {
    const client = served(await prepared(), AbortSignal.abort(new Error('enough')))
    await expect(client.ended).rejects.toThrow('enough')
  })
})
