/**
 * The built program, and signals from outside while it works.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtCli, isBuilt, mustCli, runCli } from '../interop/support/built-cli.ts'
import { BorgWorld } from '../support/real-borg.ts'

const world = new BorgWorld()
const mebibyte = 2 ** 20

beforeAll(() => {
  if (!isBuilt) return
  writeFileSync(world.path('large'), Buffer.alloc(64 * mebibyte, 'not quite all the same'))
  mustCli(world, ['init', '-e', 'repokey', 'repo'])
  mustCli(world, ['create', '-C', 'none', '--chunker-params', 'fixed,65536', 'repo::there', 'large'])
})
afterAll(() => world.remove())

/** Runs until `say` is heard on stderr, does `then`, and waits for the end. */
async function during(
  args: readonly string[],
  say: RegExp,
  then: (child: ReturnType<typeof spawn>) => void,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [builtCli, ...args], { cwd: world.folder, env: world.environment })
  let output = ''
  let heard = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (heard || !say.test(output)) return
    heard = true
    then(child)
  })
  child.stdin.on('error', () => undefined)
  // Input that does not end: the work lasts as long as we like.
  const feed = setInterval(() => child.stdin.write(Buffer.alloc(mebibyte / 4, Math.random().toString())), 20)
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, output }
  } finally {
    clearInterval(feed)
  }
}

function expectUnlocked(): void {
  expect(readdirSync(world.path('repo')).filter((name) => name.startsWith('lock.'))).toEqual([])
  const caches = world.path('base', '.cache', 'borg')
  for (const id of readdirSync(caches)) expect(existsSync(`${caches}/${id}/lock.exclusive`)).toBe(false)
}

const archives = (): string => runCli(world, ['list', '--short', '--consider-checkpoints', 'repo']).stdout
const endless = ['create', '--progress', '-v', '--chunker-params', 'fixed,65536', 'repo::new', '-']

describe.skipIf(!isBuilt)('while a backup runs', () => {
  test('SIGUSR1 tells how far it is, and the backup goes on', async () => {
    const { code, output } = await during(endless, /[MG]B O.* stdin/, (child) => {
      child.kill('SIGUSR1')
      child.kill('SIGUSR2')
      setTimeout(() => child.stdin?.end(), 500)
    })

    expect(output).toMatch(/stdin \d+\.\d\d MB\/\?\?\?/)
    expect(output).toContain('dumping trace...')
    expect(output).not.toContain('Debugger')
    expect(code).toBe(0)
    mustCli(world, ['delete', 'repo::new'])
    expectUnlocked()
  })

  test.each([
    ['SIGINT', 2, 'Got Ctrl-C / SIGINT.'],
    ['SIGTERM', 143, 'Received SIGTERM'],
    ['SIGHUP', 129, 'Received SIGHUP.'],
  ] as const)('%s ends it with %i, and no lock stays', async (name, code, text) => {
    const run = await during(endless, /[MG]B O.* stdin/, (child) => void child.kill(name))

    expect(run.output).toContain(text)
    expect(run.code).toBe(code)
    expectUnlocked()
    // The first ^C leaves a checkpoint, the others nothing.
    expect(archives()).toBe(name === 'SIGINT' ? 'there\nnew.checkpoint\n' : 'there\n')
    if (name === 'SIGINT') mustCli(world, ['delete', 'repo::new.checkpoint'])
    mustCli(world, ['check', 'repo'])
  })
})

describe.skipIf(!isBuilt)('SIGTERM', () => {
  test.each([
    ['extract', ['extract', '--progress', '--dry-run', 'repo::there'], /%/],
    ['check', ['check', '--progress', '--verify-data', '-v', 'repo'], /Verifying data/],
    ['recompressing', ['create', '--progress', '-C', 'zlib,9', 'repo::other', 'large'], /[MG]B O/],
  ] as const)('ends %s, and no lock stays', async (_, args, say) => {
    const run = await during(args, say, (child) => void child.kill('SIGTERM'))

    expect(run.output).toContain('Received SIGTERM')
    expect(run.code).toBe(143)
    expectUnlocked()
    expect(archives()).toBe('there\n')
  })
})

describe.skipIf(!isBuilt)('a reader that goes away', () => {
  const shell = (line: string) => world.run('bash', ['-o', 'pipefail', '-c', line])
  const program = `'${process.execPath}' '${builtCli}'`

  test('does not disturb a backup', () => {
    const { code, stderr } = shell(`${program} create --list repo::piped large 2>&1 | true`)

    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(archives()).toContain('piped\n')
  })

  test('of a long list ends nothing with a stack trace', () => {
    expect(shell(`${program} extract --stdout repo::there | head -c 1`)).toMatchObject({ code: 0, stderr: '' })
    expect(shell(`${program} list --format '{path}{NL}' repo::there | true`)).toMatchObject({ code: 0, stderr: '' })
  })
})
