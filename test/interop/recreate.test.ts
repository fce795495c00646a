/**
 * Real borg 1.4 and we recreate copies of one repository with the same words: same output, same archives field by field,
 * and the borgs find nothing wrong with ours. In the short form there is one case of a kind, and they take turns; TSBORG_LONG=1 asks each of them about all.
 */
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { casesOfForm, isLong, type Optional } from '../support/long-form.ts'
import { BorgWorld, findBorgs, type RealBorg } from '../support/real-borg.ts'
import { builtCli, isBuilt } from './support/built-cli.ts'
import { CounterUse } from './support/counter-use.ts'
import { normalLines } from './support/normal-output.ts'

// Every case starts some twenty programs; machines may be busy.
vi.setConfig({ testTimeout: 600_000 })

interface Case extends Optional {
  readonly args: readonly string[]
  readonly mode?: 'none' | 'repokey' | 'keyfile-blake2'
  readonly environment?: Readonly<Record<string, string>>
  /** Exit code, where it is not 0. */
  readonly code?: number
  /** Borg ends in an internal error; we do what it would have done. */
  readonly borgFails?: true
  /** A borg was interrupted before. */
  readonly left?: true
  /** What differs on purpose: borg 1.4.0 counts metadata, and lz4 of ours finds other matches. */
  readonly differs?: 'chunkerParams' | 'sizes'
}

const signature = 'Signature: 8a477f597d28d172789f06886806bc55'
const tags = ['--exclude-caches', '--exclude-if-present', '.nobackup']

const cases: readonly Case[] = [
  { args: ['--list', 'repo::first', '-e', 'tree/links'] },
  { long: true, args: ['--list', 'repo::first', 'tree/links', 'tree/zlink', '-e', 're:second$'], mode: 'none' },
  { long: true, args: ['--list', '-n', 'repo::first', '--pattern', '+ tree/links', '--pattern', '- tree'] },
  { long: true, args: ['--list', '--filter', 'x', '-n', '-s', 'repo', '-e', 'tree/text'] },
  { args: ['--list', 'repo::first', ...tags], mode: 'keyfile-blake2' },
  { long: true, args: ['--list', 'repo::first', ...tags, '--keep-exclude-tags'] },
  { long: true, args: ['--list', 'repo::first', 'tree/caches', ...tags] },
  { args: ['--list', 'repo::first', ...tags, '-e', 're:nothing', '--target', 'new'] },
  { long: true, args: ['repo::first', 'no/such/path'] },
  { long: true, args: ['-v', '-s', 'repo::first', '-e', 'tree/big', '--comment', 'an {hostname}'], differs: 'sizes' },
  { args: ['--log-json', '--list', 'repo::second', '--timestamp', '2020-05-05T05:05:05', '--comment', ''] },
  { long: true, args: ['repo::second', '--target', 'copy'] },
  { long: true, args: ['repo::second', '--recompress', '-C', 'none'] },
  { args: ['--recompress', '-C', 'zlib,6', 'repo::second', 'tree/text'], mode: 'keyfile-blake2' },
  { args: ['repo::second', '--recompress=if-different', '-C', 'auto,zlib,1'] },
  { long: true, args: ['repo::second', '--recompress', 'always', '-C', 'lz4', '--target', 'again'], differs: 'sizes' },
  { long: true, args: ['repo', '--recompress', '-C', 'none', '-c', '0'], mode: 'none', differs: 'chunkerParams' },
  { args: ['repo::second', '--chunker-params', 'buzhash,10,14,12,4095'], differs: 'sizes' },
  {
    long: true,
    args: ['repo::second', '--chunker-params', 'fixed,65536', '--recompress', '-C', 'none', '--target', 'cut'],
  },
  { args: ['repo::fixed', '--chunker-params', 'default'] },
  { long: true, args: ['repo::fixed', '--chunker-params', 'fixed,100000'], code: 2 },
  { long: true, args: ['repo::fixed', '--comment', 'kept'], differs: 'chunkerParams' },
  { long: true, args: ['--list', 'repo::first', '-e', 'tree/fifo'], borgFails: true },
  { long: true, args: ['-v', 'repo'] },
  { long: true, args: ['repo::first'], code: 2 },
  { args: ['repo::first'], environment: { BORG_EXIT_CODES: 'modern' }, code: 4 },
  { long: true, args: ['-n', 'repo::first', '--exclude-if-present', 'nothing'], code: 2 },
  { long: true, args: ['repo', '--target', 'x'], code: 2 },
  { long: true, args: ['repo::first', '--target', 'second'], environment: { BORG_EXIT_CODES: 'modern' }, code: 30 },
  { args: ['repo::none', '-e', 'x'], environment: { BORG_EXIT_CODES: 'modern' }, code: 31 },
  { long: true, args: ['repo::first.recreate', '-e', 'x'], code: 2, left: true },
  { args: ['repo::first', '-e', 'x'], code: 2, left: true },
]

