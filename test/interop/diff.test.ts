/**
 * The same pairs of archives, compared by borg and by us: same lines in the same order, same exit code.
 *
 * borg up to 1.4.0 prints contents that are equal as "0 B 0 B" when something else differs; 1.4.5, which we follow, does
 * not. `equalContent` takes that out.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { isBuilt, runCli } from './support/built-cli.ts'

const borg = findBorgs().find(({ version }) => version.startsWith('1.4'))
const world = new BorgWorld()
const isRoot = process.getuid?.() === 0

const before = `
head -c 100000 /dev/urandom > changed; echo same > same; echo gone > gone; : > empty; echo name > "$(printf 'zz\\377')"
mkdir folder folder-gone folder-to-file; echo inside > folder/inside
ln -s a link; ln -s a link-gone; ln -s a link-to-file; echo x > file-to-folder; echo x > file-to-link
echo own > own; echo mode > mode; echo touch > touch; mkfifo fifo fifo-gone
echo linked > first; ln first second; ln first third; echo single > single
echo cut > cut1; ln cut1 cut2; echo left > left1; ln left1 left2; echo parted > parted1; ln parted1 parted2
head -c 20000 changed > moved; printf '%04096d%04096d' 1 2 > swapped
mkdir names; for name in a '\\377' '\\357\\277\\256' '\\360\\237\\230\\200' '\\303\\251\\376'; do echo x > "names/$(printf "$name")"; done
mkfifo pipe; ln pipe pipe-again; echo special > special; chmod 6755 special; echo sticky > sticky; echo turned > turned`

const after = `
printf AAAA | dd of=changed conv=notrunc bs=1 seek=5000 2>/dev/null; echo more >> changed
rm gone link-gone fifo-gone; rmdir folder-gone folder-to-file; echo file > folder-to-file; rm link; ln -s b link
rm link-to-file; echo z > link-to-file; rm file-to-folder; mkdir file-to-folder; rm file-to-link; ln -s q file-to-link
echo full > empty; chmod 755 mode; touch touch; echo new > new; mkdir folder-new; ln -s x link-new; mkfifo fifo-new; : > empty-new
rm third; ln first fourth; ln single single-again; echo more >> cut1; rm left1; rm parted2; echo parted > parted2
mv moved renamed; printf '%04096d%04096d' 2 1 > swapped; echo other >> "$(printf 'zz\\377')"
for name in names/*; do echo y >> "$name"; done; chmod 600 pipe; chmod 755 special; chmod 1644 sticky
rm turned; mkfifo turned; touch -d 2001-02-03T04:05:06.123456789Z same; touch -h -d 1969-12-31T23:59:58Z link`

const asRoot = {
  before: 'mknod character c 1 3',
  after: 'chown 1:1 own; chown 54321:54321 same; rm character; mknod character c 1 5; mknod block b 7 0',
}

/** What 1.4.0 says of equal contents, taken out of its output. */
function equalContent(output: string): string {
  const lines = output.split('\n').map((line) => {
    const json = line.replace(/\{"added": 0, "removed": 0, "type": "modified"\}(, )?/, '')
    const text = json.replace(/^ {6}0 B {7}0 B /, '')
    // With the column gone its padding is missing as well.
    return text.replace(
      /^(\S.*?)?? *(tree\S*)$/,
      (_, changes: string | undefined, path: string) => `${(changes ?? '').padEnd(19)} ${path}`,
    )
  })
  return lines.join('\n')
}

/** 1.4.5 tells what to write instead of --sort; 1.4.0 has nothing else. */
function withDeprecation(stderr: string, options: readonly string[]): string {
  const notice = 'Warning: "--sort" is deprecated. Use "--sort-by=path" instead.\n'
  return options.includes('--sort') ? notice + stderr : stderr
}

beforeAll(() => {
  if (borg === undefined || !isBuilt) return
  const shell = (script: string): void => void world.must('sh', ['-ec', script], { cwd: 'tree' })
  const create = (name: string, ...options: string[]): void =>
    void world.must(borg.command, ['create', ...options, `repo::${name}`, 'tree'])
  const importTar = (name: string): void => {
    world.must('tar', ['-cf', 'tar', 'tree'])
    world.must(borg.command, ['import-tar', '--chunker-params', 'fixed,4096', `repo::${name}`, 'tar'])
  }
  world.must('mkdir', ['tree'])
  world.must(borg.command, ['init', '-e', 'repokey-blake2', 'repo'])
  shell(before + (isRoot ? `\n${asRoot.before}` : ''))
  create('before', '--chunker-params', 'fixed,4096')
  // Times of change are compared: let the clock go on.
  shell(`sleep 0.1; ${after}${isRoot ? `\n${asRoot.after}` : ''}`)
  create('after', '--chunker-params', 'fixed,4096')
  create('no-ctime', '--chunker-params', 'fixed,4096', '--noctime')
  create('cut-otherwise', '--chunker-params', 'buzhash,10,23,16,4095')
  importTar('tar')
  // Names of one file are told by a tarball, too, but not which of them may have others.
  shell('echo more >> cut2; rm second; ln -f single-again fourth')
  importTar('later-tar')
})
afterAll(() => world.remove())

