/**
 * `with-lock` and `version` of the built program.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtCli, isBuilt, mustCli, runCli } from '../interop/support/built-cli.ts'
import { BorgWorld } from '../support/real-borg.ts'

const world = new BorgWorld()
const modern = { BORG_EXIT_CODES: 'modern' }
const files = (): string[] => readdirSync(world.path('repo'), { recursive: true, encoding: 'utf8' }).sort()

beforeAll(() => {
  if (isBuilt) mustCli(world, ['init', '-e', 'repokey', 'repo'])
})
afterAll(() => world.remove())

describe.skipIf(!isBuilt)('with-lock', () => {
  test.each([0, 1, 42, 255])('hands the exit code %i through', (code) => {
    expect(runCli(world, ['with-lock', 'repo', 'sh', '-c', `exit ${code}`])).toEqual({ code, stdout: '', stderr: '' })
  })

  test('takes the lock before the command starts, and changes nothing else', () => {
    const before = files()
    const { stdout } = mustCli(world, ['with-lock', 'repo', 'ls', 'repo'])

    expect(stdout).toContain('lock.exclusive')
    expect(files()).toEqual(before)
  })

  test('keeps the passphrase from the command, and tells it our version', () => {
    const { stdout } = mustCli(world, ['with-lock', 'repo', 'env'])

    expect(stdout).not.toContain('BORG_PASSPHRASE=')
    expect(stdout).toMatch(/^BORG_VERSION=1\.4\./m)
  })

  test('leaves options of the command to the command', () => {
    expect(mustCli(world, ['with-lock', 'repo', 'echo', '--progress', '-v']).stdout).toBe('--progress -v\n')
  })

  test('says so when the command cannot be started or was killed', () => {
    const error = (...words: string[]) => runCli(world, ['with-lock', 'repo', ...words], { environment: modern })

    expect(error('no-such-command')).toMatchObject({
      code: 4,
      stderr: `Command Error: Error while trying to run 'no-such-command': [Errno 2] No such file or directory: 'no-such-command'\n`,
    })
    expect(error('sh', '-c', 'kill -9 $$')).toMatchObject({
      code: 4,
      stderr: `Command Error: Error while trying to run 'sh': invalid error code: -9\n`,
    })
    expect(files()).not.toContain('lock.exclusive')
  })

  test('says so when the command has no name', () => {
    const { code, stderr } = runCli(world, ['with-lock', 'repo', ''], { environment: modern })

    expect([code, stderr]).toEqual([
      4,
      "Command Error: Error while trying to run '': [Errno 2] No such file or directory: ''\n",
    ])
  })

  test('kills a command that does not end, when somebody insists, and gives the lock back', async () => {
    const words = ['with-lock', 'repo', 'sh', '-c', "trap 'echo heard' TERM; echo ready; while :; do sleep 0.05; done"]
    const child = spawn(process.execPath, [builtCli, ...words], { cwd: world.folder, env: world.environment })
    const heard = (text: string): Promise<unknown> =>
      new Promise((resolve) => {
        child.stdout.on('data', (bytes: Uint8Array) => {
          if (String(bytes).includes(text)) resolve(undefined)
        })
      })
    const ended = once(child, 'exit')

    await heard('ready')
    child.kill('SIGTERM')
    await heard('heard')
    child.kill('SIGTERM')

    expect((await ended)[0]).toBe(143)
    expect(files()).not.toContain('lock.exclusive')
  })

  test('one inside another has to wait, and gives up', () => {
    const inner = [process.execPath, builtCli, 'with-lock', '--lock-wait', '1', 'repo', 'true']
    // Of a passphrase that was kept from the command there is no need.
    const run = runCli(world, ['with-lock', 'repo', ...inner], { environment: modern })

    expect(run).toMatchObject({ code: 73, stderr: expect.stringContaining('Failed to create/acquire the lock') })
  })
})

describe.skipIf(!isBuilt)('version', () => {
  test('of a local repository is ours twice, even if there is none', () => {
    const [version] = mustCli(world, ['--version']).stdout.trim().split(' ').slice(1)

    expect(mustCli(world, ['version', 'repo']).stdout).toBe(`${version} / ${version}\n`)
    expect(mustCli(world, ['version', 'nowhere']).stdout).toBe(`${version} / ${version}\n`)
  })

  test('needs a repository', () => {
    expect(runCli(world, ['version'])).toMatchObject({ code: 2, stdout: '' })
  })
})
