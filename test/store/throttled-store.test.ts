import { describe, expect, test } from 'vitest'
import { equalBytes } from '../../src/base/bytes.ts'
import { storePath } from '../../src/base/ids.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { LineRates, ThrottledStore, type ThrottleOptions } from '../../src/store/throttled-store.ts'
import { failAt } from '../support/explore-crashes.ts'
import { FakeHost } from '../support/fake-host.ts'
import { type BeforeCall, RecordingStore } from '../support/recording-store.ts'

const file = storePath('data/0/1')
const kib = 1024

function world(options: ThrottleOptions = {}, before?: BeforeCall) {
  const host = new FakeHost()
  const inner = new RecordingStore(new MemoryStore(), before)
  const store = new ThrottledStore(inner, { uploadBytesPerSecond: 100 * kib, host, ...options })
  const startMs = host.monotonicMs()
  return { host, inner, store, seconds: () => (host.monotonicMs() - startMs) / 1000 }
}

describe('uploads', () => {
  test('written, appended and in order, all count, and take as long as the rate says', async () => {
    const { store, seconds } = world()
    const bytes = new Uint8Array(1000 * kib)
    await store.write(storePath('a'), bytes)
    const appended = await store.append(file)
    await appended.write(bytes.subarray(0, 500 * kib), bytes.subarray(500 * kib))
    await appended.seal()
    await store.writeInOrder([{ path: storePath('b'), content: bytes }])

    // The last piece is not waited for.
    expect(seconds()).toBeGreaterThan(29.8)
    expect(seconds()).toBeLessThan(30.2)
  })

  test('go out evenly: within any second no more than the rate and one piece', async () => {
    const sent: { ms: number; bytes: number }[] = []
    const clock: { ms: () => number } = { ms: () => 0 }
    const { store, host } = world({}, ({ verb, bytes }) => {
      if (verb === 'appendWrite') sent.push({ ms: clock.ms(), bytes: bytes ?? 0 })
    })
    clock.ms = () => host.monotonicMs()
    host.advanceSeconds(3600)
    const appended = await store.append(file)
    await appended.write(new Uint8Array(1000 * kib))

    expect(sent.length).toBeGreaterThan(50)
    for (const { ms } of sent) {
      const within = sent.filter((one) => one.ms >= ms && one.ms < ms + 1000).reduce((sum, one) => sum + one.bytes, 0)
      expect(within).toBeLessThan(100 * kib * 1.25 + 2 * 13 * kib)
    }
  })

  test('an idle hour does not allow a flood', async () => {
    const { store, host, seconds } = world()
    host.advanceSeconds(3600)
    await store.write(storePath('a'), new Uint8Array(200 * kib))
    expect(seconds() - 3600).toBeGreaterThan(1.5)
  })

  test('many at once share one rate, also over a Store opened again', async () => {
    const host = new FakeHost()
    const rates = new LineRates({ uploadBytesPerSecond: 100 * kib, host })
    const startMs = host.monotonicMs()
    const stores = [1, 2, 3].map(() => new ThrottledStore(new MemoryStore(), rates))
    await Promise.all(stores.map((store) => store.write(file, new Uint8Array(100 * kib))))
    expect(host.monotonicMs() - startMs).toBeGreaterThan(2700)
  })

  test('of many who come at once only the first goes without waiting', async () => {
    const host = new FakeHost()
    const rates = new LineRates({ uploadBytesPerSecond: kib, host })
    // Time stands still.
    host.sleep = () => new Promise(() => {})
    let passed = 0
    for (let i = 0; i < 10; i++) {
      void rates.up?.take(kib).then(() => {
        passed += 1
      })
    }
    await new Promise((resolve) => setImmediate(resolve))
    expect(passed).toBe(1)
  })

  test('the size of an append counts whole calls only, and a failed one goes on where it stopped', async () => {
    const { store } = world({}, failAt({ at: 3, code: 'ENOSPC', lasts: 'once', verbs: ['appendWrite'] }))
    const bytes = Uint8Array.from({ length: 100 * kib }, (_, i) => i % 251)
    const appended = await store.append(file)
    await appended.write(Uint8Array.of(1))
    await expect(appended.write(bytes)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(appended.size).toBe(1)
    await expect(appended.write(bytes.slice().fill(9))).rejects.toThrow(RangeError)
    await expect(appended.seal()).rejects.toThrow(RangeError)
    await appended.write(bytes)
    await appended.seal()
    expect(equalBytes(await store.read(file), Uint8Array.of(1, ...bytes))).toBe(true)
  })
})

describe('downloads', () => {
  test('have their own rate, and cost what came, not what was asked for', async () => {
    const { store, seconds } = world({ uploadBytesPerSecond: undefined, downloadBytesPerSecond: 100 * kib })
    await store.write(file, new Uint8Array(400 * kib))
    expect(seconds()).toBe(0)
    await store.read(file, { offset: 0, length: 1024 * 1024 * kib })
    await store.read(file)
    await store.read(file, { offset: 0, length: 1 })

    expect(seconds()).toBeGreaterThan(7.9)
    expect(seconds()).toBeLessThan(8.1)
  })

  test('that fail cost nothing', async () => {
    const { store, seconds } = world({ downloadBytesPerSecond: kib })
    for (let i = 0; i < 5; i++) {
      await expect(store.read(file, { offset: 0, length: 1024 * kib })).rejects.toThrow('no file')
    }
    expect(seconds()).toBeLessThan(0.1)
  })
})

describe('an abort', () => {
  test('ends waiting at once, in the middle of a write', async () => {
    const controller = new AbortController()
    const { store, host, seconds } = world({ signal: controller.signal })
    host.onSleep = () => {
      if (seconds() > 2) controller.abort(new Error('enough'))
    }
    await expect(store.write(file, new Uint8Array(100_000 * kib))).rejects.toThrow('enough')
    expect(seconds()).toBeLessThan(3)
    expect(await store.stat(file)).toBeUndefined()
  })

  test('does not hold up what cleans up after it', async () => {
    const controller = new AbortController()
    const { store, seconds } = world({ signal: controller.signal, downloadBytesPerSecond: 1 })
    controller.abort(new Error('enough'))
    await store.write(storePath('lock.roster'), new Uint8Array(50 * kib))
    await store.read(storePath('lock.roster'))
    await store.read(storePath('lock.roster'))
    expect(seconds()).toBe(0)
  })
})

test('a rate that is no positive number is refused', () => {
  for (const uploadBytesPerSecond of [0, -1, Number.NaN]) {
    expect(() => new ThrottledStore(new MemoryStore(), { uploadBytesPerSecond })).toThrow(RangeError)
  }
})
