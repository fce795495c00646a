/**
 * The long form of repository.test.ts, with TSBORG_LONG=1: more mixtures of what a crash may forget, random transactions,
 * and a second crash at every moment of the recovery from the first.
 */
import { expect, test } from 'vitest'
import { bytesOf, idOf, prepare, session } from '../../repository/world.ts'
import type { CrashStore } from '../../support/crash-store.ts'
import { type CrashPoint, exploreCrashes } from '../../support/explore-crashes.ts'
import { afterCrash, expectOneOf, expectSound, smallSegments, type State } from '../repository-crashes.ts'
import { scenarios } from '../repository-scenarios.ts'

const isLong = process.env['TSBORG_LONG'] === '1'
if (!isLong) console.warn('SKIPPED: the long crash exploration of repositories; set TSBORG_LONG=1')
const baseSeed = Number(process.env['TSBORG_SEED'] ?? 1)

test.runIf(isLong).each(scenarios)(
  'many mixtures after each crash of "$name"',
  async ({ prepare: before, run, states, deleted = [] }) => {
    const verified = await exploreCrashes({
      prepare: before,
      scenario: run,
      verify: (survivor) => expectSound(survivor, states, deleted),
      seeds: 60,
    })
    console.log(`${verified} states verified`)
  },
  3_600_000,
)

test.runIf(isLong).each(scenarios)(
  'a second crash, at any moment of the recovery from any crash of "$name"',
  async ({ prepare: before, run, states }) => {
    let verified = 0
    await exploreCrashes({
      prepare: before,
      scenario: run,
      verify: async (survivor, point) => {
        const state = await expectOneOf(survivor, states)
        verified += await crashAgain(survivor, point, state)
      },
      seeds: 2,
    })
    console.log(`${verified} states verified`)
    expect(verified).toBeGreaterThan(0)
  },
  3_600_000,
)

test.runIf(isLong)(
  'random transactions survive every crash',
  async () => {
    for (let seed = baseSeed; seed < baseSeed + 30; seed++) {
      console.log(`seed ${seed}`)
      const { transactions, states, deleted } = randomHistory(seed)
      await exploreCrashes({
        prepare: async (store) => {
          await prepare(store, smallSegments)
          await transactions[0]?.(store)
        },
        scenario: async (store) => {
          for (const transaction of transactions.slice(1)) await transaction(store)
        },
        verify: (survivor) => expectSound(survivor, states, deleted),
        seeds: 3,
      })
    }
  },
  3_600_000,
)

/** Recovers and commits one object more; dies in every operation of that. The state found after the first crash is kept. */
async function crashAgain(survivor: CrashStore, { forgetting }: CrashPoint, state: State): Promise<number> {
  const recover = (store: CrashStore): Promise<void> =>
    afterCrash(store, 'write', async (repository) => {
      await repository.put(idOf('second'), bytesOf('try'))
      await repository.commit({ compact: { threshold: 0.1 } })
    })
  const whole = await survivor.survivor('nothing')
  await recover(whole)
  let verified = 0
  for (let dieAt = 0; dieAt <= whole.operations; dieAt++) {
    const store = await survivor.survivor('nothing', { dieAt })
    await recover(store).catch((error: unknown) => {
      if (!store.dead) throw error
    })
    for (const choice of ['nothing', 'everything', typeof forgetting === 'number' ? forgetting : 7] as const) {
      await expectOneOf(await store.survivor(choice), [state, { ...state, second: 'try' }])
      verified += 1
    }
  }
  return verified
}

function randomHistory(seed: number): {
  transactions: ((store: CrashStore) => Promise<void>)[]
  states: State[]
  deleted: string[]
} {
  let chance = seed * 2654435761
  const below = (limit: number): number => {
    chance = (Math.imul(chance ^ (chance >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    return (chance >>> 8) % limit
  }
  const names = ['MANIFEST', ...'abcdefgh']
  const states: State[] = []
  const transactions: ((store: CrashStore) => Promise<void>)[] = []
  let state: State = {}
  for (let number = 0; number < 4; number++) {
    const acts = Array.from({ length: 1 + below(8) }, () => ({
      name: names[below(names.length)] ?? 'a',
      size: below(3) === 0 ? 0 : below(120),
      remove: below(3) === 0 && number > 0,
    }))
    const end = number === 0 ? 'commit' : (['commit', 'compact', 'rollback'] as const)[below(3)]
    const steps: ((store: Parameters<Parameters<typeof session>[1]>[0]) => Promise<void>)[] = []
    let next = { ...state }
    for (const { name, size, remove } of acts) {
      if (remove && name in next) {
        const { [name]: _, ...rest } = next
        next = rest
        steps.push((repository) => repository.delete(idOf(name)))
      } else {
        const text = `${number}`.repeat(size)
        next = { ...next, [name]: text }
        steps.push((repository) => repository.put(idOf(name), bytesOf(text)))
      }
    }
    if (end !== 'rollback') state = next
    states.push(state)
    transactions.push((store) =>
      session(store, async (repository) => {
        for (const step of steps) await step(repository)
        if (end === 'rollback') await repository.rollback()
        else await repository.commit(end === 'compact' ? { compact: { threshold: 0.1 } } : {})
      }),
    )
  }
  return { transactions, states, deleted: names }
}
