/**
 * Clients that mean harm, or are broken: the server answers, refuses or ends, and keeps neither memory nor locks.
 */
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import { storePath } from '../../src/base/ids.ts'
import { type Packable, pack } from '../../src/format/msgpack-encode.ts'
import { methods } from '../../src/rpc/methods.ts'
import { lentStore } from '../../src/store/lent-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { isLong } from '../support/long-form.ts'
import { bytesOf, idOf, request, ServedClient } from './server-client.ts'

/** The session has an object, committed. The Store outlives it. */
async function withObject(size: number): Promise<{ client: ServedClient; store: Store }> {
  const store = new MemoryStore()
  const client = new ServedClient(new FakeHost(), { openStore: async () => lentStore(store) })
  await client.open('/r', { create: true })
  await client.must('put', { id: idOf(1), data: new Uint8Array(size) })
  await client.must('commit')
  return { client, store }
}

/** Opened anew, by another process. */
async function expectWhole(store: Store, count: number): Promise<void> {
  const host = new FakeHost({ processId: 2 })
  const next = new ServedClient(host, { openStore: async () => lentStore(store) })
  expect(await next.open('/r')).toHaveProperty('result')
  expect(await next.must('check')).toBe(true)
  expect(await next.must('__len__')).toBe(count)
  await next.end()
}

async function expectUnlocked(store: Store): Promise<void> {
  expect(await store.owners(storePath('lock.exclusive'))).toEqual([])
  expect(await store.stat(storePath('lock.roster'))).toBeUndefined()
}

async function refusal(client: ServedClient): Promise<unknown> {
  return client.ended.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('what is no request', () => {
  const header = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes)

  test.each<[string, Uint8Array]>([
    ['a number', pack(5)],
    ['text', pack('abc')],
    ['nil', pack(null)],
    ['a list of two', pack([1, 2])],
    ['a list without a method', pack([1, 1, 5, []])],
    ['a list whose arguments are a map', pack([1, 1, 'get', new Map()])],
    ['a list of five', pack([1, 1, 'get', [], 1])],
    ['an empty map', pack(new Map())],
    [
      'a map without arguments',
      pack(
        new Map<string, Packable>([
          ['i', 1],
          ['m', 'get'],
        ]),
      ),
    ],
    [
      'a map whose arguments are a list',
      pack(
        new Map<string, Packable>([
          ['i', 1],
          ['m', 'get'],
          ['a', [1]],
        ]),
      ),
    ],
    [
      'a map whose id is text',
      pack(
        new Map<string, Packable>([
          ['i', 'x'],
          ['m', 'get'],
          ['a', new Map()],
        ]),
      ),
    ],
    ['a byte that msgpack does not know', header(0xc1)],
    ['an extension type', header(0xd4, 1, 2)],
    ['bytes of 4 GiB', header(0xdb, 0xff, 0xff, 0xff, 0xff)],
    ['a list of four thousand million', header(0xdd, 0xff, 0xff, 0xff, 0xff)],
    ['a map of four thousand million', header(0xdf, 0xff, 0xff, 0xff, 0xff)],
    ['lists in lists in lists', new Uint8Array(100_000).fill(0x91)],
    ['maps whose keys are maps', new Uint8Array(1000).fill(0x81)],
  ])('%s ends the connection, and what was not committed with it', async (_, bytes) => {
    const { client, store } = await withObject(10)
    await client.must('put', { id: idOf(2), data: bytesOf('lost') })

    client.input.write(bytes)
    client.input.end()
    const error = await refusal(client)

    expect(isBorgError(error, 'UnexpectedRPCDataFormatFromClient')).toBe(true)
    expect(client.logged()).toContain('Got unexpected RPC data format from client.')
    await expectUnlocked(store)
    await expectWhole(store, 1)
  })

  test('what came before it is answered', async () => {
    const { client } = await withObject(10)
    client.input.write(Buffer.concat([pack(request(7, '__len__')), Uint8Array.of(0xc1)]))
    expect(await client.answer()).toEqual(
      new Map([
        ['i', 7],
        ['r', 1],
      ] as const),
    )
    expect(isBorgError(await refusal(client), 'UnexpectedRPCDataFormatFromClient')).toBe(true)
  })

  test('a frame that never ends is given up at its limit', async () => {
    const { client, store } = await withObject(10)
    // A list of bytes objects, each within bounds.
    client.input.write(Uint8Array.of(0xdd, 0, 2, 0, 0))
    const piece = pack(new Uint8Array(1_000_000))
    let written = 0
    while (!client.input.destroyed && written < 100) {
      client.input.write(piece)
      written += 1
      await setImmediate()
    }
    expect(isBorgError(await refusal(client), 'UnexpectedRPCDataFormatFromClient')).toBe(true)
    expect(written).toBeLessThan(40)
    await expectUnlocked(store)
  })

  test('any bytes, in any pieces, end in good order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), async (pieces) => {
        const { client, store } = await withObject(10)
        for (const piece of pieces) if (!client.input.destroyed) client.input.write(piece)
        client.input.end()
        const error = await refusal(client)
        expect(error === undefined || isBorgError(error, 'UnexpectedRPCDataFormatFromClient')).toBe(true)
        await expectUnlocked(store)
        await expectWhole(store, 1)
      }),
      { numRuns: 30 },
    )
  })
})

