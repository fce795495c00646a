import { describe, expect, test } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import { openStoreRepository } from '../../src/repository/segment-repository.ts'
import type { MemoryStore } from '../../src/store/memory-store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { bytesOf, contentsOf, filesOf, idOf, logOf, newStore, session, textOf } from './world.ts'

const names = [...'abcdefgh']

/** Two objects a segment: 0 to 3 hold a to h, 4 the commit. */
async function filled(): Promise<MemoryStore> {
  const store = await newStore({ segmentSizeMax: 130 })
  await session(store, async (repository) => {
    for (const name of names) await repository.put(idOf(name), bytesOf(name.repeat(30)))
    await repository.commit()
  })
  return store
}

async function check(
  store: MemoryStore,
  options: { repair?: boolean; maxSeconds?: number } = {},
  host = new FakeHost(),
): Promise<{ clean: boolean; lines: string[] }> {
  const log = logOf()
  const opening = { location: '/repo', access: 'write', lockWaitSeconds: 0 } as const
  await using repository = await openStoreRepository(store, opening, host, log.run)
  const clean = await repository.check({ repair: options.repair ?? false, maxSeconds: options.maxSeconds ?? 0 })
  return { clean, lines: log.lines() }
}

async function flip(store: MemoryStore, path: string, offset: number): Promise<void> {
  const bytes = await store.read(storePath(path))
  bytes[offset] = (bytes[offset] ?? 0) ^ 1
  await store.write(storePath(path), bytes)
}

test('a sound repository is reported in the words of the contract, and not changed', async () => {
  const store = await filled()
  const before = await filesOf(store)

  expect(await check(store)).toEqual({
    clean: true,
    lines: [
      'info: Starting repository check',
      'info: finished segment check at segment 4',
      'info: Starting repository index check',
      'info: Index object count match.',
      'info: Finished full repository check, no problems found.',
    ],
  })
  expect(await filesOf(store)).toEqual(before)
})

test('an empty repository has no valid data', async () => {
  expect(await check(await newStore())).toEqual({
    clean: false,
    lines: ['info: Starting repository check', 'error: This repository contains no valid data.'],
  })
})

test('damage is named with its place, and nothing is changed without repair', async () => {
  const store = await filled()
  await flip(store, 'data/0/1', 8 + 50)
  const before = await filesOf(store)
  const { clean, lines } = await check(store)

  expect(clean).toBe(false)
  expect(lines).toContainEqual(expect.stringContaining('[segment 1, offset 8]'))
  expect(lines.filter((line) => line.includes('rebuilt index: <not found>'))).toHaveLength(2)
  expect(lines.at(-1)).toBe('error: Finished full repository check, errors found.')
  expect(await filesOf(store)).toEqual(before)
})

test('a repair saves every entry but the damaged one', async () => {
  const store = await filled()
  await flip(store, 'data/0/1', 8 + 50)
  const { clean, lines } = await check(store, { repair: true })

  expect(clean).toBe(true)
  expect(lines.at(-1)).toBe('info: Finished full repository check, errors found and repaired.')
  expect([...(await session(store, contentsOf)).values()].sort()).toEqual(
    names.filter((name) => name !== 'c').map((name) => name.repeat(30)),
  )
  expect((await check(store)).clean).toBe(true)
})

describe('a repair brings back what the log holds, when', () => {
  const losses: readonly [string, (store: MemoryStore) => Promise<void>][] = [
    ['the index is gone', (store) => removeMatching(store, /^(index|hints|integrity)/)],
    ['the commit is gone', (store) => store.remove(storePath('data/0/4'))],
    ['the commit is damaged', (store) => flip(store, 'data/0/4', 10)],
    [
      'index and commit are gone',
      async (store) => {
        await removeMatching(store, /^(index|hints|integrity)/)
        await store.remove(storePath('data/0/4'))
      },
    ],
    ['the index says something else', (store) => store.write(storePath('index.4'), new Uint8Array(100))],
  ]
  test.each(losses)('%s', async (_, lose) => {
    const store = await filled()
    await lose(store)

    expect((await check(store, { repair: true })).clean).toBe(true)
    expect([...(await session(store, contentsOf)).values()].sort()).toEqual(names.map((name) => name.repeat(30)))
    expect((await check(store)).clean).toBe(true)
  })
})

test('a repair leaves an entry of a later borg alone rather than throw it away', async () => {
  const store = await filled()
  const bytes = await store.read(storePath('data/0/1'))
  // PUT2 of borg 2, with the right checksum.
  const later = Uint8Array.from(
    Buffer.from('7fe44e782a000000032e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc678', 'hex'),
  )
  const mixed = new Uint8Array([...bytes, ...later])
  await store.write(storePath('data/0/1'), mixed)

  await expect(check(store, { repair: true })).rejects.toMatchObject({ code: 'IntegrityError' })
  expect(await store.read(storePath('data/0/1'))).toEqual(mixed)
})

test('a partial check goes on where the last one stopped, and forgets that when it reaches the end', async () => {
  const store = await filled()
  const host = new FakeHost()
  const slow = Object.assign(host, { monotonicMs: () => (ticks += 1000) })
  let ticks = 0

  const first = await check(store, { maxSeconds: 2 }, slow)
  expect(first.lines).toContain('info: skipping to segments >= 0')
  expect(first.lines).toContainEqual(
    expect.stringMatching(/^info: finished partial segment check, last segment checked is [1-3]$/),
  )
  expect(first.lines.at(-1)).toBe('info: Finished partial repository check, no problems found.')
  expect(textOf(await store.read(storePath('config')))).toMatch(/^last_segment_checked = [1-3]$/m)

  await flip(store, 'data/0/0', 60)
  const second = await check(store, { maxSeconds: 1000 }, slow)
  expect(second.clean).toBe(true)
  expect(second.lines).toContain('info: finished segment check at segment 4')
  expect(textOf(await store.read(storePath('config')))).not.toContain('last_segment_checked')
  expect((await check(store, { maxSeconds: 1000 }, slow)).clean).toBe(false)
})

test('a full check forgets where a partial one stopped', async () => {
  const store = await filled()
  const config = textOf(await store.read(storePath('config'))).trimEnd()
  await store.write(storePath('config'), bytesOf(`${config}\nlast_segment_checked = 2\n\n`))
  await check(store)

  expect(textOf(await store.read(storePath('config')))).not.toContain('last_segment_checked')
})

test('a segment that was removed and came back is no problem, and goes with a repair', async () => {
  const store = await filled()
  await session(store, async (repository) => {
    await repository.delete(idOf('a'))
    await repository.delete(idOf('b'))
    await repository.commit()
  })
  const old = await store.read(storePath('data/0/0'))
  await session(store, (repository) => repository.commit({ compact: { threshold: 0 } }))
  expect(await store.stat(storePath('data/0/0'))).toBeUndefined()
  await store.write(storePath('data/0/0'), old)

  expect((await check(store)).clean).toBe(true)
  expect((await check(store, { repair: true })).clean).toBe(true)
  expect(await store.stat(storePath('data/0/0'))).toBeUndefined()
})

async function removeMatching(store: MemoryStore, pattern: RegExp): Promise<void> {
  for (const path of (await filesOf(store)).keys()) if (pattern.test(path)) await store.remove(path)
}
