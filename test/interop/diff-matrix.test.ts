/**
 * Many changes at once, compared by borg and by us under many options: the same bytes, padding included.
 *
 * Only what borg 1.4.0 prints is adapted: equal contents it calls "0 B 0 B" are no change in 1.4.5, which we follow.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { isBuilt, runCli } from './support/built-cli.ts'

const borg = findBorgs().find(({ version }) => version.startsWith('1.4'))
const world = new BorgWorld({ environment: { TZ: 'America/St_Johns', BORG_EXIT_CODES: 'modern' } })
const isRoot = process.getuid?.() === 0
if (!isRoot) console.warn('SKIPPED, because it needs root: devices and owners are not compared')

const before = `
head -c 300000 /dev/urandom > big; echo same > same; echo touched > touched; : > empty; : > empty-too
mkdir folder; echo inside > folder/inside; mkdir -m 1777 sticky
echo a > one; ln one folder/one; ln one three; echo b > pair; ln pair folder/pair
echo left > left1; ln left1 left2; echo right > right1; ln right1 right2
echo wide > wide1; ln wide1 wide2; ln wide1 wide3; echo narrow > narrow; mkdir hollow
mkfifo pipe; ln pipe pipe-again; echo x > turned; ln -s x link; ln -s y link-turned
touch -d '2001-02-03 04:05:06.123456789Z' times; touch -d '1969-01-01 00:00:00Z' old; touch -d '2150-01-01 00:00:00.5Z' future
for name in 'zz\\377' '\\303\\274' '\\360\\237\\230\\200' '\\356\\200\\200' 'new\\nline'; do echo x > "$(printf "$name")"; done`

const after = `
printf Z | dd of=big bs=1 seek=150000 conv=notrunc 2>/dev/null; echo more >> big; touch touched; echo full > empty
chmod 700 empty-too; rmdir sticky; mkdir sticky; rm same; mkdir same; echo more >> folder/inside
rm one; echo more >> three; rm pair folder/pair; rm left2 right2; ln left1 right2; ln right1 left2
rm wide1; ln narrow wide1; rm wide2 narrow; ln wide3 narrow; rmdir hollow; ln wide3 hollow
rm pipe-again; mkfifo pipe-again; rm turned; mkfifo turned; rm link; ln -s xx link; rm link-turned; echo y > link-turned
touch -d '2001-02-03 04:05:06.123456999Z' times; touch -d '1969-02-01Z' old; touch -d '2151-01-01 00:00:00.25Z' future
for name in 'zz\\377' '\\360\\237\\230\\200' 'new\\nline'; do echo y >> "$(printf "$name")"; done
rm "$(printf '\\303\\274')" "$(printf '\\356\\200\\200')"
echo new > new; ln new new-again; ln new folder/new; mkfifo new-pipe; ln new-pipe new-pipe-again; mkdir new-folder; ln -s 1 new-link`

const asRoot = {
  before: 'mknod device c 1 3; ln device device-again; mknod block b 7 0; echo own > own; chmod 4755 own',
  after:
    'rm device; mknod device c 1 5; rm block; mknod block c 7 0; chown 54321:1 own; mknod new-device b 7 1; chown 1:1 folder',
}

/** What 1.4.0 says of equal contents, taken out. */
function withoutEmptyChanges(output: string): string {
  const lines = output.split('\n').map((line) => {
    const [, changes = '', path] = /^ {6}0 B {7}0 B( \[.*\])? (tree.*)$/.exec(line) ?? []
    if (path !== undefined) return `${changes.trim().padEnd(19)} ${path}`
    return line.replace(/\{"added": 0, "removed": 0, "type": "modified"\}(, )?/, '')
  })
  return lines.join('\n')
}

/** Which name of a file the archive has first, borg alone knows. */
const namesOf: Readonly<Record<string, readonly string[]>> = {
  'FIRST-NEW': ['tree/new', 'tree/new-again', 'tree/folder/new'],
  'FIRST-PIPE': ['tree/new-pipe', 'tree/new-pipe-again'],
}
let archived: readonly string[] = []

function spelledOut(word: string): string {
  const names = namesOf[word]
  return names === undefined ? word : (archived.find((path) => names.includes(path)) ?? 'none of them is there')
}

beforeAll(() => {
  if (borg === undefined || !isBuilt) return
  const shell = (script: string): void => void world.must('sh', ['-ec', script], { cwd: 'tree' })
  const create = (name: string, ...options: string[]): void =>
    void world.must(borg.command, ['create', ...options, `repo::${name}`, 'tree'])
  world.must('mkdir', ['tree'])
  world.must('sh', ['-c', 'printf "P sh\\n+ tree/to*\\n+ tree/ti*\\n+ tree/empty*\\n- tree/**\\n" > rules'])
  world.must(borg.command, ['init', '-e', 'none', 'repo'])
  shell(before + (isRoot ? `\n${asRoot.before}` : ''))
  create('before')
  create('before-no-ctime', '--noctime')
  create('before-cut', '--chunker-params', '10,16,12,63')
  // Times of change are compared: let the clock go on.
  shell(`sleep 0.1; ${after}${isRoot ? `\n${asRoot.after}` : ''}`)
  create('after')
  create('after-cut', '--chunker-params', '10,16,12,63')
  create('after-blocks', '--chunker-params', 'fixed,4096', '--noctime')
  create('after-numbers', '--numeric-ids')
  archived = world.must(borg.command, ['list', '--short', 'repo::after']).stdout.split('\n')
})
afterAll(() => world.remove())

const argvs = [
  'before after',
  'after before',
  'before after --json-lines',
  'after before --json-lines --content-only',
  'before after --content-only',
  'before before-no-ctime',
  'before-no-ctime after --json-lines',
  // Cut otherwise: contents are read, and called modified where anything else differs.
  'before before-cut',
  'before after-cut',
  'after-cut before --json-lines',
  'before after-cut --content-only',
  'after-cut after',
  'after-cut after-blocks',
  'before-cut after-blocks --json-lines --content-only',
  'before after-blocks --same-chunker-params',
  'after after-numbers',
  'after-numbers before --numeric-ids --json-lines',
  'before after --patterns-from rules',
  'before after -e tree/b* -e fm:*/new* -e re:old$',
  // Later names whose first name is left out, and that have nothing to be compared with.
  'before after -e FIRST-NEW -e FIRST-PIPE',
  'after before -e FIRST-NEW -e FIRST-PIPE --json-lines',
  'after-cut before -e FIRST-NEW --content-only',
  'before after -e tree/one -e tree/folder/one -e tree/three -- tree/folder tree/w tree/nothing',
]

describe.skipIf(borg === undefined || !isBuilt)('diff', () => {
  test.each(argvs)('%s', (argv) => {
    const [words = '', paths = []] = [argv.split(' -- ')[0], argv.split(' -- ')[1]?.split(' ')]
    const [one, other = '', ...options] = words.split(' ')
    const args = ['diff', ...options.map(spelledOut), `repo::${one}`, other, ...paths]

    const theirs = world.run(borg?.command ?? '', args)
    const ours = runCli(world, args)

    expect(ours).toEqual({ ...theirs, stdout: withoutEmptyChanges(theirs.stdout) })
    if (argv !== 'before before-cut' && argv !== 'after-cut after') expect(ours.stdout).not.toBe('')
  })
})
