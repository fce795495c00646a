/**
 * Every crash of everything that writes to a repository. test/crash/long/ tries more mixtures of what a
 * crash may forget, and crashes again while recovering.
 */
import { expect, test } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import type { Store } from '../../src/store/store.ts'
import { bytesOf, prepare, session } from '../repository/world.ts'
import { exploreCrashes } from '../support/explore-crashes.ts'
import { expectSound, type State } from './repository-crashes.ts'
import { scenarios } from './repository-scenarios.ts'

const seeds = 3

test.each(scenarios)('a crash at any moment of "$name" leaves a sound repository', async (scenario) => {
  const verified = await exploreCrashes({
    prepare: scenario.prepare,
    scenario: scenario.run,
    verify: (survivor) => expectSound(survivor, scenario.states, scenario.deleted ?? []),
    seeds,
  })

  expect(verified).toBeGreaterThan(seeds)
})

test('a crash while a new repository is laid out leaves nothing, or a whole repository', async () => {
  const empty: State = {}
  const verified = await exploreCrashes({
    scenario: (store) => prepare(store),
    verify: async (survivor) => {
      if (!(await hasConfig(survivor))) return
      await expectSound(survivor, [empty], [])
    },
    seeds,
  })

  expect(verified).toBeGreaterThan(seeds)
})

test('a crash while a key is saved leaves the old config or the new one', async () => {
  const verified = await exploreCrashes({
    prepare: async (store) => {
      await prepare(store)
      await session(store, (repository) => repository.saveKey(bytesOf('old\nkey')))
    },
    scenario: (store) => session(store, (repository) => repository.saveKey(bytesOf('new\nkey'))),
    verify: async (survivor) => {
      const key = await session(survivor, (repository) => repository.loadKey(), { access: 'unlocked' })
      expect(['old\nkey', 'new\nkey']).toContain(new TextDecoder().decode(key))
    },
    seeds,
  })

  expect(verified).toBeGreaterThan(seeds)
})

test('a crash while nonces are reserved never makes a reserved nonce free again', async () => {
  const verified = await exploreCrashes({
    prepare: async (store) => {
      await prepare(store)
      await session(store, (repository) => repository.reserveNonce(100n, undefined))
    },
    scenario: (store) => session(store, (repository) => repository.reserveNonce(200n, 100n)),
    verify: async (survivor, { dieAt }) => {
      const free = await session(survivor, (repository) => repository.freeNonce(), { access: 'unlocked' })
      expect([100n, 200n]).toContain(free)
      if (dieAt === Number.POSITIVE_INFINITY) expect(free).toBe(200n)
    },
    seeds,
  })

  expect(verified).toBeGreaterThan(seeds)
})

async function hasConfig(store: Store): Promise<boolean> {
  return (await store.stat(storePath('config'))) !== undefined
}
