/**
 * `debug` beside borg 1.4: same words, same exit codes, same files, byte for byte, over the same repository.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { isBuilt, runCli } from './support/built-cli.ts'
import { type NormalRun, normalRun } from './support/normal-output.ts'

// Dozens of programs are started one after the other; machines may be busy.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 })

const borgs = findBorgs()
const recent = borgs.find(({ version }) => version.startsWith('1.4'))
const foreign = `${'0'.repeat(62)}ff`

describe.skipIf(recent === undefined || !isBuilt)('debug', () => {
  const ours = new BorgWorld()
  const theirs = new BorgWorld()
  const borg = (world: BorgWorld, ...args: readonly string[]): string => world.must(recent?.command ?? '', args).stdout
  afterAll(() => {
    for (const world of [ours, theirs]) world.remove()
  })

  beforeAll(() => {
    const tree = ours.path('tree')
    mkdirSync(tree)
    writeFileSync(join(tree, 'a'), "hello world, it's me\n")
    writeFileSync(join(tree, 'ünï'), 'tail hello')
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/bad`), Buffer.from([0xff])]), 'bad name')
    writeFileSync(join(tree, 'zeros'), new Uint8Array(1000))
    symlinkSync('a', join(tree, 'link'))
    borg(ours, 'init', '-e', 'repokey-blake2', 'repo')
    borg(ours, 'create', '--comment', 'cömment', 'repo::first', 'tree')
    writeFileSync(join(tree, 'more'), 'more')
    borg(ours, 'create', 'repo::second', 'tree')
    borg(ours, 'create', 'repo::third', 'tree')
    borg(ours, 'delete', 'repo::third')
    mkdirSync(ours.path('out'))
    execFileSync('cp', ['-a', `${ours.folder}/.`, theirs.folder])
    borg(theirs, 'info', 'repo')
  })

  /** What each said and wrote must be the same. Returns it. */
  function both(args: readonly string[]): NormalRun {
    const [we, they] = [ours, theirs].map((world) => {
      const all = ['debug', ...args]
      const run =
        world === ours ? runCli(world, all, { cwd: 'out' }) : world.run(recent?.command ?? '', all, { cwd: 'out' })
      const { code, stdout, stderr } = normalRun({ ...run, stdout: '' }, world.folder)
      return { code, stdout: [...stdout, run.stdout], stderr, files: filesOf(world.path('out')) }
    })
    expect({ args, ...we }).toEqual({ args, ...they })
    for (const world of [ours, theirs]) execFileSync('sh', ['-c', 'rm -rf "$0" && mkdir "$0"', world.path('out')])
    return we as NormalRun
  }

  test('archives, manifest and hints are dumped byte for byte', () => {
    both(['dump-archive-items', '../repo::first'])
    both(['dump-archive', '../repo::first', 'dump.json'])
    both(['dump-archive', '../repo::second', '-'])
    both(['dump-archive', '../repo::third', '-'])
    both(['dump-manifest', '../repo', 'dump.json'])
    both(['dump-hints', '../repo', '-'])
  })

  test('objects are dumped under the same names, live ones and all', () => {
    both(['dump-repo-objs', '../repo'])
    both(['dump-repo-objs', '--ghost', '../repo'])
    both(['dump-repo-objs', '--ghost', '--segment', '3', '../repo'])
    both(['dump-repo-objs', '--ghost', '--segment', '3', '--offset', '8', '../repo'])
    both(['dump-repo-objs', '--ghost', '--offset', '8', '../repo'])
  })

  test.each(['str:hello', 'str:o', "str:it's", 'hex:0000', 'hex:ff', 'str:', 'hex:0', 'hex:zz', 'hello'])(
    'the search for %s finds the same',
    (wanted) => {
      both(['search-repo-objs', '../repo', wanted])
    },
  )

  test('single objects come, go and are counted alike', () => {
    const [, id = ''] = both(['id-hash', '../repo', '../tree/a']).stdout
    for (const known of [id.trim(), '0'.repeat(64), foreign, '12', '123', 'zz'])
      both(['get-obj', '../repo', known, 'x'])
    both(['refcount-obj', '../repo', id.trim(), foreign, 'invalid', '123'])
    both(['put-obj', '../repo', foreign, '../tree/a'])
    both(['put-obj', '../repo', '12', '../tree/a'])
    both(['get-obj', '../repo', foreign.toUpperCase(), 'x'])
    both(['delete-obj', '../repo', foreign, foreign, 'invalid'])
    both(['delete-obj', '../repo', 'invalid'])
    both(['dump-hints', '../repo', 'hints.json'])
    expect(borg(ours, 'check', '--verify-data', 'repo')).toBe('')
  })

  test('of a damaged segment the rest is dumped, by us also what comes after an object that no key opens', () => {
    const put = runCli(ours, ['debug', 'put-obj', 'repo', foreign, 'tree/a'])
    expect(put).toMatchObject({ code: 0, stdout: `object ${foreign} put.\n` })
    const damaged = readFileSync(ours.path('repo', 'data', '0', '0'))
    damaged[60] = (damaged[60] ?? 0) ^ 1
    writeFileSync(ours.path('repo', 'data', '0', '0'), damaged)

    const { code, stdout, stderr } = runCli(ours, ['debug', 'dump-repo-objs', '--ghost', '../repo'], { cwd: 'out' })

    expect(code).toBe(1)
    expect(stderr).toMatch(/^Segment 0 \(.*\/data\/0\/0\) has IntegrityError\(s\) \[.*\] - skipping\.$/m)
    expect(stderr).toMatch(new RegExp(`^object ${foreign}: Data integrity error`, 'm'))
    expect(stdout.endsWith('_commit.obj\nDone.\n')).toBe(true)
  })

  test("what is Python's own, or not there, is said clearly", () => {
    expect(runCli(ours, ['debug', 'info']).stdout).toMatch(/^Platform: [\s\S]*Python: [\s\S]*\n\nCRC implementation: /)
    expect(runCli(ours, ['debug', 'convert-profile', 'in', 'out'])).toMatchObject({ code: 2, stdout: '' })
    const missing = runCli(ours, ['debug', 'put-obj', 'repo', foreign, 'nothing'])
    expect(missing).toMatchObject({ code: 2, stderr: "Error: [Errno 2] No such file or directory: 'nothing'\n" })
  })
})

function filesOf(folder: string): Readonly<Record<string, string>> {
  const digest = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex')
  return Object.fromEntries(readdirSync(folder).map((name) => [name, digest(name)]))
}
