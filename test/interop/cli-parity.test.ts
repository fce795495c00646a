/**
 * The same words to borg and to us: same output on both streams, same exit code, legacy and modern.
 *
 * Every program works on its own copy of one world. Source of what may differ: CLI contract, commands.md and common.md.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type BorgRun, BorgWorld, findBorgs } from '../support/real-borg.ts'
import { builtCli, isBuilt } from './support/built-cli.ts'
import { type NormalRun, normalRun } from './support/normal-output.ts'

// Every step starts three programs; machines may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 })

interface Step {
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
  /** What is not compared, and why: see the masks. */
  readonly mask?: Mask
}

type Mask = (line: string) => string | undefined

/** Borg up to 1.4.0 counts an archive's metadata as its own; 1.4.5, which we follow, counts content only. */
const contentOnly: Mask = (line) =>
  line
    .replace(/^(This archive: .*?) +[\d.]+ k?B$/, '$1 <SIZE>')
    .replace(/"deduplicated_size": \d+/, '"deduplicated_size": <SIZE>')

/** Borg 1.4.5 says in which folder an archive was made. */
const workingFolder: Mask = (line) => (/^(Working Directory: | *"cwd": )/.test(line) ? undefined : contentOnly(line))

/** As `contentOnly`, for new archives; and their metadata hold the command line, whose length is not ours to choose. */
const newArchive: Mask = (line) =>
  line
    .replace(/^This archive: .*$/, 'This archive: <SIZES>')
    .replace(/^(All archives: .*?) +[\d.]+ k?B$/, '$1 <SIZE>')
    .replace(/"((original|compressed|deduplicated)_size|unique_c?size)": \d+/, '"$1": <SIZE>')
    .replace(/freed about [\d.]+ k?B/, 'freed about <SIZE>')

/** Borg keeps the keys a format asks for in no order. */
const anyKeyOrder: Mask = (line) =>
  line === ''
    ? line
    : JSON.stringify(Object.entries(JSON.parse(line) as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1)))

/** Borg 1.4.5 tells what prune is going to do; 1.4.0 did not yet. */
const pruneSummary: Mask = (line) =>
  /^(Repository contains|Applying rules to|Keeping \d+ archives)/.test(line) ? undefined : line

/** Rules that came after 1.4.0. */
const pruneRules: Mask = (line) =>
  line.replace('"keep-13weekly", "keep-3monthly", or', 'or').replace('", or "', '" or "')

/** Reworded after 1.4.0. */
const passphraseWrong: Mask = (line) =>
  line.replace('passphrase supplied', 'Passphrase supplied').replace('BORG_PASSCOMMAND or', 'BORG_PASSCOMMAND, or')

/** Pythons up to 3.12 ask for arguments that may be missing. */
const requiredPath: Mask = (line) => line.replace('ARCHIVE, PATH', 'ARCHIVE')

const modern = { BORG_EXIT_CODES: 'modern' }

