/**
 * What people meet when something is wrong, through the program as it is installed: one clear line, the right exit code,
 * nothing lost.
 */
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../dist/cli/tsborg.js', import.meta.url))
const isRoot = process.getuid?.() === 0

interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

let folder = ''

beforeAll(() => {
  if (!existsSync(program)) throw new Error('dist is missing: npm run build')
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tsborg-failures-')))
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'source'))
  writeFileSync(join(folder, 'source', 'one'), 'one\n'.repeat(1000))
  writeFileSync(join(folder, 'source', 'two'), 'two\n'.repeat(1000))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; uid?: number } = {},
): Result {
  const env = {
    PATH: process.env['PATH'] ?? '',
    BORG_BASE_DIR: join(folder, 'base'),
    BORG_PASSPHRASE: 'right',
    BORG_EXIT_CODES: 'modern',
    ...options.env,
  }
  const identity = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }
  const child = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    env,
    cwd: options.cwd ?? folder,
    ...identity,
  })
  return { code: child.status, stdout: child.stdout, stderr: child.stderr }
}

/** A fresh repository with archive 'a' of the source. */
function makeRepository(name: string): string {
  const path = join(folder, name)
  expect(run(['init', '-e', 'repokey', path]).code).toBe(0)
  expect(run(['create', `${path}::a`, 'source'])).toMatchObject({ code: 0, stderr: '' })
  return path
}

function segments(repository: string): string[] {
  return readdirSync(join(repository, 'data', '0'))
    .map(Number)
    .sort((a, b) => a - b)
    .map((number) => join(repository, 'data', '0', String(number)))
}

/** The archive is there, whole, and restores. */
function requireIntact(repository: string): void {
  expect(run(['check', '--verify-data', repository])).toMatchObject({ code: 0 })
  const out = mkdtempSync(join(folder, 'out-'))
  expect(run(['extract', `${repository}::a`], { cwd: out })).toMatchObject({ code: 0, stderr: '' })
  expect(readFileSync(join(out, 'source', 'one'), 'utf8')).toBe('one\n'.repeat(1000))
}

function noLocksLeft(repository: string): void {
  expect(existsSync(join(repository, 'lock.exclusive'))).toBe(false)
  expect(existsSync(join(repository, 'lock.roster'))).toBe(false)
}

describe('opening', () => {
  test('with a wrong passphrase: says so, once, without asking', () => {
    const repository = makeRepository('wrong-passphrase')
    const result = run(['list', repository], { env: { BORG_PASSPHRASE: 'wrong' } })
    expect(result).toEqual({
      code: 52,
      stdout: '',
      stderr: 'Passphrase supplied in BORG_PASSPHRASE, by BORG_PASSCOMMAND, or via BORG_PASSPHRASE_FD is incorrect.\n',
    })
    expect(run(['list', repository], { env: { BORG_PASSPHRASE: 'wrong', BORG_EXIT_CODES: 'legacy' } }).code).toBe(2)
    noLocksLeft(repository)
  })

  test('a repository that is not there', () => {
    const path = join(folder, 'nowhere')
    expect(run(['list', path])).toEqual({ code: 13, stdout: '', stderr: `Repository ${path} does not exist.\n` })
  })

  test('a folder that is no repository', () => {
    const path = join(folder, 'source')
    const result = run(['list', path])
    expect(result).toEqual({ code: 15, stdout: '', stderr: `${path} is not a valid repository. Check repo config.\n` })
    expect(readdirSync(path).sort()).toEqual(['one', 'two'])
  })

  test('a repository of Attic is recognised, whatever was wanted of it', () => {
    const repository = makeRepository('attic')
    const [first = ''] = segments(repository)
    const bytes = readFileSync(first)
    for (const path of segments(repository).slice(1)) rmSync(path)
    writeFileSync(first, Buffer.concat([Buffer.from('ATTICSEG'), bytes.subarray(8)]))
    const archive = `${repository}::a`
    const words = [
      ...[
        ['create', archive, 'source'],
        ['extract', archive],
        ['check', repository],
        ['rename', archive, 'b'],
      ],
      ...[
        ['list', repository],
        ['delete', repository],
        ['prune', repository],
        ['info', archive],
        ['break-lock', repository],
      ],
      ...[
        ['key', 'export', repository, 'key'],
        ['key', 'import', repository, 'key'],
      ],
    ]
    for (const args of words) {
      expect(run(args)).toMatchObject({ code: 11, stderr: expect.stringContaining('Attic repository detected.') })
    }
  })

  test('an archive that is not there, or there already', () => {
    const repository = makeRepository('archives')
    expect(run(['extract', `${repository}::b`])).toMatchObject({ code: 31, stderr: 'Archive b does not exist\n' })
    expect(run(['create', `${repository}::a`, 'source'])).toMatchObject({
      code: 30,
      stderr: 'Archive a already exists\n',
    })
    noLocksLeft(repository)
  })

  test('with an option nobody knows: usage, exit code 2, and nothing touched', () => {
    const result = run(['create', '--frobnicate', 'x::a', 'source'])
    expect(result.code).toBe(2)
    expect(result.stderr).toMatch(/^usage: tsborg /)
    expect(result.stderr).toMatch(/error: unrecognized arguments: --frobnicate\n$/)
    expect(existsSync(join(folder, 'x'))).toBe(false)
  })
})

