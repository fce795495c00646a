/**
 * Tarballs: byte for byte what borg exports, and the same items from what borg, GNU tar and Python write.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { builtCli, isBuilt, mustCli, runCli } from './support/built-cli.ts'

const borgs = findBorgs()
const borg = borgs.at(-1)
const world = new BorgWorld()
const isRoot = process.getuid?.() === 0
const long = (letter: string, size: number): string => letter.repeat(size)
const folder = `tree/${long('f', 200)}/${long('g', 200)}`

const tree = `
mkdir -p ${folder} tree/empty
echo 100 > tree/${long('n', 100)}; echo 101 > tree/${long('m', 101)}; echo deep > ${folder}/deep
printf x > "$(printf 'tree/b\\377d')"; echo u > 'tree/ü x'; echo linked > tree/first
ln tree/first ${folder}/second; ln tree/first tree/third
ln -s ${long('t', 300)} tree/long-link; ln -s x tree/link; mkfifo tree/fifo
head -c 3000000 /dev/urandom > tree/large; truncate -s 3000000 tree/hole
touch -d 1960-01-01 tree/old; touch -d '2000-01-01 00:00:00.987654321' tree/fraction
${isRoot ? 'echo own > tree/own; chown 3000000:3000001 tree/own; chmod 4755 tree/own; mknod tree/device c 1 3' : ''}`

interface Listed {
  readonly code: number | null
  readonly lines: readonly unknown[]
}

/** Items of an archive, keys in any order. */
function listed(archive: string): Listed {
  const run = world.run(borg?.command ?? '', ['list', '--json-lines', `repo::${archive}`])
  return {
    code: run.code,
    lines: run.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  }
}

beforeAll(() => {
  if (borg === undefined || !isBuilt) return
  world.must('sh', ['-ec', tree])
  world.must(borg.command, ['init', '-e', 'repokey', 'repo'])
  world.must(borg.command, ['create', 'repo::a', 'tree'])
})
afterAll(() => world.remove())

describe.skipIf(borg === undefined || !isBuilt)('export-tar', () => {
  test.each([
    { options: [], paths: [] },
    { options: ['-e', `tree/${long('m', 101)}`], paths: [] },
    { options: ['-e', 'tree/first'], paths: [] },
    { options: ['--strip-components', '1'], paths: [] },
    { options: ['--strip-components', '2', '--list'], paths: [] },
    { options: ['--list'], paths: [`tree/${long('f', 200)}`] },
    { options: [], paths: ['tree/first', 'tree/nothing'] },
  ])('$options $paths: byte for byte what borg writes', ({ options, paths }) => {
    for (const { command, version } of borgs) {
      const args = (file: string): string[] => ['export-tar', ...options, 'repo::a', file, ...paths]
      const theirs = world.run(command, args('theirs.tar'))
      const ours = runCli(world, args('ours.tar'))

      expect({ version, ...ours }).toEqual({ version, ...theirs })
      expect(readFileSync(world.path('ours.tar')).equals(readFileSync(world.path('theirs.tar')))).toBe(true)
    }
  })

  test('to stdout, and nothing but the tarball', () => {
    world.must('sh', ['-c', `'${process.execPath}' '${builtCli}' export-tar repo::a - > stdout.tar`])
    mustCli(world, ['export-tar', 'repo::a', 'ours.tar'])

    expect(readFileSync(world.path('stdout.tar')).equals(readFileSync(world.path('ours.tar')))).toBe(true)
  })

  test('to a reader that goes away ends well', () => {
    const piped = `'${process.execPath}' '${builtCli}' export-tar repo::a - 2> complaints; echo $? > code`
    world.must('sh', ['-c', `{ ${piped}; } | head -c 1000 > beginning`])

    expect(readFileSync(world.path('code'), 'utf8')).toBe('0\n')
    expect(readFileSync(world.path('complaints'), 'utf8')).toBe('')
  })

  test.each([
    ['tar.gz', 'gzip'],
    ['tgz', 'gzip'],
    ['tar.bz2', 'bzip2'],
    ['tar.xz', 'xz'],
  ])('%s is compressed by %s', (ending, program) => {
    mustCli(world, ['export-tar', 'repo::a', 'ours.tar'])
    mustCli(world, ['export-tar', 'repo::a', `ours.${ending}`])
    world.must('sh', ['-c', `${program} -dc ours.${ending} > plain.tar`])

    expect(readFileSync(world.path('plain.tar')).equals(readFileSync(world.path('ours.tar')))).toBe(true)
  })

  test('a filter that is not there, or fails, is an error', () => {
    const environment = { BORG_EXIT_CODES: 'modern' }
    const filtered = (filter: string) =>
      runCli(world, ['export-tar', '--tar-filter', filter, 'repo::a', 'x.tar'], { environment })

    expect(filtered('no-such-program -x')).toMatchObject({
      code: 2,
      stderr:
        'filter-process: executable not found: no-such-program\nError: filter no-such-program -x: process creation failed\n',
    })
    expect(filtered('false')).toMatchObject({ code: 2, stderr: 'Error: filter false failed, rc=1\n' })
  })
})