const steps: readonly Step[] = [
  { args: ['list', 'repo'] },
  { args: ['list', '--short', 'repo'] },
  { args: ['list', '--json', 'repo'] },
  { args: ['list', '--consider-checkpoints', '--last', '2', 'repo'] },
  { args: ['list', '--sort-by', 'name', '-a', 'day-*', '--first', '2', 'repo'] },
  { args: ['list', '--format', '{archive:>10}|{start}|{hostname}|{comment}{NL}', 'repo'] },
  { args: ['list', 'repo::day-1'] },
  { args: ['list', '--short', 'repo::day-1', 'tree/folder'] },
  { args: ['list', '--json-lines', 'repo::day-1'], mask: anyKeyOrder },
  { args: ['list', '--format', '{type} {size:>8} {csize} {num_chunks} {sha256} {path}{extra}{NL}', 'repo::day-2'] },
  { args: ['list', 'repo::day-1', '-e', 'tree/folder', '--pattern', '- re:text$'] },
  { args: ['info', 'repo'] },
  { args: ['info', '--json', 'repo'] },
  { args: ['info', 'repo::day-1'], mask: workingFolder },
  { args: ['info', '--json', 'repo::day-1'], mask: workingFolder },
  { args: ['info', '-a', 'day-*', '--last', '1', 'repo'], mask: workingFolder },
  { args: ['check', '-v', 'repo'] },
  { args: ['check', '-v', '--verify-data', 'repo'] },
  { args: ['check', '-v', '--repository-only', 'repo'] },
  { args: ['check', '-v', '--archives-only', 'repo::day-2'] },
  { args: ['check', '-v', '-a', 'nothing*', 'repo'] },
  { args: ['extract', '--list', '../repo::day-1'], cwd: 'out' },
  { args: ['extract', '--list', '--dry-run', '../repo::day-1', 'tree/folder'], cwd: 'out' },
  { args: ['extract', '--list', '../repo::day-1', 'no/such', 'tree/small'], cwd: 'out' },
  { args: ['extract', '../repo::day-1', 'no/such'], cwd: 'out', environment: modern, not12: true },
  { args: ['extract', '--stdout', '../repo::day-1', 'tree/small'], cwd: 'out' },
  { args: ['extract', '--strip-components', '2', '--list', '../repo::day-1'], cwd: 'out' },
  { args: ['extract', '--strip-components', '2', '--stdout', '../repo::day-1'], cwd: 'out' },
  { args: ['create', '--list', 'repo::new-1', 'tree'], changes: true, unordered: true },
  { args: ['create', '--list', '--filter', 'AMEC', 'repo::new-2', 'tree'], changes: true, unordered: true },
  { args: ['create', '--list', '--dry-run', '-e', '*/folder', 'repo::new-3', 'tree'], unordered: true },
  { args: ['create', '--list', 'repo::new-4', 'tree/small', 'no/such'], not12: true, changes: true },
  { args: ['create', 'repo::new-5', 'tree/small', 'no/such'], environment: modern, not12: true, changes: true },
  { args: ['create', '--stats', 'repo::new-6', 'tree'], changes: true, mask: newArchive },
  { args: ['create', '--json', 'repo::new-7', 'tree'], changes: true, mask: newArchive },
  {
    args: ['create', '--list', '--log-json', 'repo::new-8', 'tree', 'no/such'],
    not12: true,
    changes: true,
    unordered: true,
  },
  { args: ['create', '--list', '--stats', '--dry-run', 'repo::new-9', 'tree'], unordered: true },
  {
    args: ['create', '--list', '--stdin-name', 'in/put', 'repo::new-10', '-'],
    input: 'from standard input',
    changes: true,
  },
  { args: ['create', 'repo::day-1', 'tree'] },
  { args: ['create', 'repo::day-1', 'tree'], environment: modern, not12: true },
  { args: ['create', 'repo', 'tree'] },
  {
    args: ['prune', '--list', '--dry-run', '--keep-daily', '2', '--keep-monthly', '-1', '-a', 'day-*', 'repo'],
    not12: true,
  },
  { args: ['prune', '--list', '--dry-run', '-v', '--keep-last', '1', 'repo'], not12: true, mask: pruneSummary },
  { args: ['prune', '--list', '--keep-last', '2', '-a', 'new-*', 'repo'], not12: true, changes: true },
  { args: ['prune', '--stats', '--keep-daily', '3', '-a', 'day-*', 'repo'], changes: true, mask: newArchive },
  { args: ['prune', 'repo'], not12: true, mask: pruneRules },
  { args: ['rename', 'repo::day-3', 'renamed'] },
  { args: ['rename', 'repo::nothing', 'renamed-too'] },
  { args: ['rename', 'repo::day-4', 'renamed'] },
  { args: ['list', '--short', 'repo'] },
  { args: ['delete', '--list', '--dry-run', 'repo::day-4', 'renamed'] },
  { args: ['delete', '--list', '--stats', 'repo::day-4'], changes: true, mask: newArchive },
  { args: ['delete', '--list', 'repo', 'renamed', 'nothing'], not12: true, changes: true },
  { args: ['delete', 'repo::nothing'], environment: modern, not12: true },
  { args: ['delete', '--list', '-a', 'new-*', '--last', '1', 'repo'] },
  { args: ['compact', '-v', 'repo'], changes: true, mask: newArchive },
  { args: ['config', '--list', 'repo'] },
  { args: ['config', 'repo', 'no-such-name'], not12: true },
  { args: ['break-lock', 'repo'] },
  { args: ['list', 'repo'], environment: { BORG_PASSPHRASE: 'wrong' }, not12: true, mask: passphraseWrong },
  { args: ['list', 'repo'], environment: { BORG_PASSPHRASE: 'wrong', ...modern }, not12: true, mask: passphraseWrong },
  {
    args: ['--log-json', 'list', 'repo'],
    environment: { BORG_PASSPHRASE: 'wrong' },
    not12: true,
    mask: passphraseWrong,
  },
  { args: ['list', 'nowhere'] },
  { args: ['list', 'nowhere'], environment: modern, not12: true },
  { args: ['--log-json', 'list', 'nowhere'] },
  { args: ['list', 'tree'] },
  { args: ['list', 'tree'], environment: modern, not12: true },
  { args: ['info', 'repo::nothing'] },
  { args: ['info', 'repo::nothing'], environment: modern, not12: true },
  { args: ['extract', '../repo::nothing'], cwd: 'out', environment: modern, not12: true },
  { args: ['init', '-e', 'none', 'repo'] },
  { args: ['init', '-e', 'none', 'no/parent/repo'] },
  { args: ['init', '-e', 'none', 'tree'], environment: modern, not12: true },
  { args: ['create', '-C', 'nonsense', 'repo::x', 'tree'], not12: true },
  { args: ['create', '--chunker-params', '1,2,3', 'repo::x', 'tree'], not12: true },
  { args: ['create', '--files-cache', 'never', 'repo::x', 'tree'], not12: true },
  { args: ['create', '--no-such-option', 'repo::x', 'tree'] },
  { args: ['create'], mask: requiredPath },
  { args: ['prune', '--keep-daily', 'many', 'repo'] },
  { args: ['prune', '--keep-within', '3x', 'repo'] },
  { args: ['list', '--first', '0', 'repo'] },
  { args: ['list', '--sort-by', 'colour', 'repo'], not12: true },
  { args: ['list', '--first', '1', '--last', '1', 'repo'] },
  { args: ['list', '--json-lines', 'repo'], not12: true },
  { args: ['list', '--json', 'repo::day-1'], not12: true },
  { args: ['extract', 'repo'], cwd: 'out' },
  { args: ['rename', 'repo::day-1', 'a/b'] },
]

