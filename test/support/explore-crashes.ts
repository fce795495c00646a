/**
 * Stages every crash of a scenario, or a failure of any single call.
 */
import { CrashStore, type Forgetting } from './crash-store.ts'
import type { BeforeCall, StoreVerb } from './recording-store.ts'

/** Where and how a crash happened: print it, and the crash can be staged again. */
export interface CrashPoint {
  readonly dieAt: number
  readonly forgetting: Forgetting
}

/**
 * Runs `scenario` on what `prepare` left behind, once for every operation it consists of, dies there, and shows `verify`
 * each state that may be left: nothing forgotten, everything, and `seeds` mixtures. A failure names its crash point.
 * Returns how many states were verified.
 */
export async function exploreCrashes(plan: {
  readonly prepare?: (store: CrashStore) => Promise<void>
  readonly scenario: (store: CrashStore) => Promise<void>
  readonly verify: (survivor: CrashStore, point: CrashPoint) => Promise<void>
  readonly seeds?: number
}): Promise<number> {
  const first = new CrashStore()
  await plan.prepare?.(first)
  const whole = await first.survivor('nothing')
  await plan.scenario(whole)
  const seeds = Array.from({ length: plan.seeds ?? 20 }, (_, i) => i + 1)
  let verified = 0
  // One more than there are operations: a crash after the last one.
  for (let dieAt = 0; dieAt <= whole.operations; dieAt++) {
    const store = await first.survivor('nothing', { dieAt })
    try {
      await plan.scenario(store)
    } catch (error) {
      // Whatever is thrown after the death is its consequence, in whatever wrapping.
      if (!store.dead) throw error
    }
    if (store.dead !== dieAt < whole.operations) {
      throw new Error(`the scenario has not the same ${whole.operations} operations each time`)
    }
    for (const forgetting of ['nothing', 'everything', ...seeds] as const) {
      // Seeds differ from point to point, so that together they see more.
      const seeded = typeof forgetting === 'number' ? forgetting + 1000 * dieAt : forgetting
      const point: CrashPoint = { dieAt, forgetting: seeded }
      try {
        await plan.verify(await store.survivor(seeded), point)
      } catch (error) {
        throw new Error(`after ${JSON.stringify(point)}: ${error instanceof Error ? error.message : error}`, {
          cause: error,
        })
      }
      verified += 1
    }
  }
  return verified
}

/** For a RecordingStore: call number `at` (from 0, among those `concerns` accepts) fails, and with 'forever' all after it. */
export function failAt(fault: {
  readonly at: number
  readonly code: 'EIO' | 'ENOSPC'
  readonly lasts: 'once' | 'forever'
  readonly verbs?: readonly StoreVerb[]
}): BeforeCall {
  let seen = 0
  return ({ verb, path }) => {
    if (fault.verbs !== undefined && !fault.verbs.includes(verb)) return
    const number = seen
    seen += 1
    if (number < fault.at || (number > fault.at && fault.lasts === 'once')) return
    const message = fault.code === 'EIO' ? 'i/o error' : 'no space left on device'
    throw Object.assign(new Error(`${fault.code}: ${message}, ${verb} '${path}'`), { code: fault.code, path })
  }
}