const borgs = findBorgs()
const judge = borgs.find(({ version }) => version.startsWith('1.4'))

describe.skipIf(judge === undefined || !isBuilt)('recreate with the same words', () => {
  const { command: borg } = judge as RealBorg
  const originals = new Map<string, Original>()
  afterAll(() => {
    for (const { world } of originals.values()) world.remove()
  })

  function original(mode: string): Original {
    const known = originals.get(mode)
    if (known !== undefined) return known
    const world = makeWorld(borg, mode)
    const made = { world, ids: idsOf(world, borg) }
    originals.set(mode, made)
    return made
  }

  // Each takes both programs a dozen runs: the short form tries every third.
  const chosen = casesOfForm('recreate', cases).filter((_, i) => isLong || i % 3 === 0)

  test.each(chosen.map((one, number) => ({ one, number, title: titleOf(one) })))('$title', ({ one, number }) => {
    const { world: from, ids: before } = original(one.mode ?? 'repokey')
    const [theirs, ours] = [copyOf(from), copyOf(from)]
    try {
      if (one.left) for (const world of [theirs, ours]) world.must(borg, ['rename', 'repo::fixed', 'first.recreate'])
      const options = { environment: one.environment ?? {} }
      const theirRun = theirs.run(borg, ['recreate', ...one.args], options)
      const ourRun = ours.run(process.execPath, [builtCli, 'recreate', ...one.args], options)

      expect(ourRun).toMatchObject({ code: one.code ?? 0 })
      if (one.borgFails !== true) {
        expect(shown(ourRun.stdout, ours, one)).toEqual(shown(theirRun.stdout, theirs, one))
        expect(shown(ourRun.stderr, ours, one)).toEqual(shown(theirRun.stderr, theirs, one))
        expect(ourRun.code).toBe(theirRun.code)
        expect(newArchives(ours, borg, before, one)).toEqual(newArchives(theirs, borg, before, one))
      }
      if (one.code !== undefined || one.args.includes('-n')) return
      const judges = isLong ? borgs : borgs.filter((_, turn) => turn === number % borgs.length)
      for (const { command } of judges) ours.must(command, ['check', '--verify-data', 'repo'])
      expectCountersApart(ours, one)
    } finally {
      theirs.remove()
      ours.remove()
    }
  })
})

function titleOf({ args, mode, environment = {} }: Case): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  return [...variables, 'recreate', ...args, ...(mode === undefined ? [] : [`(${mode})`])].join(' ')
}

/** Borg 1.4.0 counts metadata in an archive's sizes; 1.4.5, which we follow, counts content only. */
function shown(text: string, world: BorgWorld, { differs }: Case): readonly string[] {
  const lines = normalLines(text, world.folder).filter((line) => !isRelocation(line))
  if (differs !== 'sizes') return lines
  return lines.map((line) =>
    line.replace(/^This archive: .*$/, 'This archive: <SIZES>').replace(/^(All archives: ).*$/, '$1<SIZES>'),
  )
}

/** Every world has its own place: programs say so, and ask. */
function isRelocation(line: string): boolean {
  return /previously located at|Do you want to continue|BORG_RELOCATED_REPO_ACCESS_IS_OK/.test(line)
}

/** Name and id of every archive, as borg 1.4 sees them. */
function idsOf(world: BorgWorld, borg: string): ReadonlyMap<string, string> {
  const { stdout } = world.must(borg, ['list', '--consider-checkpoints', '--format', '{archive} {id}{NL}', 'repo'])
  const pairs = stdout.trim().split('\n')
  return new Map(pairs.map((pair) => pair.split(' ') as [string, string]))
}

/** Everything the archives that are not in `before` say, in the words of borg 1.4, except for what belongs to one run. */
function newArchives(world: BorgWorld, borg: string, before: ReadonlyMap<string, string>, one: Case): unknown {
  const all = [...idsOf(world, borg)]
  return {
    names: all.map(([name]) => name),
    archives: all.filter(([name, id]) => before.get(name) !== id).map(([name]) => archiveFacts(world, borg, name, one)),
  }
}

