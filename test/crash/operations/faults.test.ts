/**
 * Whole verbs while calls to the repository or to the client's own folders fail, and the process lives on.
 * TSBORG_LONG=1 lets every single call fail, TSBORG_SEED the same ones again.
 */
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { isBorgError } from '../../../src/base/errors.ts'
import { removeTempFolder } from '../../support/temp-folder.ts'
import { chosen, dyingProcess, long, nothingForgotten, seed } from './explore.ts'
import { Machine, type MachineCall } from './machine.ts'
import { type Scenario, scenarios } from './scenarios.ts'
import { expectInitialised, expectOneOf, expectSound, expectUnlocked } from './sound.ts'
import { Process, Source } from './world.ts'

vi.mock('../../../src/store/local-store.ts', () => import('./local-store.ts'))
vi.mock('../../../src/base/limits.ts', async (original) => ({ ...(await original<object>()), pbkdf2Iterations: 1 }))

const timeout = long ? 3_600_000 : 120_000
const source = new Source()
afterAll(() => removeTempFolder(source.folder))

const unhandled: unknown[] = []
process.on('unhandledRejection', (error) => void unhandled.push(error))
afterEach(() => {
  expect(unhandled.splice(0)).toEqual([])
})

console.info(`TSBORG_SEED=${seed}`)

interface Fault {
  readonly at: number
  readonly code: 'EIO' | 'ENOSPC'
  readonly lasts: 'once' | 'forever'
}

/** A full disk can still be read, and things can be removed from it. */
const filling: readonly MachineCall['verb'][] = [
  'createRoot',
  'write',
  'writeInOrder',
  'append',
  'appendWrite',
  'flush',
  'seal',
  'claim',
]
/** Shown by `dispose` as a log line instead of an error; what remains is taken over later. */
const unlocking = /^(unclaim|owners) .*lock\.exclusive$|^(read|write|remove) .*lock\.roster$/
const shortFaultsMax = 1
const kinds = [
  ['EIO', 'once'],
  ['EIO', 'forever'],
  ['ENOSPC', 'once'],
  ['ENOSPC', 'forever'],
] as const

test.each(scenarios)(
  'calls that fail during "$name" are told, and leave everything sound and unlocked',
  async (scenario) => {
    const prepared = new Machine()
    await scenario.prepare(prepared, source)
    for (const fault of await faultsOf(prepared, (process, reached) => scenario.run(process, source, reached))) {
      const machine = await prepared.survivor(nothingForgotten)
      await withStory(fault, expectRobust(machine, scenario, fault))
      machine.forget()
    }
  },
  timeout,
)

test('calls that fail during "init" are told, and leave a whole repository or nothing of worth, unlocked', {
  timeout,
}, async () => {
  const nothing = new Machine()
  const run = (process: Process): Promise<void> => process.init()
  for (const fault of await faultsOf(nothing, run)) {
    const machine = await nothing.survivor(nothingForgotten)
    const told = attempt(machine, fault, run).then(({ error }) =>
      expectInitialised({ machine, reached: error === undefined ? 1 : 0 }, source, 'repokey'),
    )
    await withStory(fault, told)
    machine.forget()
  }
})

type Run = (process: Process, reached: (state: number) => void) => Promise<void>

/** Of each kind, all there are or a few. */
async function faultsOf(prepared: Machine, run: Run): Promise<readonly Fault[]> {
  const rehearsal = await prepared.survivor(nothingForgotten)
  const calls: MachineCall[] = []
  rehearsal.before = (call) => void calls.push(call)
  await run(new Process(rehearsal, dyingProcess), () => {})
  return kinds.flatMap(([code, lasts]) => {
    const concerned = calls.filter((call) => concerns(code, call))
    return chosen(
      concerned.map((_, at): Fault => ({ at, code, lasts })),
      shortFaultsMax,
    )
  })
}

/** Runs into the fault. Fails unless the error tells of it, and the lock is gone if that was possible. */
async function attempt(
  machine: Machine,
  fault: Fault,
  run: Run,
): Promise<{ worker: Process; reached: number; error: unknown }> {
  const worker = new Process(machine, dyingProcess)
  const failed = inject(machine, fault)
  let reached = 0
  let error: unknown
  try {
    await run(worker, (state) => {
      reached = state
    })
  } catch (thrown) {
    error = thrown ?? new Error('nothing was thrown')
  }
  machine.before = () => {}
  // Whatever nobody waits for shows now.
  await new Promise(setImmediate)
  expect(unhandled.splice(0)).toEqual([])
  expect(failed.length).toBeGreaterThan(0)
  if (error !== undefined) expectTold(error, fault.code, failed)
  const canUnlock = fault.code === 'ENOSPC' || (fault.lasts === 'once' && !failed.some((line) => unlocking.test(line)))
  if (canUnlock) await expectUnlocked(machine)
  return { worker, reached, error }
}

async function expectRobust(machine: Machine, scenario: Scenario, fault: Fault): Promise<void> {
  const { worker, reached } = await attempt(machine, fault, (process, tell) => scenario.run(process, source, tell))
  // The process that lives on is not locked out by itself.
  await expectOneOf(worker, scenario.states(source).slice(reached))
  await expectSound({ machine, reached, first: fault.at % 2 === 0 ? 'look' : 'backup' }, scenario, source)
}

/** Lets calls fail; returns what did. */
function inject(machine: Machine, fault: Fault): readonly string[] {
  const failed: string[] = []
  let seen = 0
  machine.before = (call) => {
    if (!concerns(fault.code, call)) return
    const number = seen
    seen += 1
    if (number < fault.at || (number > fault.at && fault.lasts === 'once')) return
    failed.push(`${call.verb} ${call.path}`)
    const words = fault.code === 'EIO' ? 'i/o error' : 'no space left on device'
    throw Object.assign(new Error(`${fault.code}: ${words}, ${call.verb} '${call.path}'`), {
      code: fault.code,
      path: call.path,
    })
  }
  return failed
}

function concerns(code: Fault['code'], { verb }: MachineCall): boolean {
  return code === 'EIO' || filling.includes(verb)
}

/** Borg's own error, or the system's with the name of a file. */
function expectTold(error: unknown, code: string, failed: readonly string[]): void {
  if (isBorgError(error)) return
  const message = error instanceof Error ? error.message : String(error)
  const named = failed.some((line) => message.includes(line.slice(line.indexOf(' ') + 1)))
  if (!named || !message.includes(code)) throw new Error(`an error that tells nothing: ${message}`, { cause: error })
}

async function withStory(fault: Fault, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new Error(`with ${JSON.stringify(fault)}, TSBORG_SEED=${seed}: ${what}`, { cause: error })
  }
}
