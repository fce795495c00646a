/**
 * Whole verbs on a machine that loses its power at any of their calls, to the repository or to the client's own folders.
 * TSBORG_LONG=1 stages every death, TSBORG_SEED the same ones again.
 */
import { afterAll, expect, test, vi } from 'vitest'
import { removeTempFolder } from '../../support/temp-folder.ts'
import { exploreDeaths, long, seed } from './explore.ts'
import { scenarios } from './scenarios.ts'
import { Source } from './world.ts'

vi.mock('../../../src/store/local-store.ts', () => import('./local-store.ts'))
// Deriving keys as slowly as borg does would take all of the time.
vi.mock('../../../src/base/limits.ts', async (original) => ({ ...(await original<object>()), pbkdf2Iterations: 1 }))

const source = new Source()
afterAll(() => removeTempFolder(source.folder))

console.info(`TSBORG_SEED=${seed}`)

test.each(scenarios)(
  'a death at any moment of "$name" loses nothing that was saved',
  async (scenario) => {
    const survivors = await exploreDeaths(scenario, source)

    console.info(`${scenario.name}: ${survivors} survivors`)
    expect(survivors).toBeGreaterThan(2)
  },
  long ? 3_600_000 : 120_000,
)