describe('damage', () => {
  test('a flipped bit in a segment is found by check, named by extract, and hurts only its own file', () => {
    const repository = makeRepository('flipped')
    const [largest = ''] = segments(repository).sort((a, b) => readFileSync(b).length - readFileSync(a).length)
    const bytes = readFileSync(largest)
    bytes[60] = (bytes[60] ?? 0) ^ 1
    writeFileSync(largest, bytes)
    rmSync(join(folder, 'base'), { recursive: true })

    const check = run(['check', repository])
    expect(check.code).toBe(1)
    expect(check.stderr).toMatch(/segment|checksum|integrity/i)
    const out = mkdtempSync(join(folder, 'out-'))
    const extract = run(['extract', `${repository}::a`], { cwd: out })
    expect(extract.code).not.toBe(0)
    expect(extract.stderr.trim().split('\n').length).toBeLessThan(4)
    expect(extract.stderr).not.toContain('    at ')
    noLocksLeft(repository)
  })

  test('a truncated index is rebuilt from the segments', () => {
    const repository = makeRepository('truncated-index')
    const [index = ''] = readdirSync(repository).filter((name) => name.startsWith('index.'))
    truncateSync(join(repository, index), 100)

    const listed = run(['list', '--short', repository])
    expect(listed.stdout).toBe('a\n')
    requireIntact(repository)
  })

  test('missing index, hints and integrity are rebuilt', () => {
    const repository = makeRepository('no-index')
    for (const name of readdirSync(repository).filter((entry) => /^(index|hints|integrity)\./.test(entry))) {
      rmSync(join(repository, name))
    }
    requireIntact(repository)
  })

  test('a corrupt cache is thrown away and built anew', () => {
    const repository = makeRepository('corrupt-cache')
    const cache = join(folder, 'base', '.cache', 'borg')
    const id = /^id = (\w+)$/m.exec(readFileSync(join(repository, 'config'), 'utf8'))?.[1] ?? ''
    writeFileSync(join(cache, id, 'chunks'), 'nonsense')
    writeFileSync(join(cache, id, 'files'), 'nonsense')
    appendFileSync(join(folder, 'source', 'one'), '')

    const created = run(['create', `${repository}::b`, 'source'])
    expect(created.stderr).toMatch(/cache/i)
    expect(created.stderr).not.toContain('    at ')
    expect([0, 1]).toContain(created.code)
    requireIntact(repository)
    expect(run(['delete', `${repository}::b`])).toMatchObject({ code: 0 })
    requireIntact(repository)
  })

  test('a config without a repository section, and one that is no ini file', () => {
    const repository = makeRepository('bad-config')
    writeFileSync(join(repository, 'config'), '\0\0\0')
    const result = run(['list', repository])
    expect(result.code).toBe(16)
    expect(result.stderr.trim().split('\n')).toHaveLength(1)
  })
})

