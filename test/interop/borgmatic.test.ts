/**
 * Debian's borgmatic with `local_path` set to our program: every action a user takes, and real borg's opinion afterwards.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { builtCli, isBuilt } from './support/built-cli.ts'

const hasBorgmatic = spawnSync('borgmatic', ['--version']).status === 0
if (!hasBorgmatic)
  console.warn('SKIPPED: no borgmatic here; test/support/install-borg.sh installs it as root on Debian')
const hasFuse = existsSync('/dev/fuse') && process.getuid?.() === 0
if (!hasFuse) console.warn('SKIPPED: borgmatic mount needs /dev/fuse and root')
const borgs = findBorgs()

const world = new BorgWorld()
const at = (...names: string[]): string => join(world.folder, ...names)

function borgmatic(...args: string[]) {
  // Without a log file it would look for a system logger.
  const run = world.run('borgmatic', ['--config', at('config.yaml'), '--log-file', at('log'), ...args], {
    cwd: 'restored',
  })
  return { ...run, output: run.stdout + run.stderr }
}

function mustRun(...args: string[]) {
  const run = borgmatic(...args)
  if (run.code !== 0) throw new Error(`borgmatic ${args.join(' ')}: exit ${run.code}\n${run.output}`)
  return run
}

const archives = (): string[] =>
  (JSON.parse(mustRun('rlist', '--json').stdout) as [{ archives: { name: string }[] }])[0].archives.map(
    ({ name }) => name,
  )

beforeAll(() => {
  for (const folder of ['source', 'restored', 'mounted']) mkdirSync(at(folder))
  mkdirSync(at('source', 'folder'))
  writeFileSync(at('source', 'file'), 'content')
  writeFileSync(at('source', 'left-out.tmp'), 'nothing')
  writeFileSync(at('source', 'folder', 'large'), Buffer.alloc(3_000_000, 'pseudo-random'))
  symlinkSync('file', at('source', 'link'))
  writeFileSync(
    at('config.yaml'),
    `
location:
    source_directories: [${at('source')}]
    repositories: [${at('repository')}]
    local_path: ${builtCli}
    exclude_patterns: ['*.tmp']
storage:
    encryption_passphrase: correct horse
    compression: zstd
    archive_name_format: 'host-{now:%Y-%m-%dT%H:%M:%S.%f}'
retention:
    keep_secondly: 2
    prefix: 'host-'
consistency:
    checks: [{name: repository}, {name: archives}, {name: data}, {name: extract}]
    prefix: 'host-'
`,
  )
})

afterAll(() => {
  if (existsSync(at('mounted'))) spawnSync('umount', ['-l', at('mounted')])
  world.remove()
})

// One after the other: each works on what the one before has left.
describe.skipIf(!isBuilt || !hasBorgmatic)('borgmatic on our program', () => {
  test('rcreate makes a repository, and does nothing when there is one', () => {
    mustRun('rcreate', '--encryption', 'repokey-blake2')
    const id = readFileSync(at('repository', 'config'), 'utf8')
    mustRun('rcreate', '--encryption', 'repokey-blake2')

    expect(readFileSync(at('repository', 'config'), 'utf8')).toBe(id)
  })

  test('create --stats shows the statistics', () => {
    expect(mustRun('create', '--stats').output).toMatch(/This archive: .* B[\s\S]*Chunk index: +\d+ +\d+/)
  })

  test('create --list names what is new', () => {
    writeFileSync(at('source', 'new'), 'new')

    expect(mustRun('--verbosity', '1', 'create', '--list').output).toContain(`A ${at('source', 'new')}`)
  })

  test('create --json gives one document', () => {
    const [result] = JSON.parse(mustRun('create', '--json').stdout)

    expect(result.archive.stats.nfiles).toBe(3)
    expect(result.repository.location).toBe(at('repository'))
  })

  test('create --dry-run stores nothing', () => {
    mustRun('--dry-run', 'create', '--list')

    expect(archives()).toHaveLength(3)
  })

  test('rlist, list, rinfo and info tell of the archives', () => {
    expect(mustRun('rlist').output).toContain(archives()[0])
    expect(mustRun('list', '--archive', 'latest').output).toContain(`${at('source', 'link').slice(1)} -> file`)
    expect(mustRun('list', '--archive', 'latest').output).not.toContain('left-out')
    expect(mustRun('rinfo').output).toContain('Encrypted: Yes (repokey BLAKE2b)')
    const [{ archives: infos }] = JSON.parse(mustRun('info', '--json', '--archive', 'latest').stdout)
    expect(infos[0].name).toBe(archives().at(-1))
  })

  test('check passes in every way it knows', () => {
    expect(mustRun('--verbosity', '1', 'check', '--force').output).toContain('no problems found')
  })

  test('extract restores everything, or a part', () => {
    mustRun('extract', '--archive', 'latest')
    expect(spawnSync('diff', ['-r', '--exclude=*.tmp', at('source'), at('restored', at('source'))])).toMatchObject({
      status: 0,
    })
    rmSync(at('restored'), { recursive: true })
    mkdirSync(at('restored'))
    mustRun('extract', '--archive', 'latest', '--path', at('source', 'folder').slice(1), '--strip-components', '3')
    expect(readdirSync(at('restored'))).toEqual(['folder'])
  })

  test('export-tar writes a tarball', () => {
    mustRun('export-tar', '--archive', 'latest', '--destination', at('archive.tar.gz'))

    expect(world.run('tar', ['-tzf', at('archive.tar.gz')]).stdout).toContain('source/folder/large')
  })

  test.skipIf(!hasFuse)('mount shows an archive, umount ends it', () => {
    mustRun('mount', '--archive', 'latest', '--mount-point', at('mounted'))
    try {
      expect(readFileSync(join(at('mounted'), at('source', 'file')), 'utf8')).toBe('content')
    } finally {
      mustRun('umount', '--mount-point', at('mounted'))
    }
    expect(readdirSync(at('mounted'))).toEqual([])
  })

  test('break-lock removes a lock that somebody has left', () => {
    mkdirSync(at('repository', 'lock.exclusive'))
    writeFileSync(at('repository', 'lock.exclusive', 'elsewhere@1.1-0'), '')
    mustRun('break-lock')

    expect(existsSync(at('repository', 'lock.exclusive'))).toBe(false)
  })

  test('prune and compact keep what they are told to', () => {
    expect(mustRun('--verbosity', '1', 'prune', '--list', '--stats').output).toContain('Pruning archive')
    expect(mustRun('--verbosity', '1', 'compact').output).toContain('compaction freed about')
    expect(archives()).toHaveLength(2)
  })

  test('borg passes a command through', () => {
    expect(mustRun('borg', 'list', '--short').output.trim().split('\n')).toEqual(archives())
  })

  test.each(borgs)('borg $version accepts what came of it', ({ command }) => {
    expect(world.run(command, ['check', '--verify-data', at('repository')])).toMatchObject({ code: 0 })
    expect(
      world
        .run(command, ['list', '--short', at('repository')])
        .stdout.trim()
        .split('\n'),
    ).toEqual(archives())
  })
})