describe('calls that make no sense', () => {
  const value: fc.Arbitrary<Packable> = fc.oneof(
    fc.constantFrom<Packable>(null, true, false, 0, 1, -1, 0.25, -0.5, Number.NaN, Number.POSITIVE_INFINITY, 2n ** 63n),
    fc.integer(),
    fc.string(),
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom<Packable>(idOf(0), idOf(1), idOf(2)),
    fc.array(fc.integer(), { maxLength: 3 }),
    fc.constant(new Map([['client_version', 5]])),
  )
  const names = [...new Set(Object.values(methods).flatMap(({ args }) => args.map(({ name }) => name)))]
  const call = fc.record({
    method: fc.constantFrom(...Object.keys(methods)),
    args: fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 7 }),
    byPosition: fc.boolean(),
  })

  test('are all answered, and the repository stays whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 12 }), async (calls) => {
        const store = new MemoryStore()
        const client = new ServedClient(new FakeHost(), { openStore: async () => lentStore(store) })
        await client.open('/r', { create: true })
        for (const { method, args, byPosition } of calls) {
          if (byPosition) expect(await client.position(method, ...Object.values(args))).toHaveLength(4)
          else expect(await client.call(method, args)).toBeDefined()
        }
        await client.end()
        await expectUnlocked(store)
        // Unless it was destroyed, or never made: `open` may have failed.
        if ((await store.root()) === 'occupied') {
          const next = new ServedClient(new FakeHost(), { openStore: async () => lentStore(store) })
          if ('result' in (await next.open('/r'))) expect([true, false]).toContain(await next.must('check'))
          await next.end()
        }
      }),
      { numRuns: isLong ? 1000 : 80 },
    )
  })
})

describe('clients that do not read', () => {
  test('a hundred thousand gets are not answered into memory', async () => {
    const { client, store } = await withObject(100_000)
    const gets = Buffer.concat(Array.from({ length: 1000 }, (_, at) => pack(request(at, 'get', { id: idOf(1) }))))
    let sent = 0
    // As a client would: until the pipe is full.
    for (let isWelcome = true; isWelcome || client.output.writableLength === 0; sent += 1000) {
      if (sent >= 100_000) break
      isWelcome = client.input.write(gets)
      for (let turn = 0; turn < 20; turn++) await setImmediate()
    }

    const waiting = client.output.readableLength + client.output.writableLength
    expect(waiting).toBeLessThan(1_000_000)
    client.input.destroy()
    expect(isBorgError(await refusal(client), 'ConnectionClosed')).toBe(true)
    await expectUnlocked(store)
  })

  test('nor is the log: whoever does not read it must wait for its answers', async () => {
    const { client } = await withObject(10)
    client.output.resume()
    const wrong = Buffer.concat(Array.from({ length: 1000 }, (_, at) => pack([1, at, 'get', [idOf(9)]])))
    for (let round = 0; round < 10; round++) {
      client.input.write(wrong)
      for (let turn = 0; turn < 20; turn++) await setImmediate()
    }
    expect(client.log.readableLength + client.log.writableLength).toBeLessThan(100_000)

    client.log.resume()
    client.input.end()
    await client.ended
  })
})