describe.runIf(isRoot)('places that refuse (as root)', () => {
  test('an unreadable file is a warning, the rest is backed up', () => {
    const user = 65534
    const home = join(folder, 'nobody')
    mkdirSync(join(home, 'tree'), { recursive: true })
    writeFileSync(join(home, 'tree', 'open'), 'open')
    writeFileSync(join(home, 'tree', 'secret'), 'secret', { mode: 0o000 })
    for (const path of [home, join(home, 'tree'), join(home, 'tree', 'open')]) chownSync(path, user, user)
    const options = { uid: user, env: { BORG_BASE_DIR: home, HOME: home }, cwd: home }
    expect(run(['init', '-e', 'repokey', join(home, 'repository')], options).code).toBe(0)

    const result = run(['create', '--list', `${join(home, 'repository')}::a`, 'tree'], options)
    expect(result.code).toBe(105)
    expect(result.stderr).toContain("tree/secret: open: [Errno 13] Permission denied: 'secret'\n")
    expect(result.stderr).toContain('E tree/secret\n')
    expect(result.stderr).toContain('A tree/open\n')
    expect(run(['list', '--short', `${join(home, 'repository')}::a`], options).stdout).toBe('tree\ntree/open\n')
  })

  test('a read-only repository can be read without locks, and says why it cannot be written', () => {
    const repository = makeRepository('read-only')
    if (!mount(['--bind', repository, repository])) return
    try {
      mount(['-o', 'remount,ro,bind', repository])
      const result = run(['create', `${repository}::b`, 'source'])
      expect(result.code).toBe(72)
      expect(result.stderr).toMatch(/^Failed to create\/acquire the lock .*Read-only file system/)
      expect(run(['list', '--short', '--bypass-lock', repository])).toMatchObject({ code: 0, stdout: 'a\n' })
      expect(run(['check', repository]).code).toBe(72)
      expect(run(['check', '--verify-data', '--bypass-lock', repository])).toMatchObject({ code: 0, stderr: '' })
    } finally {
      spawnSync('umount', [repository])
    }
    requireIntact(repository)
  })

  test('a full disk ends the backup, keeps what was there, and the next one succeeds', () => {
    const disk = join(folder, 'small-disk')
    mkdirSync(disk)
    if (!mount(['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk])) return
    try {
      const repository = join(disk, 'repository')
      expect(run(['init', '-e', 'repokey', repository]).code).toBe(0)
      expect(run(['create', `${repository}::a`, 'source']).code).toBe(0)
      const big = join(folder, 'big')
      writeFileSync(big, Buffer.from(Array.from({ length: 20_000_000 }, () => Math.floor(Math.random() * 256))))

      const result = run(['create', `${repository}::b`, 'big'])
      expect(result.code).not.toBe(0)
      expect(result.stderr).toMatch(/space/i)
      expect(result.stderr).not.toMatch(/big: (read|open)/)
      noLocksLeft(repository)
      spawnSync('mount', ['-o', 'remount,size=100m', disk])
      requireIntact(repository)
      expect(run(['create', `${repository}::b`, 'big'])).toMatchObject({ code: 0, stderr: '' })
      requireIntact(repository)
    } finally {
      spawnSync('umount', [disk])
    }
  })
})

function mount(args: readonly string[]): boolean {
  const done = spawnSync('mount', args, { encoding: 'utf8' }).status === 0
  if (!done) console.warn(`SKIPPED: this machine does not let us mount (${args.join(' ')})`)
  return done
}

if (!isRoot) console.warn('SKIPPED: unreadable files, read-only and full disks need root')
