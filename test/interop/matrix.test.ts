/**
 * Every key mode with every kind of compression: what we write, borg verifies and restores; what borg writes, we do.
 *
 * The short form takes each mode and each compression once and alternates between the borgs; TSBORG_LONG=1 takes all
 * combinations with all borgs, which is a matter of many minutes.
 */
import { mkdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  checkArchives,
  checkRepository,
  connectRepository,
  createArchive,
  defaultDirectories,
  type EngineEvent,
  extractArchive,
  initRepository,
  type KeyMode,
  listItems,
  openRepository,
} from '../../src/index.ts'
import { BorgWorld, findBorgs, type RealBorg } from '../support/real-borg.ts'
import { makeMixedTree } from './support/mixed-tree.ts'
import { comparable, isRoot, treeFacts } from './support/tree-facts.ts'

// The slowest compressions on the slowest machines.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 })

const modes: readonly KeyMode[] = [
  'none',
  'authenticated',
  'authenticated-blake2',
  'keyfile',
  'keyfile-blake2',
  'repokey',
  'repokey-blake2',
]
const compressions = [
  'none',
  'lz4',
  'zstd,3',
  'zstd,19',
  'zlib,6',
  'lzma,6',
  'auto,zstd,10',
  'obfuscate,110,lz4',
] as const

interface Case {
  readonly borg: RealBorg
  readonly version: string
  readonly mode: KeyMode
  readonly compression: string
}

const borgs = findBorgs()
const isLong = process.env['TSBORG_LONG'] === '1'
const cases = isLong ? everyCase() : representativeCases()
console.info(
  `matrix: ${isLong ? 'all' : 'a representative part'}, ${cases.length} of ${everyCase().length} combinations, both ways` +
    (isLong ? '' : '; TSBORG_LONG=1 runs all'),
)
if (!isRoot) console.warn('SKIPPED, because it needs root: owners are not compared')

function everyCase(): readonly Case[] {
  return borgs.flatMap((borg) =>
    modes.flatMap((mode) => compressions.map((compression) => ({ borg, version: borg.version, mode, compression }))),
  )
}

/** Each mode and each compression at least once, in turns with each borg. */
function representativeCases(): readonly Case[] {
  return compressions.flatMap((compression, number) => {
    const borg = borgs[number % borgs.length]
    const mode = modes[number % modes.length]
    return borg === undefined || mode === undefined ? [] : [{ borg, version: borg.version, mode, compression }]
  })
}

describe.skipIf(borgs.length === 0)('modes and compressions', () => {
  const world = new BorgWorld()
  const directories = defaultDirectories(world.environment)
  const events: EngineEvent[] = []
  const run = { onEvent: (event: EngineEvent) => void events.push(event), ask: async () => true }
  let source: ReturnType<typeof comparable>
  let repositories = 0

  beforeAll(() => {
    makeMixedTree(world.path('tree'), 'matrix')
    source = comparable(treeFacts([world.path('tree')]).get(world.path('tree')) ?? [])
    expect(source.size).toBeGreaterThan(10)
  })
  const home = process.cwd()
  afterAll(() => {
    process.chdir(home)
    world.remove()
  })

  const place = (): { readonly repository: string; readonly copy: string } => {
    repositories += 1
    const copy = `copy-${repositories}`
    mkdirSync(world.path(copy))
    return { repository: world.path(`repository-${repositories}`), copy }
  }
  const open = { directories, passphrase: world.passphrase, lockWaitSeconds: 5 } as const
  const complaints = (): readonly EngineEvent[] =>
    events.splice(0).filter((event) => event.type === 'warning' || (event.type === 'log' && event.level === 'error'))

  /** What compression makes of the compressible file, in bytes. */
  async function compressedText(repository: string): Promise<number> {
    await using session = await openRepository(repository, { ...open, access: 'read' }, run)
    for await (const item of listItems(session, 'archive')) {
      if (item.path === 'text') return (item.chunks ?? []).reduce((total, chunk) => total + chunk.storedSize, 0)
    }
    throw new Error('no text in the archive')
  }

  function expectSource(copy: string): void {
    const folder = world.path(copy)
    expect([...comparable(treeFacts([folder]).get(folder) ?? []).values()]).toEqual([...source.values()])
  }

  const sizes = new Map<string, number>()

  test.each(cases)('$mode with $compression: ours, borg $version verifies and restores', async (each) => {
    const { repository, copy } = place()
    await initRepository(repository, { ...open, encryption: each.mode }, run)
    {
      const options = { ...open, access: 'write', compression: each.compression } as const
      await using session = await openRepository(repository, options, run)
      process.chdir(world.path('tree'))
      await createArchive(session, { name: 'archive', roots: ['.'] }, run)
    }
    expect(complaints()).toEqual([])

    const check = world.must(each.borg.command, ['check', '--verify-data', repository])
    expect(check.stderr).toBe('')
    const extract = world.must(each.borg.command, ['extract', `${repository}::archive`], { cwd: copy })
    expect(extract.stderr).toBe('')
    expectSource(copy)
    sizes.set(JSON.stringify(each), await compressedText(repository))
  })

  test.each(cases)('$mode with $compression: borg $version, we verify and restore', async (each) => {
    const { repository, copy } = place()
    const { borg, mode, compression } = each
    world.must(borg.command, ['init', '-e', mode, repository])
    world.must(borg.command, ['create', '-C', compression, `${repository}::archive`, '.'], { cwd: 'tree' })
    {
      await using connected = await connectRepository(repository, { access: 'write', lockWaitSeconds: 5 }, run)
      expect(await checkRepository(connected, {}, run)).toBe(true)
      expect(await checkArchives(connected, { ...open, access: 'write' }, { verifyData: true }, run)).toBe(true)
    }
    {
      await using session = await openRepository(repository, { ...open, access: 'read' }, run)
      expect((await extractArchive(session, 'archive', { destination: world.path(copy) }, run)).failed).toBe(0)
    }
    expect(complaints()).toEqual([])
    expectSource(copy)

    const theirs = await compressedText(repository)
    const ours = sizes.get(JSON.stringify(each)) ?? Number.NaN
    // Padding is a matter of chance; the codecs' versions may differ by a few bytes.
    if (!compression.startsWith('obfuscate')) expect(Math.abs(ours - theirs)).toBeLessThanOrEqual(theirs * 0.05 + 16)
  })
})