function archiveFacts(world: BorgWorld, borg: string, name: string, one: Case): unknown {
  rmSync(world.path('dump'), { force: true })
  world.must(borg, ['debug', 'dump-archive', `repo::${name}`, 'dump'])
  const { _meta: meta, _items: items } = JSON.parse(readFileSync(world.path('dump'), 'utf8')) as Dump
  const { tam: _, items: chunks, size, csize, recreate_cmdline: again, time_end: end, ...rest } = meta
  if (one.differs === 'chunkerParams') delete rest['chunker_params']
  const format = '{path}{mode}{size}{num_chunks}{sha256}{source}{healthy}{mtime}{ctime}{comment}'
  return {
    ...rest,
    items: one.differs === 'sizes' ? items.map(withoutStoredSizes) : items,
    listed: jsonLines(world.must(borg, ['list', '--json-lines', '--format', format, `repo::${name}`]).stdout),
    again: (again as string[] | undefined)?.slice(1),
    // With --timestamp the end is the time plus what the run took.
    ...(one.args.includes('--timestamp') ? {} : { end }),
    sameKinds: [typeof size, typeof csize, Array.isArray(chunks)],
  }
}

/** Borg keeps the keys a format asks for in no order. */
function jsonLines(text: string): readonly unknown[] {
  return text.split('\n').map((line) => (line === '' ? line : (JSON.parse(line) as unknown)))
}

interface Original {
  readonly world: BorgWorld
  readonly ids: ReadonlyMap<string, string>
}

interface Dump {
  readonly _meta: Record<string, unknown>
  readonly _items: readonly DumpedItem[]
}

interface DumpedItem {
  readonly chunks?: readonly (readonly [id: string, size: number, storedSize: number])[]
}

function withoutStoredSizes(item: DumpedItem): unknown {
  return { ...item, chunks: item.chunks?.map(([id, size]) => [id, size]) }
}

function expectCountersApart(world: BorgWorld, { mode }: Case): void {
  if (mode === 'none') return
  const counters = new CounterUse()
  counters.addLog(world.path('repo'))
  expect(counters.size).toBeGreaterThan(10)
  expect(counters.overlaps()).toEqual([])
}

function copyOf(original: BorgWorld): BorgWorld {
  const world = new BorgWorld()
  execFileSync('cp', ['-a', `${original.folder}/.`, world.folder])
  return world
}

function makeWorld(borg: string, mode: string): BorgWorld {
  const world = new BorgWorld()
  makeTree(world)
  const create = (name: string, ...options: readonly string[]): void =>
    void world.must(borg, ['create', ...options, `repo::${name}`, 'tree'])
  world.must(borg, ['init', '-e', mode, 'repo'])
  create('first', '--timestamp', '2020-03-01T10:00:00', '--comment', 'the first')
  writeFileSync(world.path('tree', 'text'), numbers(100_000, 260_000))
  create('second', '--timestamp', '2020-03-02T10:00:00', '-C', 'zlib,1')
  create('fixed', '--timestamp', '2020-03-03T10:00:00', '--chunker-params', 'fixed,100000', '-C', 'none')
  return world
}

/** Links of all kinds whose first name may go, tags that are links, names that look like patterns. */
function makeTree(world: BorgWorld): void {
  const tree = world.path('tree')
  const file = (name: string, content: string | Uint8Array): void => {
    mkdirSync(join(tree, name, '..'), { recursive: true })
    writeFileSync(join(tree, name), content)
  }
  file('links/first', 'linked')
  linkSync(join(tree, 'links/first'), join(tree, 'links/second'))
  linkSync(join(tree, 'links/first'), join(tree, 'zlink'))
  linkSync(join(tree, 'links/first'), join(tree, 'zzlink'))
  symlinkSync('links/first', join(tree, 'symbolic'))
  execFileSync('mkfifo', [join(tree, 'fifo')])
  linkSync(join(tree, 'fifo'), join(tree, 'zfifo'))
  file('caches/signed', `${signature}\nand more`)
  file('caches/one/content', 'a cache')
  linkSync(join(tree, 'caches/signed'), join(tree, 'caches/one/CACHEDIR.TAG'))
  file('caches/two/CACHEDIR.TAG', signature)
  file('caches/two/inner/content', 'another')
  file('caches/none/CACHEDIR.TAG', signature.slice(1))
  file('tagged/.nobackup/inside', 'a folder as a tag')
  file('tagged/deep/content', 'content')
  file('empty', '')
  file('text', numbers(0, 200_000))
  file('big', noise(3_000_000))
}

function numbers(from: number, to: number): string {
  let text = ''
  for (let number = from; number < to; number++) text += `${number}\n`
  return text
}

/** The same on every run. */
function noise(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = 12345
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}
