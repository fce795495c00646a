/**
 * `upgrade` beside borg 1.4, over repositories of borg 1.2 whose manifests and archives lack authentication or have a
 * stale one: same words, same exit codes, and afterwards each reads what the other wrote.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { isLong } from '../support/long-form.ts'
import { type BorgRun, BorgWorld, findBorgs } from '../support/real-borg.ts'
import { isBuilt, mustCli, runCli } from './support/built-cli.ts'
import { normalRun } from './support/normal-output.ts'

// Dozens of programs are started one after the other; machines may be busy.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 })

const borgs = findBorgs()
const old = borgs.find(({ version }) => version.startsWith('1.2'))
const recent = borgs.find(({ version }) => version.startsWith('1.4'))

/** One after the other: each finds what the one before left. */
const modes: readonly (readonly string[])[] = [
  ['--check-tam'],
  ['--log-json', '--check-archives-tam'],
  ['--archives-tam'],
  ['--check-archives-tam'],
  ['--tam'],
  ['--check-tam'],
  ['--check-tam', '--force'],
  ['--disable-tam'],
  ['--log-json', '--check-tam'],
  ['--tam', '--disable-tam'],
  ['--disable-tam', '--check-tam', '--archives-tam'],
  ['--tam', '--force'],
  [],
]

describe.skipIf(old === undefined || recent === undefined || !isBuilt)('upgrade', () => {
  const encryptions = ['none', 'repokey', 'keyfile-blake2'] as const
  const original = new BorgWorld()
  const worlds: BorgWorld[] = [original]
  afterAll(() => {
    for (const world of worlds) world.remove()
  })

  beforeAll(() => {
    mkdirSync(original.path('tree'))
    writeFileSync(original.path('tree', 'file'), 'content\n')
    for (const encryption of encryptions) {
      original.must(old?.command ?? '', ['init', '-e', encryption, encryption])
      for (const name of ['absent', 'good', 'first-name']) {
        original.must(old?.command ?? '', ['create', '--comment', name, `${encryption}::${name}`, 'tree'])
      }
      original.must(old?.command ?? '', ['rename', `${encryption}::first-name`, 'stale'])
      removeTam(original, encryption, ['absent'])
    }
  })

  /** A copy that knows where it is. */
  function copyOfWorld(): BorgWorld {
    const world = new BorgWorld()
    worlds.push(world)
    execFileSync('cp', ['-a', `${original.folder}/.`, world.folder])
    for (const encryption of encryptions) world.must(old?.command ?? '', ['info', encryption])
    return world
  }

  const chosen = isLong ? encryptions : (['repokey'] as const)
  if (!isLong) console.warn('SKIPPED: upgrade of modes other than repokey; TSBORG_LONG=1 runs all')
  test.each(chosen)('says and does the same with mode %s', (encryption) => {
    const [ours, theirs] = [copyOfWorld(), copyOfWorld()]
    const both = (args: readonly string[]): void => {
      const [we, they] = [ours, theirs].map((world) => {
        const run = world === ours ? runCli(world, args) : world.run(recent?.command ?? '', args)
        return { args, ...normalRun(withoutLogger(run), world.folder) }
      })
      expect(we).toEqual(they)
    }

    for (const mode of modes) both(['upgrade', ...mode, encryption])
    removeTam(ours, encryption, [])
    removeTam(theirs, encryption, [])
    both(['upgrade', '--check-tam', encryption])
    both(['upgrade', '--tam', encryption])

    expect(ours.must(recent?.command ?? '', ['check', '--verify-data', encryption]).stderr).toBe('')
    expect(ours.must(recent?.command ?? '', ['upgrade', '--check-archives-tam', encryption]).stdout).toContain(
      'All archives are TAM authenticated.',
    )
    expect(ours.must(old?.command ?? '', ['list', '--short', encryption]).stdout).toBe('absent\ngood\nstale\n')
    expect(mustCli(theirs, ['check', '--verify-data', encryption]).stderr).toBe('')
    const listed = mustCli(theirs, ['list', '--format', '{archive} {comment} {tam}{NL}', encryption]).stdout
    expect(listed).toBe('absent absent verified\ngood good verified\nstale first-name verified\n')
  })

  test('a forged manifest is refused, and taken by force only', () => {
    const world = copyOfWorld()
    mustCli(world, ['upgrade', '--tam', 'repokey'])
    // Whoever has no key cannot change what the key says: only the manifest is replaced.
    const config = execFileSync('cat', [world.path('repokey', 'config')])
    removeTam(world, 'repokey', [])
    writeFileSync(world.path('repokey', 'config'), config)

    for (const args of [
      ['list', 'repokey'],
      ['upgrade', '--tam', 'repokey'],
      ['upgrade', '--check-tam', 'repokey'],
    ]) {
      expect(runCli(world, args, { environment: { BORG_EXIT_CODES: 'modern' } })).toMatchObject({ code: 98 })
    }
    expect(mustCli(world, ['upgrade', '--tam', '--force', 'repokey']).stderr).toBe(
      'Manifest authentication DISABLED.\n',
    )
    expect(world.must(recent?.command ?? '', ['list', '--short', 'repokey']).stdout).toContain('absent')
  })

  test('a dry run changes nothing', () => {
    const world = copyOfWorld()
    const files = (): string => String(execFileSync('sha256sum', filesOf(world.path('repokey'))))
    const before = files()

    const run = runCli(world, ['upgrade', '-n', '--archives-tam', 'repokey'])

    expect(run).toMatchObject({ code: 1, stderr: 'Found 2 archives with TAM issues!\n' })
    expect(run.stdout).toContain('Archive TAM missing: stale')
    expect(runCli(world, ['upgrade', '-n', '--tam', 'repokey']).code).toBe(1)
    expect(runCli(world, ['upgrade', '-n', '--disable-tam', 'repokey'])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(files()).toBe(before)
  })

  test('an Attic repository is not converted', () => {
    const world = copyOfWorld()
    const path = world.path('none')
    execFileSync('sed', ['-i', '1s/^BORG_SEG/ATTICSEG/', ...filesOf(world.path('none', 'data'))])
    const files = (): string => String(execFileSync('sha256sum', filesOf(path)))
    const before = files()

    const run = runCli(world, ['upgrade', '--inplace', 'none'])

    expect(run.code).toBe(2)
    expect(run.stderr).toContain(`Error: ${path} is an Attic repository, and tsborg does not convert those.`)
    expect(files()).toBe(before)
    rmSync(path, { recursive: true })
  })
})

function removeTam(world: BorgWorld, repository: string, archives: readonly string[]): void {
  const script = fileURLToPath(new URL('without-tam.py', import.meta.url))
  world.must('/usr/bin/python3', [script, world.path(repository), ...archives])
}

/** Paths of all files, sorted. */
function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort()
}

/** Which of our loggers speaks is not compared. */
function withoutLogger(run: BorgRun): BorgRun {
  return { ...run, stderr: run.stderr.replaceAll(/"name": "borg\.[a-z.]+"/g, '"name": "<LOGGER>"') }
}
