import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { tempFolder } from '../support/temp-folder.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))
const built = join(project, 'dist')
const program = join(built, 'cli', 'tsborg.js')
const recorder = new URL('./load-recorder.mjs', import.meta.url).href

interface Start {
  readonly code: number | null
  readonly output: string
  /** Files of ours, relative to dist/. */
  readonly files: readonly string[]
  readonly packages: readonly string[]
}

/** Runs the built program and notes every module it loads. */
function start(...args: readonly string[]): Start {
  const log = join(tempFolder(), 'loaded')
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', recorder, program, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: tempFolder(), TSBORG_TEST_LOADED: log },
  })
  const urls = readFileSync(log, 'utf8').trim().split('\n')
  const paths = urls.filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url))
  return {
    code: status,
    output: `${stdout}${stderr}`,
    files: paths.map((path) => relative(built, path)).filter((path) => !path.startsWith('..')),
    packages: paths.filter((path) => path.includes('/node_modules/')),
  }
}

/** Rooms that do the work. Light parsers of other rooms (patterns, location, specs) may be there. */
const engineRooms: ReadonlySet<string> = new Set([
  'index.js',
  'kernels',
  'crypto',
  'store',
  'platform',
  'workers',
  'repository',
  'objects',
  'archive',
  'source',
  'target',
  'dedup',
  'session',
  'operations',
])
const roomOf = (path: string): string => path.split('/')[0] ?? path
const engineFiles = ({ files }: Start): readonly string[] => files.filter((path) => engineRooms.has(roomOf(path)))

beforeAll(() => {
  if (!existsSync(program)) throw new Error('not built: npm run build')
})

describe('what the built program loads', () => {
  test('for its version: itself', () => {
    const version = start('--version')

    expect(version.code).toBe(0)
    expect(version.files).toEqual(['cli/tsborg.js'])
    expect(version.packages).toEqual([])
  })

  test.each([
    { what: 'help', args: ['--help'], code: 0 },
    { what: 'nothing at all', args: [], code: 0 },
    { what: 'help of a command', args: ['create', '--help'], code: 0 },
    { what: 'help of a topic', args: ['help', 'patterns'], code: 0 },
    { what: 'an unknown option', args: ['create', '--no-such-option', '/r::a', '/x'], code: 2 },
    { what: 'an unknown command', args: ['crate'], code: 2 },
    { what: 'a value out of range', args: ['list', '--first', '0', '/r'], code: 2 },
    { what: 'a missing argument', args: ['create', '/r::a'], code: 2 },
    { what: 'a location that is none', args: ['list', '/r::'], code: 2 },
    { what: 'the version, asked for late', args: ['--debug', '--version'], code: 0 },
    { what: 'a script for a shell', args: ['completion', 'bash'], code: 0 },
  ])('for $what: nothing of the engine, no package', ({ args, code }) => {
    const run = start(...args)

    expect({ code: run.code, output: run.output }).toEqual({ code, output: expect.stringMatching(/\S/) })
    expect(engineFiles(run)).toEqual([])
    expect(run.packages).toEqual([])
  })

  test('for a command that works: the engine; the recorder sees it', () => {
    const run = start('list', '/no/such/repository')

    expect(run.code).toBe(2)
    expect(engineFiles(run)).toContain('session/open.js')
    // Compressors and system calls only when something needs them.
    expect(run.packages).toEqual([])
  })
})
