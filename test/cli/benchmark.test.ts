/**
 * The benchmarks of the built program, with next to nothing to measure.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isBuilt, mustCli, runCli } from '../interop/support/built-cli.ts'
import { BorgWorld } from '../support/real-borg.ts'

const world = new BorgWorld({
  environment: { _BORG_BENCHMARK_CRUD_TEST: 'YES', _BORG_BENCHMARK_CPU_TEST: 'YES' },
})
const crud = (path: string) => runCli(world, ['benchmark', 'crud', 'repo', path])
const archives = (): string => mustCli(world, ['list', '--short', 'repo']).stdout

beforeAll(() => {
  mkdirSync(world.path('room'))
  if (isBuilt) mustCli(world, ['init', '-e', 'repokey-blake2', 'repo'])
})
afterAll(() => world.remove())

describe.skipIf(!isBuilt)('benchmark crud', () => {
  test('tells four times for each sample in the layout of borg, and leaves nothing behind', () => {
    const { code, stdout } = crud(world.path('room'))

    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    const [head, tail] = [
      /^[CRUD]-[ZR]-TEST {10,}\d+\.\d\d MB\/s /,
      /\(1 \* 1 B (all-zero|random) files: \d+\.\d\ds\)$/,
    ]
    for (const line of lines) expect(line).toMatch(new RegExp(head.source + tail.source))
    expect(lines.map((line) => line.slice(0, 3))).toEqual(['C-Z', 'R-Z', 'U-Z', 'D-Z', 'C-R', 'R-R', 'U-R', 'D-R'])
    expect(readdirSync(world.path('room'))).toEqual([])
    expect(archives()).toBe('')
  })

  test('does not use a folder that is there already, nor remove it', () => {
    mkdirSync(world.path('taken', 'borg-test-data'), { recursive: true })

    expect(crud('taken')).toMatchObject({ code: 2, stderr: expect.stringContaining('File exists') })
    expect(existsSync(world.path('taken', 'borg-test-data'))).toBe(true)
    expect(archives()).toBe('')
  })

  test('does not touch archives of its names that somebody else has made', () => {
    mustCli(world, ['create', 'repo::borg-benchmark-crud2', 'room'])

    expect(crud('room')).toMatchObject({ code: 2, stderr: 'Archive borg-benchmark-crud2 already exists\n' })
    expect(archives()).toBe('borg-benchmark-crud2\n')
    expect(readdirSync(world.path('room'))).toEqual([])
  })
})

describe.skipIf(!isBuilt)('benchmark cpu', () => {
  test('measures every kind of kernel, and fits on 80 columns', () => {
    const { stdout } = mustCli(world, ['benchmark', 'cpu'])

    const groups = stdout.split('\n').filter((line) => /^\w/.test(line))
    expect(groups).toEqual([
      'chunkers',
      'checksums',
      'hashes',
      'encryption',
      'key derivation',
      'compression',
      'msgpack',
    ])
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(stdout).toMatch(/^ {2}zstd,3 +\d+\.\d MB\/s +\d+\.\d ms$/m)
  })
})