interface Player {
  readonly name: string
  readonly command: string
  readonly before: readonly string[]
  readonly world: BorgWorld
}

const borgs = findBorgs()

describe.skipIf(borgs.length === 0 || !isBuilt)('the same words', () => {
  const players: Player[] = []
  const player = (name: string, command: string, before: readonly string[] = []): void => {
    players.push({ name, command, before, world: new BorgWorld() })
  }
  beforeAll(async () => {
    const original = new BorgWorld()
    makeWorld(original, borgs[0]?.command ?? '')
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

  test.each(steps.map((step) => ({ step, title: titleOf(step) })))('$title', async ({ step }) => {
    const comparable = players.filter(({ name }) => !(name.startsWith('1.2') && step.not12 === true))
    const playing = step.changes === true ? players : comparable
    const runs = await Promise.all(playing.map(async (each) => ({ by: each, run: await play(each, step) })))
    const [ours, ...theirs] = runs.filter(({ by }) => comparable.includes(by))
    for (const { by, run } of theirs) expect({ by: by.name, ...ours?.run }).toEqual({ by: by.name, ...run })
  })
})

function titleOf({ args, environment = {} }: Step): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  return [...variables, 'borg', ...args].join(' ')
}

async function play({ command, before, world }: Player, step: Step): Promise<NormalRun> {
  const { mask = (line: string) => line, unordered = false } = step
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
