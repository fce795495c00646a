/**
 * One repository, several programs, in turns: each deduplicates against what the others wrote, knows the files they saw,
 * removes their archives, and all of them find everything in order after each turn.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { inputBytes } from '../support/vectors.ts'
import { isLong } from '../support/long-form.ts'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { builtCli, isBuilt } from './support/built-cli.ts'
import { CounterUse } from './support/counter-use.ts'
import { comparable, treeFacts } from './support/tree-facts.ts'

// A round is eight programs started; machines may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 })

/** The short form ends when somebody has deleted, somebody compacted and somebody pruned. */
const rounds = isLong ? 10 : 5
if (!isLong) console.warn(`SKIPPED: rounds of turns after ${rounds}; TSBORG_LONG=1 runs all`)
const newSize = 200_000
const steadyFiles = 12

interface Program {
  readonly name: string
  readonly command: string
  readonly before: readonly string[]
}

const borgs: readonly Program[] = findBorgs().map(({ version, command }) => ({
  name: `borg ${version}`,
  command,
  before: [],
}))
const ours: Program = { name: 'tsborg', command: process.execPath, before: [builtCli] }
const programs = [...borgs, ours]
/** Every borg hands over to us, and we to the next. */
const turns = borgs.flatMap((borg) => [borg, ours])

/** What the one whose turn it is does after its backup; `{oldest}` is the oldest archive. */
const extraWork: Readonly<Record<number, readonly string[]>> = {
  2: ['delete', '{repository}::{oldest}'],
  3: ['compact', '--threshold', '0', '{repository}'],
  4: ['prune', '--keep-last', '3', '{repository}'],
  5: ['delete', '{repository}::{oldest}'],
  6: ['compact', '--threshold', '0', '{repository}'],
  7: ['prune', '--keep-last', '2', '{repository}'],
  8: ['compact', '{repository}'],
}

interface CreateDocument {
  readonly archive: { readonly stats: { readonly deduplicated_size: number; readonly original_size: number } }
  readonly cache: { readonly stats: Readonly<Record<string, number>> }
}

const variants = [
  { title: 'with one cache and security directory for all', mode: 'repokey', shared: true },
  { title: 'each with its own cache and security directory', mode: 'repokey-blake2', shared: false },
]

