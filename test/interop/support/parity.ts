/**
 * The same words to several programs: each works on its own copy of one world, and what they print is made comparable.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { casesOfForm, type Optional } from '../../support/long-form.ts'
import { type BorgRun, BorgWorld, type RealBorg } from '../../support/real-borg.ts'
import { builtCli, isBuilt } from './built-cli.ts'
import { type NormalRun, normalRun } from './normal-output.ts'

export interface Step extends Optional {
  readonly args: readonly string[]
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string
  /** Borg 1.2 words it otherwise. */
  readonly not12?: true
  /** Changes the repository: all must do it, also those nobody compares with. */
  readonly changes?: true
  /** Things come in the order of inode numbers, which copies of a tree do not share. */
  readonly unordered?: true
  /** Done to every world before. */
  readonly prepare?: (world: BorgWorld) => void
  /** What is not compared, and why: see the masks. */
  readonly mask?: Mask
}

export type Mask = (line: string) => string | undefined

interface Player {
  readonly name: string
  readonly command: string
  readonly before: readonly string[]
  readonly world: BorgWorld
}

/** Declares a test for every step of this form; they build on each other. */
export function compareSteps(
  name: string,
  borgs: readonly RealBorg[],
  steps: readonly Step[],
  extend: (world: BorgWorld, command: string) => void = () => undefined,
): void {
  describe.skipIf(borgs.length === 0 || !isBuilt)(name, () => {
    const players: Player[] = []
    const player = (name: string, command: string, before: readonly string[] = []): void => {
      players.push({ name, command, before, world: new BorgWorld() })
    }
    beforeAll(async () => {
      const original = new BorgWorld()
      makeWorld(original, borgs[0]?.command ?? '')
      extend(original, borgs[0]?.command ?? '')
      player('tsborg', process.execPath, [builtCli])
      for (const borg of borgs) player(borg.version, borg.command)
      for (const { world } of players) execFileSync('cp', ['-a', `${original.folder}/.`, world.folder])
      original.remove()
      // The copies are elsewhere: they are told so once, before anything is compared.
      for (const each of players) await play(each, { args: ['info', 'repo'] })
    })
    afterAll(() => {
      for (const { world } of players) world.remove()
    })

    test.each(casesOfForm(name, steps).map((step) => ({ step, title: titleOf(step) })))('$title', async ({ step }) => {
      const comparable = players.filter(({ name }) => !(name.startsWith('1.2') && step.not12 === true))
      const playing = step.changes === true ? players : comparable
      const runs = await Promise.all(playing.map(async (each) => ({ by: each, run: await play(each, step) })))
      const [ours, ...theirs] = runs.filter(({ by }) => comparable.includes(by))
      for (const { by, run } of theirs) expect({ by: by.name, ...ours?.run }).toEqual({ by: by.name, ...run })
    })
  })
}

function titleOf({ args, environment = {} }: Step): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  return [...variables, 'borg', ...args].join(' ')
}

async function play({ command, before, world }: Player, step: Step): Promise<NormalRun> {
  const { mask = (line: string) => line, unordered = false } = step
  step.prepare?.(world)
  const run = normalRun(await runAlongside(world, command, [...before, ...step.args], step), world.folder)
  const masked = (lines: readonly string[]): readonly string[] => {
    const left = lines.flatMap((line) => mask(line) ?? [])
    return unordered ? [...left].sort() : left
  }
  return { code: run.code, stdout: masked(run.stdout), stderr: masked(run.stderr) }
}

/** As `BorgWorld.run`, while others run too. */
async function runAlongside(world: BorgWorld, command: string, args: readonly string[], step: Step): Promise<BorgRun> {
  const child = spawn(command, args, {
    cwd: world.path(step.cwd ?? '.'),
    env: { ...world.environment, ...step.environment },
  })
  const read = async (stream: AsyncIterable<Buffer>): Promise<string> => {
    const parts: Buffer[] = []
    for await (const part of stream) parts.push(part)
    return Buffer.concat(parts).toString('utf8')
  }
  child.stdin.on('error', () => undefined) // not everybody reads it
  child.stdin.end(step.input ?? '')
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr)])
  const [code] = (await closed) as [number | null]
  return { code, stdout, stderr }
}

/** A repository with a backup a day, made by `command`. */
function makeWorld(world: BorgWorld, command: string): void {
  mkdirSync(world.path('tree', 'folder'), { recursive: true })
  mkdirSync(world.path('out'))
  const file = (name: string, content: string): void => writeFileSync(join(world.path('tree'), name), content)
  file('small', 'small\n')
  file('text', 'a line of text\n'.repeat(2000))
  file('ünïcödé', 'name')
  file('folder/first-name', 'linked')
  linkSync(world.path('tree', 'folder', 'first-name'), world.path('tree', 'folder', 'second-name'))
  symlinkSync('folder/first-name', world.path('tree', 'link'))
  execFileSync('mkfifo', [world.path('tree', 'fifo')])
  execFileSync('touch', ['-h', '-d', '2020-02-02T02:02:02.123456Z', ...treePaths(world)])
  world.must(command, ['init', '-e', 'repokey', 'repo'])
  for (let day = 1; day <= 5; day++) {
    file('text', `a line of day ${day}\n`.repeat(2000))
    execFileSync('touch', ['-d', '2020-02-02T02:02:02.123456Z', world.path('tree', 'text')])
    const archive = `repo::day-${day}`
    world.must(command, [
      'create',
      '--timestamp',
      `2020-03-0${day}T10:00:00`,
      '--comment',
      `no. ${day}`,
      archive,
      'tree',
    ])
  }
}

function treePaths(world: BorgWorld): readonly string[] {
  return execFileSync('find', [world.path('tree'), '-depth'], { encoding: 'utf8' })
    .trim()
    .split('\n')
}