const argvs = [
  'before after',
  'after before',
  'before before',
  'after no-ctime',
  'before cut-otherwise --content-only',
  'cut-otherwise before --content-only',
  'before cut-otherwise --same-chunker-params',
  'before after --content-only',
  'before after --json-lines',
  'after before --json-lines --content-only',
  'after no-ctime --json-lines',
  'before after --numeric-ids',
  'before after -e tree/folder* --pattern !re:link',
  'before after -- tree/folder tree/nothing',
  'before after -- tree/second tree/first',
  'before after --sort',
  'before after --sort --json-lines',
  'after later-tar',
  'tar later-tar',
  'later-tar tar --json-lines',
  'before tar --content-only',
  'before cut-otherwise --content-only --json-lines --sort',
  'before after --same-chunker-params --numeric-ids --content-only',
  'before after --pattern=+tree/folder* --pattern=-*',
  'before nothing',
  'nothing after',
]

describe.skipIf(borg === undefined || !isBuilt)('diff', () => {
  test.each(argvs)('%s', (argv) => {
    const [words = '', paths = []] = [argv.split(' -- ')[0], argv.split(' -- ')[1]?.split(' ')]
    const [one, other = '', ...options] = words.split(' ')
    const args = ['diff', ...options, `repo::${one}`, other, ...paths]
    const environment = { BORG_EXIT_CODES: 'modern', TZ: 'Asia/Kathmandu' }
    const theirs = world.run(borg?.command ?? '', args, { environment })
    const ours = runCli(world, args, { environment })

    expect({ ...ours, stdout: equalContent(ours.stdout) }).toEqual({
      ...theirs,
      stdout: equalContent(theirs.stdout),
      stderr: withDeprecation(theirs.stderr, options),
    })
    if (!argv.includes('nothing') && argv !== 'before before') expect(ours.stdout).not.toBe('')
  })

  test('a hard link whose first name was left out is skipped, with a warning', () => {
    const { stdout } = runCli(world, ['list', '--format', '{path} {source}{NL}', 'repo::before'])
    const first = /tree\/\w+ (tree\/(?:first|second|third))$/m.exec(stdout)?.[1] ?? ''
    const run = runCli(world, ['diff', 'repo::before', 'after', '-e', first])

    expect(run.code).toBe(1)
    expect(run.stderr).toContain(`(${first}), skipping compare.`)
    expect(run.stdout).not.toContain(` ${first}\n`)
  })

  test('a path is printed though what differs is not shown', () => {
    const { stdout } = runCli(world, ['diff', 'repo::before', 'after', '--content-only'])

    expect(stdout).toContain(`${' '.repeat(19)} tree/link-to-file\n`)
    expect(stdout).toContain(`${' '.repeat(19)} tree/swapped\n`)
  })

  test('lines can be sorted by several fields, both ways', () => {
    const lines = (...keys: string[]): string[] => {
      const run = runCli(world, ['diff', '--content-only', '-e', 'tree/names', ...keys, 'repo::before', 'after'])
      expect(run.code).toBe(0)
      return run.stdout.trimEnd().split('\n')
    }
    const paths = (...keys: string[]): string[] => lines(...keys).map((line) => line.slice(20))

    expect(paths('--sort-by', 'path')).toEqual(paths().sort())
    expect(paths('--sort-by', '>path')).toEqual(paths().sort().reverse())
    expect(lines('--sort-by', '>size_removed')[0]).toContain('tree/moved')
    expect(lines('--sort-by', '>size_added,path')[0]).toContain('tree/renamed')
    expect(lines('--sort-by', 'size_diff')[0]).toContain('tree/moved')
    expect(lines('--sort-by', '>size')[0]).toContain('tree/changed')
    expect(runCli(world, ['diff', '--sort-by', 'colour', 'repo::before', 'after'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unsupported sort field: colour'),
    })
  })

  test('--sort says what to write instead', () => {
    const old = runCli(world, ['diff', '--sort', 'repo::before', 'after'])
    const instead = runCli(world, ['diff', '--sort-by=path', 'repo::before', 'after'])

    expect(old.stderr).toBe('Warning: "--sort" is deprecated. Use "--sort-by=path" instead.\n')
    expect(old.stdout).toBe(instead.stdout)
  })
})
