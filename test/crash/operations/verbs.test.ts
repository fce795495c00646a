/**
 * Whole verbs on a machine that loses its power at any of their calls, to the repository or to the client's own folders.
 * TSBORG_LONG=1 stages every death, TSBORG_SEED the same ones again.
 */
import { afterAll, expect, test, vi } from 'vitest'
import { removeTempFolder } from '../../support/temp-folder.ts'
import { exploreDeaths, long, seed } from './explore.ts'
import { scenarios } from './scenarios.ts'
import { expectInitialised, expectSound } from './sound.ts'
import { Source } from './world.ts'

vi.mock('../../../src/store/local-store.ts', () => import('./local-store.ts'))
// Deriving keys as slowly as borg does would take all of the time.
vi.mock('../../../src/base/limits.ts', async (original) => ({ ...(await original<object>()), pbkdf2Iterations: 1 }))

const timeout = long ? 3_600_000 : undefined
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
      verify: (aftermath) => expectInitialised(aftermath, source, mode),
      keepsKey: mode === 'keyfile-blake2',
    })

    console.info(`init with mode ${mode}: ${survivors} survivors`)
    expect(survivors).toBeGreaterThan(2)
  },
  timeout,
)