describe.skipIf(borg === undefined || !isBuilt)('import-tar', () => {
  const importBoth = (file: string, name: string): { theirs: Listed; ours: Listed } => {
    world.must(borg?.command ?? '', ['import-tar', `repo::theirs-${name}`, file])
    mustCli(world, ['import-tar', `repo::ours-${name}`, file])
    return { theirs: listed(`theirs-${name}`), ours: listed(`ours-${name}`) }
  }

  test('what borg exported comes back as it was', () => {
    mustCli(world, ['export-tar', 'repo::a', 'ours.tar'])
    const { theirs, ours } = importBoth('ours.tar', 'borg')

    expect(ours).toEqual(theirs)
    expect(ours.lines.length).toBeGreaterThan(20)
  })

  test.each(['gnu', 'pax', 'ustar', 'v7'])(
    'what GNU tar writes as %s gives the items that borg makes of it',
    (format) => {
      const members = 'large first third old fraction link empty fifo'.split(' ')
      const mode = ['--format', format, '--owner=0', '--group=0', '--numeric-owner']
      // Years before 1970 have no place in two of them, FIFOs none in one.
      const missing = { ustar: ['old'], v7: ['old', 'fifo'] }[format] ?? []
      const fitting = members.filter((name) => !missing.includes(name))
      world.must('tar', [...mode, '-cf', `${format}.tar`, '-C', 'tree', ...fitting])
      const { theirs, ours } = importBoth(`${format}.tar`, format)

      expect(ours).toEqual(theirs)
      expect(ours.lines).toHaveLength(fitting.length)
    },
  )

  test('letters, statistics and times are as with create', () => {
    world.must('tar', ['-czf', 'small.tar.gz', '-C', 'tree', './first', './link', './empty'])
    const args = ['import-tar', '--list', '--stats', '--comment', 'from afar', '--timestamp', '2020-02-02T02:02:02']
    const run = mustCli(world, [...args, 'repo::letters', 'small.tar.gz'])

    expect(run.stdout).toBe('')
    expect(run.stderr).toMatch(/^A \.\/first\ns \.\/link\nd \.\/empty\n-{78}\nRepository: /)
    expect(run.stderr).toContain('Number of files: 1\n')
    expect(run.stderr).toContain('Time (start): Sun, 2020-02-02 02:02:02\n')
    expect(mustCli(world, ['list', '--format', '{comment}{NL}', '-a', 'letters', 'repo']).stdout).toBe('from afar\n')
    expect(mustCli(world, ['list', '--short', 'repo::letters']).stdout).toBe('first\nlink\nempty\n')
  })

  test('a tarball that ends too early, or is none, makes no archive', () => {
    const whole = readFileSync(world.path('gnu.tar'))
    writeFileSync(world.path('short.tar'), whole.subarray(0, 1_000_000))
    writeFileSync(world.path('none.tar'), Buffer.alloc(2048, 'no tarball'))

    // Whole as a tarball; the compressor has the last word.
    world.must('sh', ['-c', '{ gzip -c gnu.tar; echo garbage; } > garbage.tar.gz'])

    for (const file of ['short.tar', 'none.tar', 'nowhere.tar', 'garbage.tar.gz']) {
      const run = runCli(world, ['import-tar', 'repo::bad', file])
      expect({ file, code: run.code }).toEqual({ file, code: 2 })
      expect(run.stderr).toContain(file.endsWith('.gz') ? 'Error: filter gzip -d failed, rc=2' : file)
    }
    expect(mustCli(world, ['list', '--short', 'repo']).stdout).not.toContain('bad')
  })

  test.each(borgs)('borg $version accepts what we have written', ({ command }) => {
    expect(world.run(command, ['check', '--verify-data', 'repo'])).toMatchObject({ code: 0 })
  })
})
