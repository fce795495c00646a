/**
 * Completion, in the shells themselves where they are installed.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { commandEntries } from '../../src/cli/commands.ts'
import { type CompletionShell, completionScript, completionShells } from '../../src/cli/completion/shells.ts'
import { completionWords } from '../../src/cli/completion/words.ts'
import { run } from '../../src/cli/main.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { fakeProcess } from './fake-process.ts'

const built = fileURLToPath(new URL('../../dist/completions', import.meta.url))

const installed = new Set(completionShells.filter((shell) => spawnSync(shell, ['--version']).status === 0))
for (const shell of completionShells) {
  if (!installed.has(shell)) console.warn(`SKIPPED: ${shell} is not installed, its completions are not tried`)
}

/** A folder to type in: a repository as completion recognises one, and a tsborg that knows three archives. */
function world(): string {
  const folder = tempFolder()
  for (const name of ['bin', 'repo/data', 'other folder']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'repo/config'), '')
  writeFileSync(join(folder, 'file.txt'), '')
  const program = join(folder, 'bin/tsborg')
  writeFileSync(
    program,
    [
      '#!/bin/sh',
      '[ -n "$BORG_PASSPHRASE" ] || env | grep -q "^BORG_PASSPHRASE=" || echo would ask >> calls',
      'echo "$* $BORG_PASSPHRASE$(cat)" >> calls',
      '[ "$1 $2 $3" = "list --bypass-lock --short" ] || exit 2',
      'printf "monday\\ntuesday\\nwith space\\n"',
    ].join('\n'),
  )
  chmodSync(program, 0o755)
  return folder
}

