/**
 * Words of the command line, and variables, that are not UTF-8: names on disk are bytes, and a shell hands them on.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BorgWorld, type BorgRun, findBorgs } from '../support/real-borg.ts'
import { builtCli, isBuilt } from './support/built-cli.ts'

const borg = findBorgs()[0]
const world = new BorgWorld()
const ours = `'${process.execPath}' '${builtCli}'`

/** In bash, where $'\xff' is a byte. */
function shell(line: string): BorgRun {
  return world.run('bash', ['-c', line])
}

/** What borg restores of an archive; 'latin1' keeps each byte one character. */
function paths(archive: string): string[] {
  const restore = `rm -rf look && mkdir look && cd look && ${borg?.command} extract '../${archive}'`
  const { stdout } = shell(`${restore} && find . -mindepth 1 -printf '%P\\0' | od -An -v -tx1`)
  const bytes = Buffer.from(stdout.replace(/\s/g, ''), 'hex')
  return bytes.toString('latin1').split('\0').slice(0, -1).sort()
}

function folder(path: string): Buffer {
  return Buffer.concat([Buffer.from(`${world.folder}/`), Buffer.from(path, 'latin1')])
}

beforeAll(() => {
  for (const path of ['src', 'src/bad\xff', 'src/good', 'odd\xfe', 'out']) mkdirSync(folder(path))
  for (const path of ['src/bad\xff/a', 'src/good/b', 'odd\xfe/c', 'list\xff']) writeFileSync(folder(path), 'text')
  if (!isBuilt || borg === undefined) return
  world.must(borg.command, ['init', '-e', 'none', 'repo'])
  world.must(borg.command, ['create', 'repo::all', 'src'])
})
afterAll(() => world.remove())

describe.skipIf(!isBuilt || borg === undefined)('bytes that are not UTF-8', () => {
  test('name a folder to back up', () => {
    expect(shell(`${ours} create repo::odd $'odd\\xfe'`)).toMatchObject({ code: 0, stderr: '' })
    expect(paths('repo::odd')).toEqual(['odd\xfe', 'odd\xfe/c'])
  })

  test('name what is left out', () => {
    expect(shell(`${ours} create -e $'src/bad\\xff' repo::without src`)).toMatchObject({ code: 0, stderr: '' })
    expect(paths('repo::without')).toEqual(['src', 'src/good', 'src/good/b'])
  })

  test('name what recreate keeps and leaves out', () => {
    shell(`${ours} create repo::kept src && ${ours} recreate repo::kept $'src/bad\\xff'`)
    expect(paths('repo::kept')).toEqual(['src', 'src/bad\xff', 'src/bad\xff/a'])
    shell(`${ours} create repo::rest src && ${ours} recreate -e $'src/bad\\xff' repo::rest`)
    expect(paths('repo::rest')).toEqual(['src', 'src/good', 'src/good/b'])
  })

  test.each([
    ['list', `list repo::all $'src/bad\\xff'`],
    ['extract', `extract --list --dry-run repo::all $'src/bad\\xff'`],
    ['an archive that is not there', `list $'repo::x\\xff'`],
    ['what does not match', `extract repo::all $'src/bad\\xfe'`],
  ])('mean to %s what they mean to borg', (_, line) => {
    const { command } = borg ?? { command: '' }
    const theirs = shell(`${command} ${line}`)
    expect(shell(`${ours} ${line}`)).toEqual(theirs)
  })

  test('name a file of patterns, and the repository in the environment', () => {
    const there = `BORG_BASE_DIR="$PWD/other" ${ours}`
    shell(`printf 'src/good' > $'list\\xff'; mkdir other && BORG_REPO=$'re\\xffpo' ${there} init -e none`)
    const line = `BORG_REPO=$'re\\xffpo' ${there} create --exclude-from $'list\\xff' ::named src`
    expect(shell(line)).toMatchObject({ code: 0, stderr: '' })
    expect(shell(`BORG_REPO=$'re\\xffpo' ${there} list --short ::named`).stdout).toBe('src\nsrc/bad?\nsrc/bad?/a\n')
  })

  test('name the working folder', () => {
    const line = `cd $'odd\\xfe' && ${ours} create ../repo::inside . && cp -a ../repo . && ${ours} info repo`
    const { stdout } = shell(line)
    expect(paths('repo::inside')).toEqual(['c'])
    expect(stdout).toContain('/odd?/repo')
    expect(readdirSync(folder('odd\xfe'), 'latin1').sort()).toEqual(['c', 'repo'])
  })

  test('are restored from', () => {
    shell(`cd out && ${ours} extract ../repo::all $'src/bad\\xff'`)
    expect(readdirSync(folder('out/src'), 'latin1')).toEqual(['bad\xff'])
  })

  test.each([
    `create $'repo::x\\xff' src`,
    `rename repo::all $'x\\xff'`,
    `recreate --target $'x\\xff' repo::all`,
    `import-tar $'repo::x\\xff' /dev/null`,
  ])('are no name of a new archive: %s', (line) => {
    const run = shell(`${ours} ${line}`)
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('Invalid archive name: "x?"') })
  })

  test('in a comment are what borg shows too', () => {
    shell(`${ours} create --comment $'c\\xff' repo::said src`)
    const { command } = borg ?? { command: '' }
    const line = `list --format '{comment}{NL}' --glob-archives said repo`
    const theirs = shell(`${command} ${line}`)
    expect(theirs.code).toBe(0)
    expect(shell(`${ours} ${line}`)).toEqual(theirs)
    expect(shell(`${command} check repo`).code).toBe(0)
  })

  test('are not handed to a program as something else', () => {
    const run = shell(`${ours} with-lock repo rm -f $'x\\xff'`)
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('not valid UTF-8') })
  })

  test('a character that looks like the replacement of one is one', () => {
    shell(`mkdir $'\\xef\\xbf\\xbd' && ${ours} create repo::real $'\\xef\\xbf\\xbd'`)
    expect(paths('repo::real')).toEqual(['\xef\xbf\xbd'])
  })
})