describe.skipIf(borgs.length === 0 || !isBuilt).each(variants)('$title', ({ mode, shared }) => {
  const world = new BorgWorld()
  const repository = world.path('repository')
  const spent = new CounterUse()
  const archives: string[] = []

  function run(program: Program, args: readonly string[], cwd?: string): { stdout: string; stderr: string } {
    const environment = shared ? {} : { BORG_BASE_DIR: world.path('bases', program.name) }
    return world.must(program.command, [...program.before, ...args], {
      environment,
      ...(cwd === undefined ? {} : { cwd }),
    })
  }

  beforeAll(() => {
    mkdirSync(world.path('tree', 'steady'), { recursive: true })
    for (const program of programs) mkdirSync(world.path('bases', program.name), { recursive: true })
    for (let i = 0; i < steadyFiles; i++) {
      writeFileSync(
        world.path('tree', 'steady', `file-${i}`),
        inputBytes([{ gen: 'sha256ctr', seed: `${i}`, len: 100_000 }]),
      )
    }
    run(programs[0] ?? ours, ['init', '-e', mode, repository])
  })
  afterAll(() => world.remove())

  for (let round = 0; round < rounds; round++) {
    const program = turns[round % turns.length] ?? ours
    const extra = extraWork[round]
    test(`round ${round}: ${program.name} backs up${extra === undefined ? '' : `, then ${extra[0]}`}`, async () => {
      await changeTree(round)
      const archive = `archive-${round}`
      const created = run(program, ['create', '-v', '--list', '--json', `${repository}::${archive}`, '.'], 'tree')
      archives.push(archive)
      const { archive: made, cache } = JSON.parse(created.stdout) as CreateDocument
      const statuses = statusesOf(created.stderr)

      // What only this round has is new, and nothing else: the metadata of the archive is small.
      const expected = newSize + (round === 0 ? steadyFiles * 100_000 : 0)
      expect(made.stats.original_size).toBeGreaterThanOrEqual(steadyFiles * 100_000 + newSize)
      expect(made.stats.deduplicated_size).toBeGreaterThanOrEqual(expected)
      expect(made.stats.deduplicated_size).toBeLessThan(expected + 20_000)

      expect(statuses.get(`added-${round}`)).toBe('A')
      if (shared && round > 0) {
        expect(created.stderr).not.toMatch(/[Ss]ynchroniz/)
        expect(statuses.get('changing')).toBe('M')
        for (let i = 0; i < steadyFiles; i++) expect([i, statuses.get(`steady/file-${i}`)]).toEqual([i, 'U'])
      }
      spent.addLog(repository)

      if (extra !== undefined) doExtra(program, extra)
      spent.addLog(repository)
      for (const checker of programs) {
        const check = run(checker, ['check', '--verify-data', repository])
        expect([checker.name, check.stderr]).toEqual([checker.name, ''])
      }

      // All count alike, and from what the other left behind.
      const [reader, ...others] = programs.filter((other) => other !== program)
      const stats = [program, reader, ...(round === rounds - 1 ? others : [])].map((each) =>
        statsBy(each ?? ours, shared),
      )
      for (const other of stats) expect(other).toEqual(stats[0])
      if (extra === undefined) expect(stats[0]).toEqual(cache.stats)
    })
  }

  test('all archives that are left are listed, and the last one restored, alike by all', () => {
    const source = [...comparable(treeFacts([world.path('tree')]).get(world.path('tree')) ?? []).values()]
    for (const program of programs) {
      expect(run(program, ['list', '--short', repository]).stdout.trim().split('\n')).toEqual(archives)
      const copy = `copy by ${program.name}`
      mkdirSync(world.path(copy))
      run(program, ['extract', `${repository}::${archives.at(-1)}`], copy)
      expect([...comparable(treeFacts([world.path(copy)]).get(world.path(copy)) ?? []).values()]).toEqual(source)
    }
  })

  test('no counter of the cipher was used twice', () => {
    expect(spent.size).toBeGreaterThan(rounds * 3)
    expect(spent.overlaps()).toEqual([])
  })

  function statsBy(program: Program, quietly: boolean): Readonly<Record<string, number>> {
    const info = run(program, ['info', '-v', '--json', repository])
    if (quietly) expect(info.stderr).not.toMatch(/[Ss]ynchroniz/)
    return (JSON.parse(info.stdout) as CreateDocument).cache.stats
  }

  function doExtra(program: Program, words: readonly string[]): void {
    const [oldest = ''] = archives
    const args = words.map((word) => word.replace('{repository}', repository).replace('{oldest}', oldest))
    run(program, args)
    if (args[0] === 'delete') archives.shift()
    if (args[0] === 'prune') archives.splice(0, archives.length - Number(args[2]))
  }

  async function changeTree(round: number): Promise<void> {
    writeFileSync(world.path('tree', 'changing'), `round ${round}`)
    writeFileSync(
      world.path('tree', `added-${round}`),
      inputBytes([{ gen: 'sha256ctr', seed: `added ${round}`, len: newSize }]),
    )
    // The newest file of a backup is not remembered, lest a later change within its clock tick goes unseen.
    await sleep(50)
    writeFileSync(world.path('tree', 'newest'), `${round}`)
  }
})

/** Letter by path, of `create --list`. */
function statusesOf(listing: string): ReadonlyMap<string, string> {
  return new Map(
    listing.split('\n').flatMap((line) => {
      const found = /^([AMUCEdshbcfi-]) (.+)$/.exec(line)
      return found === null ? [] : [[found[2] ?? '', found[1] ?? '']]
    }),
  )
}
