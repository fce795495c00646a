/**
 * Whole verbs on a machine that loses its power at any of their calls, to the repository or to the client's own folders.
 * TSBORG_LONG=1 stages every death, TSBORG_SEED the same ones again.
 */
import { afterAll, expect, test, vi } from 'vitest'
import { isBorgError } from '../../../src/base/errors.ts'
import type { KeyMode } from '../../../src/crypto/key-material.ts'
import { removeTempFolder } from '../../support/temp-folder.ts'
import { exploreDeaths, type Aftermath, long, seed } from './explore.ts'
import { Machine } from './machine.ts'
import { scenarios } from './scenarios.ts'
import { expectSound } from './sound.ts'
import { Process, Source } from './world.ts'

vi.mock('../../../src/store/local-store.ts', () => import('./local-store.ts'))
// Deriving keys as slowly as borg does would take all of the time.
vi.mock('../../../src/base/limits.ts', async (original) => ({ ...(await original<object>()), pbkdf2Iterations: 1 }))

const timeout = long ? 3_600_000 : 120_000
const source = new Source()
afterAll(() => removeTempFolder(source.folder))

console.info(`TSBORG_SEED=${seed}`)

test.each(scenarios)(
  'a death at any moment of "$name" loses nothing that was saved',
  async (scenario) => {
    const survivors = await exploreDeaths({
      prepare: (machine) => scenario.prepare(machine, source),
      run: (process, reached) => scenario.run(process, source, reached),
      verify: (aftermath) => expectSound(aftermath, scenario, source),
      keepsKey: scenario.keepsKey,
    })

    console.info(`${scenario.name}: ${survivors} survivors`)
    expect(survivors).toBeGreaterThan(2)
  },
  timeout,
)

test.each(['repokey', 'keyfile-blake2'] as const)(
  'a death at any moment of "init" with mode %s leaves a whole repository, or nothing of worth',
  async (mode) => {
    const survivors = await exploreDeaths({
      run: async (process, reached) => {
        await process.init(mode)
        reached(1)
      },
      verify: (aftermath) => expectInitialised(aftermath, mode),
      keepsKey: mode === 'keyfile-blake2',
    })

    console.info(`init with mode ${mode}: ${survivors} survivors`)
    expect(survivors).toBeGreaterThan(2)
  },
  timeout,
)

/** Either the repository can be used, or it is refused, and after its removal another one can be made in its place. */
async function expectInitialised({ machine, reached }: Aftermath, mode: KeyMode & ('repokey' | 'keyfile-blake2')) {
  let usable = machine
  try {
    await new Process(machine, 11).read(async () => {})
  } catch (error) {
    if (reached > 0) throw error
    const codes = ['Repository.DoesNotExist', 'Repository.InvalidRepository', 'NoManifestError'] as const
    if (!codes.some((code) => isBorgError(error, code))) throw error
    await machine.store.removeAll()
    // Another key, so another key stream.
    usable = new Machine(machine.repository, machine.client)
    await new Process(usable, 12).init(mode)
  }
  const options = { prepare: async () => {}, run: async () => {}, states: () => [{ archives: {} }], name: 'init' }
  await expectSound({ machine: usable, reached: 0, first: 'look' }, options, source)
  usable.forget()
}
