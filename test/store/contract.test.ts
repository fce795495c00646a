/**
 * The contract suite notices Stores that break the contract: each planted fault fails the cases of its clause.
 */
import { describe, expect, test } from 'vitest'
import type { StorePath } from '../../src/base/ids.ts'
import { storeContract } from '../../src/store/contract.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { contentPieces, type Store } from '../../src/store/store.ts'

type Plant = (store: MemoryStore) => void

const faults: readonly [what: string, clause: string, plant: Plant][] = [
  [
    'forgets what it wrote',
    'S1',
    (store) => {
      store.write = async () => {}
    },
  ],
  [
    'keeps the buffer it was given',
    'S1',
    (store) => {
      const kept = new Map<StorePath, Uint8Array>()
      const read = store.read.bind(store)
      const write = store.write.bind(store)
      store.write = async (path, content) => {
        if (content instanceof Uint8Array) kept.set(path, content)
        else kept.delete(path)
        await write(path, content)
      }
      store.read = async (path, range) => (range === undefined ? (kept.get(path) ?? read(path)) : read(path, range))
    },
  ],
  [
    'reads past the range',
    'S1',
    (store) => {
      const read = store.read.bind(store)
      store.read = (path, range) => read(path, range && { ...range, length: range.length + 1 })
    },
  ],
  [
    'lists siblings of similar name',
    'S1',
    (store) => {
      const list = store.list.bind(store)
      store.list = async function* (folder) {
        yield* list(folder)
        if (folder === 'data/1') yield { path: 'data/10/18' as StorePath, kind: 'file', size: 1 }
      }
    },
  ],
  [
    'writes in place',
    'S2',
    (store) => {
      store.write = async (path, content) => {
        await store.remove(path)
        const file = await store.append(path)
        for await (const piece of contentPieces(content)) {
          await file.write(piece)
          await file.flush()
        }
        await file.seal()
      }
    },
  ],
  [
    'lets append overwrite',
    'S3',
    (store) => {
      const append = store.append.bind(store)
      store.append = async (path) => {
        await store.remove(path)
        return append(path)
      }
    },
  ],
  [
    'does not flush',
    'S3',
    (store) => {
      const append = store.append.bind(store)
      store.append = async (path) => {
        const file = await append(path)
        file.flush = async () => {}
        return file
      }
    },
  ],
  [
    'seals only what was flushed',
    'S4',
    (store) => {
      const append = store.append.bind(store)
      store.append = async (path) => {
        const file = await append(path)
        file.seal = () => file.abandon()
        return file
      }
    },
  ],
  [
    'throws when there is nothing to remove',
    'S5',
    (store) => {
      const remove = store.remove.bind(store)
      store.remove = async (path) => {
        if ((await store.stat(path)) === undefined) throw new Error('nothing there')
        await remove(path)
      }
    },
  ],
  [
    'removes full folders',
    'S5',
    (store) => {
      store.removeEmptyFolders = async (folder) => {
        for await (const { path, kind } of store.list(folder)) {
          if (kind !== 'folder') continue
          for await (const inner of store.list(path)) await store.remove(inner.path)
        }
      }
    },
  ],
  [
    'looks before it claims, and lets others in between',
    'S6',
    (store) => {
      const owners = new Map<StorePath, string[]>()
      store.owners = async (path) => owners.get(path) ?? []
      store.unclaim = async (path, owner) =>
        void owners.set(
          path,
          (owners.get(path) ?? []).filter((o) => o !== owner),
        )
      store.claim = async (path, owner) => {
        const before = owners.get(path) ?? []
        await Promise.resolve()
        if (before.length > 0) return before.includes(owner)
        owners.set(path, [...(owners.get(path) ?? []), owner])
        return true
      }
    },
  ],
  [
    'gives a claim to anyone',
    'S6',
    (store) => {
      store.claim = async () => true
    },
  ],
  [
    'writes in order, but one by one',
    'S7',
    (store) => {
      store.writeInOrder = async (files) => {
        for (const { path, content } of files) await store.write(path, content)
      }
    },
  ],
]

describe('the contract fails a Store that', () => {
  test.each(faults)('%s, in a case of %s', async (_what, clause, plant) => {
    const broken = await brokenPromises(() => {
      const store = new MemoryStore()
      plant(store)
      return store
    })

    expect(broken.some((promise) => promise.startsWith(clause))).toBe(true)
  })
})

async function brokenPromises(makeStore: () => Store): Promise<readonly string[]> {
  const broken: string[] = []
  for (const { promise, run } of storeContract(makeStore)) {
    try {
      await run()
    } catch {
      broken.push(promise)
    }
  }
  return broken
}
