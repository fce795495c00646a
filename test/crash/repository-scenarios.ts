/**
 * Things that are done to repositories, each with the states it may legitimately be found in afterwards.
 */
import { storePath } from '../../src/base/ids.ts'
import type { StoreRepository } from '../../src/repository/segment-repository.ts'
import type { Store } from '../../src/store/store.ts'
import { bytesOf, filesOf, idOf, prepare, session, type WorldOptions } from '../repository/world.ts'
import { smallSegments, type State } from './repository-crashes.ts'

export interface CrashScenario {
  readonly name: string
  readonly prepare: (store: Store) => Promise<void>
  readonly run: (store: Store) => Promise<void>
  readonly states: readonly State[]
  /** What compaction leaves to chance, see `expectSound`. */
  readonly deleted?: readonly string[]
}

const long = (text: string): string => text.repeat(60)
const compact = { compact: { threshold: 0.1 } }

async function putAll(repository: StoreRepository, objects: State): Promise<void> {
  for (const [name, text] of Object.entries(objects)) await repository.put(idOf(name), bytesOf(text))
}

async function deleteAll(repository: StoreRepository, names: readonly string[]): Promise<void> {
  for (const name of names) await repository.delete(idOf(name))
}

async function commitAll(store: Store, objects: State): Promise<void> {
  await session(store, async (repository) => {
    await putAll(repository, objects)
    await repository.commit()
  })
}

/** An initialised repository with `objects` in it, by one commit. */
function holding(objects: State, options: WorldOptions = {}): (store: Store) => Promise<void> {
  return async (store) => {
    await prepare(store, options)
    await commitAll(store, objects)
  }
}

const manifest: State = { MANIFEST: 'manifest 1' }
const some: State = { a: long('a'), b: long('b'), c: long('c'), d: long('d'), e: long('e'), MANIFEST: 'manifest 1' }
const more: State = { f: long('f'), g: long('g'), h: long('h'), i: 'i' }
/** `some` after the deletes and overwrites of the scenarios below. */
const { a: _a, c: _c, ...fewer } = some
const changed: State = { ...fewer, b: long('B'), MANIFEST: 'manifest 2' }

async function change(repository: StoreRepository): Promise<void> {
  await deleteAll(repository, ['a', 'c'])
  await putAll(repository, { b: long('B'), MANIFEST: 'manifest 2' })
}

async function removeIndex(store: Store): Promise<void> {
  for (const path of (await filesOf(store)).keys())
    if (/^(index|hints|integrity)\./.test(path)) await store.remove(path)
}

export const scenarios: readonly CrashScenario[] = [
  {
    name: 'the first transaction',
    prepare: (store) => prepare(store),
    run: (store) => commitAll(store, manifest),
    states: [{}, manifest],
  },
  {
    name: 'the first transaction, over several segments',
    prepare: (store) => prepare(store, smallSegments),
    run: (store) => commitAll(store, some),
    states: [{}, some],
  },
  {
    name: 'puts and a commit',
    prepare: holding(some, smallSegments),
    run: (store) => commitAll(store, more),
    states: [some, { ...some, ...more }],
  },
  {
    name: 'objects too large for the write buffer',
    prepare: holding(manifest),
    run: (store) => commitAll(store, { big: 'x'.repeat(200_000), small: 's' }),
    states: [manifest, { ...manifest, big: 'x'.repeat(200_000), small: 's' }],
  },
  {
    name: 'overwrites, deletes and a commit',
    prepare: holding(some, smallSegments),
    run: (store) =>
      session(store, async (repository) => {
        await change(repository)
        await repository.commit()
      }),
    states: [some, changed],
  },
  {
    name: 'a commit with compaction',
    prepare: holding(some, smallSegments),
    run: (store) =>
      session(store, async (repository) => {
        await change(repository)
        await repository.commit(compact)
      }),
    states: [some, changed],
  },
  {
    name: 'a compaction after deletes were committed',
    prepare: async (store) => {
      await holding(some, smallSegments)(store)
      await session(store, async (repository) => {
        await change(repository)
        await repository.commit()
      })
    },
    run: (store) => session(store, (repository) => repository.commit(compact)),
    states: [changed],
    deleted: ['a', 'c'],
  },
  {
    name: 'compaction, then more changes and compaction again',
    prepare: holding(some, smallSegments),
    run: (store) =>
      session(store, async (repository) => {
        await change(repository)
        await repository.commit(compact)
        await putAll(repository, more)
        await deleteAll(repository, ['d'])
        await repository.commit(compact)
      }),
    deleted: ['a', 'c', 'd'],
    states: [some, changed, (({ d: _, ...rest }) => ({ ...rest, ...more }))(changed as { d: string })],
  },
  {
    name: 'a put and delete of the same object, committed and compacted',
    prepare: holding(some, smallSegments),
    run: (store) =>
      session(store, async (repository) => {
        await putAll(repository, { x: long('x') })
        await repository.commit()
        await deleteAll(repository, ['x'])
        await repository.commit(compact)
      }),
    states: [some, { ...some, x: long('x') }],
  },
  {
    name: 'a rollback and another transaction',
    prepare: holding(some, smallSegments),
    run: (store) =>
      session(store, async (repository) => {
        await putAll(repository, { never: long('n'), neither: long('m') })
        await repository.rollback()
        await putAll(repository, more)
        await repository.commit()
      }),
    states: [some, { ...some, ...more }],
  },
  {
    name: 'a transaction that is given up',
    prepare: holding(some, smallSegments),
    run: (store) => session(store, change),
    states: [some],
  },
  {
    name: 'commits of an append-only repository',
    prepare: holding(some, { ...smallSegments, appendOnly: true }),
    run: (store) =>
      session(store, async (repository) => {
        await change(repository)
        await repository.commit(compact)
      }),
    states: [some, changed],
  },
  {
    name: 'recovery of a lost index',
    prepare: async (store) => {
      await holding(some, smallSegments)(store)
      await removeIndex(store)
    },
    run: (store) => session(store, async (repository) => void (await repository.count())),
    states: [some],
  },
  {
    name: 'a repair of a sound repository',
    prepare: holding(some, smallSegments),
    run: (store) =>
      session(store, async (repository) => void (await repository.check({ repair: true, maxSeconds: 0 }))),
    states: [some],
  },
  {
    name: 'a repair after the last commit was damaged',
    prepare: async (store) => {
      await holding(manifest)(store)
      await commitAll(store, { a: 'a' })
      await store.write(storePath('data/0/4'), bytesOf('BORG_SEG no commit'))
    },
    run: (store) =>
      session(store, async (repository) => void (await repository.check({ repair: true, maxSeconds: 0 }))),
    states: [manifest, { ...manifest, a: 'a' }],
  },
]