function runShell(shell: CompletionShell, args: readonly string[], folder: string, environment = {}): string {
  const { stdout, stderr, status } = spawnSync(shell, args, {
    cwd: folder,
    encoding: 'utf8',
    input: 'nothing of this is for us\n',
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, HOME: folder, ...environment },
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

async function writeScript(shell: CompletionShell, folder: string): Promise<string> {
  const path = join(folder, `tsborg.${shell}`)
  writeFileSync(path, await completionScript(shell))
  return path
}

/** What bash would offer behind `line`. */
async function bash(line: string, folder: string, environment = {}): Promise<string[]> {
  const script = await writeScript('bash', folder)
  // As bash cuts a line before it asks.
  const words = [...line.matchAll(/[:=]+|[^\s:=]+/g)].map(([word]) => word)
  if (/\s$/.test(line)) words.push('')
  const ask = `source "$1"; COMP_LINE=$2; COMP_POINT=\${#2}; COMP_WORDS=("\${@:3}"); COMP_CWORD=$(($# - 3)); _tsborg
    (( \${#COMPREPLY[@]} == 0 )) || printf '%s\\n' "\${COMPREPLY[@]}"`
  const output = runShell('bash', ['-c', ask, 'bash', script, line, ...words], folder, environment)
  return output.split('\n').slice(0, -1)
}

/** What fish offers, without descriptions. */
async function fish(line: string, folder: string): Promise<string[]> {
  const script = await writeScript('fish', folder)
  const output = runShell('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', script, line], folder)
  return output
    .split('\n')
    .slice(0, -1)
    .map((offer) => offer.split('\t')[0] ?? '')
}

/** Offers that both shells make. */
const offers: readonly (readonly [string, readonly string[]])[] = [
  ['tsborg cre', ['create']],
  ['tsborg --lock-wait 5 -v key export --q', ['--qr-html']],
  ['tsborg key i', ['import']],
  ['tsborg benchmark cr', ['crud']],
  ['tsborg create --st', ['--stats', '--stdin-group', '--stdin-mode', '--stdin-name', '--stdin-user']],
  ['tsborg create --log-j', ['--log-json']],
  ['tsborg create -C z', ['zlib', 'zstd']],
  ['tsborg init -e key', ['keyfile', 'keyfile-blake2']],
  ['tsborg completion ', ['bash', 'fish', 'zsh']],
  ['tsborg help pat', ['patterns']],
  ['tsborg create repo::x fi', ['file.txt']],
  ['tsborg create repo::x --exclude-from fi', ['file.txt']],
  ['tsborg delete repo t', ['tuesday']],
  ['tsborg diff repo::monday m', ['monday']],
  ['tsborg rename repo::monday ', []],
  ['tsborg create -- --st', []],
]

describe.skipIf(!installed.has('bash'))('bash', () => {
  test.each(offers)('%s', async (line, expected) => {
    expect((await bash(line, world())).sort()).toEqual(expected)
  })
  test.each([
    // Only what is behind the last ':' or '=', as bash takes that for a word of its own.
    ['tsborg list repo::', ['monday', 'tuesday', 'with\\ space']],
    ['tsborg extract repo::m', ['monday']],
    ['tsborg list re', ['repo']],
    ['tsborg list repo', ['repo', 'repo::']],
    ['tsborg create --compression=auto,z', ['auto,zstd']],
    ['tsborg create --exclude-from=fi', ['file.txt']],
    ['tsborg list nowhere::', []],
    ['tsborg list host:repo::', []],
  ])('%s', async (line, expected) => {
    expect((await bash(line, world())).sort()).toEqual(expected)
  })
  test('archives of BORG_REPO', async () => {
    expect(await bash('tsborg list ::t', world(), { BORG_REPO: 'repo' })).toEqual(['tuesday'])
  })
  test('asks for nothing, waits for nothing', async () => {
    const folder = world()

    await bash('tsborg list repo::', folder)
    await bash('tsborg list repo::', folder, { BORG_PASSPHRASE: 'known' })
    expect(readFileSync(join(folder, 'calls'), 'utf8').split('\n')).toEqual([
      'list --bypass-lock --short repo ',
      'list --bypass-lock --short repo known',
      '',
    ])
  })
})

describe.skipIf(!installed.has('fish'))('fish', () => {
  test.each(offers)('%s', async (line, expected) => {
    expect((await fish(line, world())).sort()).toEqual(expected)
  })
  test.each([
    ['tsborg list repo::', ['repo::monday', 'repo::tuesday', 'repo::with space']],
    ['tsborg list repo', ['repo/', 'repo::']],
    ['tsborg create --compression=auto,z', ['--compression=auto,zstd']],
    ['tsborg list nowhere::', []],
  ])('%s', async (line, expected) => {
    expect((await fish(line, world())).sort()).toEqual(expected)
  })
  test('asks for nothing', async () => {
    const folder = world()

    await fish('tsborg list repo::', folder)
    expect(readFileSync(join(folder, 'calls'), 'utf8')).toMatch(/^(list --bypass-lock --short repo \n)+$/)
  })
})

describe('scripts', () => {
  test.each(completionShells)('%s can be read by its shell', async (shell) => {
    const folder = world()
    const path = await writeScript(shell, folder)

    if (installed.has(shell)) runShell(shell, ['-n', path], folder)
    const io = fakeProcess()
    expect(await run(['completion', shell], io)).toBe(0)
    expect(io.out).toBe(readFileSync(path, 'utf8'))
  })
  test.each(completionShells)('%s knows every command and every option', async (shell) => {
    const script = await completionScript(shell)
    const { commands, common } = await completionWords()

    expect(commands.map(({ name }) => name)).toEqual(commandEntries.map(({ name }) => name))
    for (const { name, options } of commands) {
      expect(script).toContain(name.split(' ').at(-1))
      for (const option of [...options, ...common]) {
        for (const word of option.names) {
          expect(script).toContain(shell === 'fish' ? word.replace(/^--/, '-l ').replace(/^-(?!l )/, '-s ') : word)
        }
      }
    }
  })
  test.each(completionShells)('%s is in the build as it is printed', async (shell) => {
    const path = join(built, `tsborg.${shell}`)

    expect(existsSync(path), 'npm run build').toBe(true)
    expect(readFileSync(path, 'utf8')).toBe(await completionScript(shell))
  })
})
