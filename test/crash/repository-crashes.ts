/**
 * What must hold of a repository after a crash, wherever it struck: one of the committed states is there, whole, and
 * nothing of any other; a check finds nothing to complain about; the next transaction works.
 */
import { expect } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { openStoreRepository, type StoreRepository } from '../../src/repository/segment-repository.ts'
import type { Store } from '../../src/store/store.ts'
import { bytesOf, contentsOf, filesOf, idOf, logOf, type WorldOptions } from '../repository/world.ts'
import { FakeHost } from '../support/fake-host.ts'

/** Name -> text of every object. */
export type State = Readonly<Record<string, string>>

/** Small enough that a handful of puts fills several segments and folders. */
export const smallSegments: WorldOptions = { segmentSizeMax: 200, segmentsPerFolder: 4 }

/** The machine after its restart: the process that died is known to be dead. */
function restartedHost(): FakeHost {
  const host = new FakeHost({ processId: 4712 })
  host.dead.add(4711)
  return host
}

export async function afterCrash<T>(
  store: Store,
  access: 'read' | 'write' | 'unlocked',
  work: (repository: StoreRepository) => Promise<T>,
): Promise<T> {
  const options = { location: '/repo', access, lockWaitSeconds: 0 }
  await using repository = await openStoreRepository(store, options, restartedHost(), {})
  return await work(repository)
}

export function keyed(state: State): Map<string, string> {
  return new Map(Object.entries(state).map(([name, text]) => [toHex(idOf(name)), text]))
}

/** Fails unless the repository is in one of `states`; tells which. */
export async function expectOneOf(store: Store, states: readonly State[]): Promise<State> {
  const found = await afterCrash(store, 'unlocked', contentsOf)
  const matching = states.find((state) => sameState(found, keyed(state)))
  if (matching === undefined) {
    throw new Error(`the repository is in none of the committed states, but holds ${describeState(found, states)}`)
  }
  return matching
}

/**
 * All of it, writing included. `deleted`: names that were deleted before, whose puts may come back with a removed segment
 * (S5): the index, and so every reader, knows that they are gone, but a log read without it may not.
 */
export async function expectSound(store: Store, states: readonly State[], deleted: readonly string[]): Promise<void> {
  const state = await expectOneOf(store, states)
  if (Object.keys(state).length > 0) await expectClean(store, deleted)
  expect(await afterCrash(store, 'read', contentsOf)).toEqual(keyed(state))

  const [removed] = Object.keys(state)
  await afterCrash(store, 'write', async (repository) => {
    await repository.put(idOf('new'), bytesOf('after the crash'))
    if (removed !== undefined) await repository.delete(idOf(removed))
    await repository.commit()
  })

  const { [removed ?? '']: _, ...rest } = state
  const expected = keyed({ ...rest, new: 'after the crash' })
  expect(await afterCrash(store, 'write', contentsOf)).toEqual(expected)
  await expectClean(store, deleted)
  await withoutIndex(store)
  const fromLog = await afterCrash(store, 'unlocked', contentsOf)
  for (const name of deleted) if (!expected.has(toHex(idOf(name)))) fromLog.delete(toHex(idOf(name)))
  expect(fromLog).toEqual(expected)
}

async function expectClean(store: Store, deleted: readonly string[]): Promise<void> {
  const log = logOf()
  const options = { location: '/repo', access: 'write', lockWaitSeconds: 0 } as const
  await using repository = await openStoreRepository(store, options, restartedHost(), log.run)
  const clean = await repository.check({ repair: false, maxSeconds: 0 })
  const complaints = log.lines().filter((line) => line.startsWith('error: ') && !isAboutDeleted(line, deleted))
  if (clean || (deleted.length > 0 && complaints.length === 0)) return
  throw new Error(`check complains: ${log.lines().join(' | ')}`)
}

function isAboutDeleted(line: string, deleted: readonly string[]): boolean {
  if (/count mismatch|committed index: {1,2}\d|rebuilt index: {1,3}\d|errors found\.$/.test(line)) return true
  return line.includes('committed index: <not found>') && deleted.some((name) => line.includes(toHex(idOf(name))))
}

async function withoutIndex(store: Store): Promise<void> {
  for (const path of (await filesOf(store)).keys())
    if (/^(index|hints|integrity)\./.test(path)) await store.remove(path)
}

function sameState(found: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>): boolean {
  return found.size === expected.size && [...expected].every(([id, text]) => found.get(id) === text)
}

function describeState(found: ReadonlyMap<string, string>, states: readonly State[]): string {
  const names = new Map(states.flatMap((state) => Object.keys(state)).map((name) => [toHex(idOf(name)), name]))
  return JSON.stringify([...found].map(([id, text]) => [names.get(id) ?? id.slice(0, 8), text.slice(0, 20)]))
}
