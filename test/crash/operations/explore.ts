/**
 * Deaths of a scenario, on either side, and what may be left after each.
 *
 * The short form spreads a few deaths over each scenario, by TSBORG_SEED; TSBORG_LONG=1 dies at every single call, and
 * looks at all survivors of each.
 */
import { createHash } from 'node:crypto'
import { storePath } from '../../../src/base/ids.ts'
import type { Store } from '../../../src/store/store.ts'
import type { Amnesia, Death } from './machine.ts'
import { Machine, sides } from './machine.ts'
import { Process } from './world.ts'

/** The number of the process that dies, above those of preparations. */
export const dyingProcess = 10

export const long = process.env['TSBORG_LONG'] === '1'
export const seed = Number(process.env['TSBORG_SEED'] ?? 20_261_125)
const shortDeathsMax = 7
const longMixtures = 4

/** What is printed of a failure: with it, the crash can be staged again. */
export interface CrashPoint {
  readonly death: Death | 'after the end'
  readonly amnesia: Amnesia
}

export interface Plan {
  readonly prepare?: (machine: Machine) => Promise<void>
  /** `reached`: something was reported as done, and from then on only this state and later ones will do. */
  readonly run: (process: Process, reached: (state: number) => void) => Promise<void>
  readonly verify: (aftermath: Aftermath) => Promise<void>
  /** The key is on the client. */
  readonly keepsKey?: boolean | undefined
}

export interface Aftermath {
  readonly machine: Machine
  /** The last state that was reported as reached. */
  readonly reached: number
  /** What comes first after the death: a look, or the next backup. */
  readonly first: 'look' | 'backup'
}

export const nothingForgotten: Amnesia = { repository: 'nothing', client: 'nothing' }

/** Returns how many different survivors were looked at. @throws what is wrong with one of them, and how it came about. */
export async function exploreDeaths(plan: Plan): Promise<number> {
  const prepared = new Machine()
  await plan.prepare?.(prepared)
  const rehearsal = await prepared.survivor(nothingForgotten)
  await plan.run(new Process(rehearsal, dyingProcess), () => {})
  const deaths = deathsOf(rehearsal)
  const seen = new Set<string>()
  for (const [turn, death] of deaths.entries()) {
    const { machine, reached } = await die(plan, prepared, death)
    if (machine.dead !== death.dieAt < rehearsal[death.side].operations) {
      throw new Error('the scenario has not the same operations each time')
    }
    for (const amnesia of amnesias(turn, plan)) {
      const first = (turn + seen.size) % 2 === 0 ? 'look' : 'backup'
      const point: CrashPoint = { death: machine.dead ? death : 'after the end', amnesia }
      const survivor = await machine.survivor(amnesia)
      const print = `${reached} ${await fingerprint(survivor.repository)} ${await fingerprint(survivor.client)}`
      if (!seen.has(print)) await verify(point, plan.verify({ machine: survivor, reached, first }))
      seen.add(print)
      survivor.forget()
    }
    machine.forget()
  }
  return seen.size
}

/** Of one machine that went through all of it: at calls on either side, and once after the end. */
function deathsOf(rehearsal: Machine): readonly Death[] {
  const during = sides.flatMap((side) =>
    Array.from({ length: rehearsal[side].operations }, (_, dieAt): Death => ({ side, dieAt })),
  )
  return [...chosen(during, shortDeathsMax), { side: 'repository', dieAt: rehearsal.repository.operations }]
}

/** All, or an even choice. */
export function chosen<T>(all: readonly T[], shortMax: number): readonly T[] {
  const step = long ? 1 : Math.max(1, all.length / shortMax)
  const places = new Set<number>()
  for (let place = ((seed % 100) / 100) * step; place < all.length; place += step) places.add(Math.floor(place))
  return all.filter((_, place) => places.has(place))
}

async function die(plan: Plan, prepared: Machine, death: Death): Promise<{ machine: Machine; reached: number }> {
  const machine = await prepared.survivor(nothingForgotten, death)
  let reached = 0
  try {
    await plan.run(new Process(machine, dyingProcess), (state) => {
      reached = state
    })
  } catch (error) {
    // Whatever is thrown after the death is its consequence, in whatever wrapping.
    if (!machine.dead) throw error
  }
  return { machine, reached }
}

/** In the short form each death has one survivor: the plain ones and mixtures take turns. */
function amnesias(turn: number, { keepsKey }: Plan): readonly Amnesia[] {
  const plain: Amnesia[] = [
    nothingForgotten,
    { repository: 'everything', client: 'everything' },
    { repository: 'everything', client: 'nothing' },
    { repository: 'nothing', client: 'everything' },
  ]
  if (keepsKey !== true)
    plain.push({ repository: 'nothing', client: 'lost' }, { repository: 'everything', client: 'lost' })
  const mixed = Array.from({ length: longMixtures }, (_, i): Amnesia => {
    const first = seed + 1000 * turn + 2 * i
    return { repository: first, client: first + 1 }
  })
  const all = [...plain, ...mixed]
  return long ? all : all.slice((turn + seed) % all.length).slice(0, 1)
}

/** Two survivors with the same are the same. */
async function fingerprint(store: Store): Promise<string> {
  const lines: string[] = []
  const folders = [storePath('')]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const claim = storePath(folder === '' ? 'lock.exclusive' : `${folder}/lock.exclusive`)
    lines.push(`${claim} ${await store.owners(claim)}`)
    for await (const { kind, path } of store.list(folder)) {
      if (kind === 'folder') folders.push(path)
      else
        lines.push(
          `${path} ${createHash('sha256')
            .update(await store.read(path))
            .digest('base64')}`,
        )
    }
  }
  return createHash('sha256').update(lines.sort().join('\n')).digest('base64')
}

async function verify(point: CrashPoint, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new Error(`after ${JSON.stringify(point)}, TSBORG_SEED=${seed}: ${what}`, { cause: error })
  }
}
