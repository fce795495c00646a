import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { borgVersion } from '../../src/base/limits.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const source = join(root, 'src')
const tsx = join(root, 'node_modules/.bin/tsx')
const tsborg = join(source, 'cli/tsborg.ts')

/** Files loaded with `file`, as far as its imports say; type imports load nothing. */
function loadedWith(file: string, isFollowed: (specifier: string) => boolean, seen = new Set<string>()): Set<string> {
  if (seen.has(file) || !existsSync(file)) return seen
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  const specifiers = [
    ...text.matchAll(/^(?:import|export)\s+(?!type\b)[^'"]*?from '([^']+)'/gm),
    ...[...text.matchAll(/\bimport\('([^']+)'\)/g)].filter((match) => isFollowed(match[1] ?? '')),
  ].map((match) => match[1] ?? '')
  for (const specifier of specifiers) {
    if (specifier.startsWith('.')) loadedWith(resolve(dirname(file), specifier), isFollowed, seen)
  }
  return seen
}

describe('what is loaded', () => {
  test('for the version is one file', () => {
    expect([...loadedWith(tsborg, () => false)]).toEqual([tsborg])
  })
  test('before a command runs is no engine', () => {
    const isOurs = (specifier: string): boolean => !/commands\/|index\.ts/.test(specifier)
    const files = [...loadedWith(tsborg, isOurs)].map((file) => relative(source, file))

    expect(files).toContain('cli/main.ts')
    expect(files).toContain('cli/args/tables/create.ts')
    const rooms = new Set(files.map((file) => file.split('/')[0]))
    for (const room of ['index.ts', 'kernels', 'crypto', 'store', 'repository', 'session', 'operations', 'platform']) {
      expect(rooms).not.toContain(room)
    }
  })
})

describe('the program', () => {
  const start = (...args: string[]) => spawnSync(tsx, [tsborg, ...args], { encoding: 'utf8' })
  test('announces the version it behaves like, in the second word', () => {
    const { status, stdout, stderr } = start('--version', '--nosuch')

    expect([status, stdout, stderr]).toEqual([0, `tsborg ${borgVersion}\n`, ''])
  })
  test('ends with the code of a usage error, and says nothing of its own on stderr', () => {
    const { status, stdout, stderr } = start('list', '--first', '0', '/r')

    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(
      /^usage: tsborg list .*\ntsborg list: error: argument --first: A positive integer is required: 0\n$/s,
    )
  })
  test('goes on to its end when nobody reads its output', () => {
    const line = `{ '${tsx}' '${tsborg}' help create; echo "code $?" >&2; } | true`
    const { stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' })

    expect(stderr).toBe('code 0\n')
  })
  test('says that its output could not be written, and fails for it', () => {
    const line = `'${tsx}' '${tsborg}' help create > /dev/full; echo "code $?" >&2`
    const { stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' })

    expect(stderr).toBe('Error: cannot write the output: ENOSPC: no space left on device, write\ncode 2\n')
  })
  test('says that its working folder is gone', () => {
    // Simulated: the loader of TypeScript cannot live without one either.
    const removed = 'data:text/javascript,process.cwd=()=>{throw new Error("ENOENT: uv_cwd")}'
    const { status, stderr } = spawnSync('node', ['--import', 'tsx', '--import', removed, tsborg, 'list', '/r'], {
      cwd: root,
      encoding: 'utf8',
    })

    expect([status, stderr]).toEqual([2, 'Error: the current working directory does not exist any more.\n'])
  })
})
