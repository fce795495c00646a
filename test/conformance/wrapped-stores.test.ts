/**
 * A wrapped Store keeps the contract of src/store/store.ts as well as the Store inside: each wrapper, and stacks of them.
 */
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { CachingStore } from '../../src/store/caching-store.ts'
import { storeContract } from '../../src/store/contract.ts'
import { LocalStore } from '../../src/store/local-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { RetryingStore } from '../../src/store/retrying-store.ts'
import type { Store } from '../../src/store/store.ts'
import { ThrottledStore } from '../../src/store/throttled-store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts'

const folder = makeTempFolder()
afterAll(() => removeTempFolder(folder))

let made = 0
function nextPath(): string {
  made += 1
  return join(folder, String(made), 'repository')
}

const wrappers: readonly [string, (inner: Store) => Store][] = [
  [
    'throttled',
    (inner) =>
      new ThrottledStore(inner, {
        uploadBytesPerSecond: 100_000,
        downloadBytesPerSecond: 200_000,
        host: new FakeHost(),
      }),
  ],
  ['retrying', (inner) => new RetryingStore(inner, { host: new FakeHost() })],
  ['caching', (inner) => new CachingStore(inner, { folder: new LocalStore(nextPath()) })],
  [
    'caching over throttled over retrying',
    (inner) =>
      new CachingStore(
        new ThrottledStore(new RetryingStore(inner, { keptBytesMax: 0, host: new FakeHost() }), {
          uploadBytesPerSecond: 100_000,
          host: new FakeHost(),
        }),
        { folder: new LocalStore(nextPath()) },
      ),
  ],
]

describe.each(wrappers)('%s', (_name, wrap) => {
  describe('over memory', () => {
    // A second wrapper around the same Store: another client.
    const inside = new Map<Store, Store>()
    const make = (): Store => {
      const memory = new MemoryStore()
      const store = wrap(memory)
      inside.set(store, memory)
      return store
    }
    const reopen = (store: Store): Store => wrap(inside.get(store) ?? store)
    for (const { promise, run } of storeContract(make, { reopen })) test(promise, run)
  })

  describe('over a disk', () => {
    const make = (): Store => wrap(new LocalStore(nextPath()))
    const reopen = (store: Store): Store => wrap(new LocalStore(store.name))
    for (const { promise, run } of storeContract(make, { reopen })) test(promise, run)
  })
})
