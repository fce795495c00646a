/**
 * borg and we respect, wait for and inherit each other's locks.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import type { EngineEvent } from '../../src/base/events.ts'
import { systemHost } from '../../src/base/host.ts'
import { storePath } from '../../src/base/ids.ts'
import { acquireLock, breakLock, type Lock, type LockOptions } from '../../src/repository/lock.ts'
import { LocalStore } from '../../src/store/local-store.ts'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { isLong } from '../support/long-form.ts'
import { builtCli } from './support/built-cli.ts'

const borgs = findBorgs()
const holdLock = fileURLToPath(new URL('../support/hold-lock.ts', import.meta.url))

const chosen = isLong ? borgs : borgs.slice(-1)
if (!isLong) console.warn('SKIPPED: locks with older borgs; TSBORG_LONG=1 runs all')

describe.each(chosen.map((borg) => [borg.version, borg] as const))('borg %s', (_version, borg) => {
  const world = new BorgWorld()
  const repository = world.path('repository')
  const started: ChildProcess[] = []
  let store: LocalStore

  beforeAll(() => {
    writeFileSync(world.path('file'), Buffer.alloc(3_000_000, 'content '))
    world.must(borg.command, ['init', '-e', 'none', repository])
    world.must(borg.command, ['create', `${repository}::archive`, 'file'])
  })
  beforeEach(() => {
    store = new LocalStore(repository)
  })
  afterEach(async () => {
    for (const child of started.splice(0)) await stop(child)
    await breakLock(store)
  })
  afterAll(() => world.remove())

  function startWith(command: string, args: readonly string[]): ChildProcess {
    // A process group of its own: borg's child must go with it.
    const child = spawn(command, args, {
      cwd: world.folder,
      env: world.environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    started.push(child)
    return child
  }

  /** Resolves once borg holds the lock; borg holds it until stopped. */
  async function borgHolds(kind: 'shared' | 'exclusive'): Promise<ChildProcess> {
    // A reader that cannot get rid of its output stays a reader.
    const args =
      kind === 'exclusive'
        ? ['with-lock', repository, 'sh', '-c', 'echo held; exec sleep 60']
        : ['export-tar', `${repository}::archive`, '-']
    const child = startWith(borg.command, args)
    await firstOutput(child, kind === 'exclusive')
    return child
  }

  function runBorg(...args: readonly string[]): { code: number | null; stderr: string } {
    return world.run(borg.command, args)
  }

  function lock(kind: 'shared' | 'exclusive', lockWaitSeconds: LockOptions['lockWaitSeconds'] = 1): Promise<Lock> {
    return acquireLock(store, { kind, lockWaitSeconds }, systemHost, {})
  }

  test.each(['shared', 'exclusive'] as const)('a writer of borg keeps our %s lock waiting, then out', async (kind) => {
    await borgHolds('exclusive')

    const expected = `Failed to create/acquire the lock ${repository}/lock.exclusive (timeout).`
    expect(await failure(lock(kind))).toBe(expected)
    expect(readdirSync(repository).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('with-lock of ours keeps borg out, and gives the lock back when its command ends', async () => {
    const child = startWith(process.execPath, [
      builtCli,
      'with-lock',
      repository,
      'sh',
      '-c',
      'echo held; exec sleep 60',
    ])
    await firstOutput(child, false)

    expect(runBorg('--lock-wait', '1', 'list', repository)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Failed to create/acquire the lock'),
    })
    const ended = once(child, 'close')
    child.kill('SIGTERM')
    await ended
    expect(readdirSync(repository).filter((name) => name.startsWith('lock.'))).toEqual([])
    expect(runBorg('list', repository)).toMatchObject({ code: 0 })
  })

  test('we get the lock when the writer of borg is done', async () => {
    const child = await borgHolds('exclusive')

    const waiting = lock('exclusive', 30)
    await stop(child)

    expect((await waiting).held).toBe(true)
  })

  test('we read beside a reader of borg, and do not write', async () => {
    await borgHolds('shared')

    const reader = await lock('shared', 0)
    await reader.release()
    expect(await failure(lock('exclusive'))).toBe(`Failed to create/acquire the lock ${repository}/lock (timeout).`)
    expect(runBorg('list', repository).code).toBe(0)
  })

  test('our exclusive lock keeps readers and writers of borg out with exit code 2', async () => {
    const held = await lock('exclusive')

    const expected = `Failed to create/acquire the lock ${repository}/lock.exclusive (timeout).\n`
    expect(runBorg('list', repository)).toMatchObject({ code: 2, stderr: expected })
    expect(runBorg('create', `${repository}::second`, 'file')).toMatchObject({ code: 2, stderr: expected })
    await held.release()
    expect(runBorg('list', repository)).toMatchObject({ code: 0, stderr: '' })
  })

  test('our shared lock lets borg read and not write, and outlives its visit', async () => {
    const held = await lock('shared')

    expect(runBorg('list', repository)).toMatchObject({ code: 0, stderr: '' })
    const expected = `Failed to create/acquire the lock ${repository}/lock (timeout).\n`
    expect(runBorg('create', `${repository}::second`, 'file')).toMatchObject({ code: 2, stderr: expected })
    await held.upgrade()
    expect(runBorg('list', repository).code).toBe(2)
    await held.release()
    expect(readdirSync(repository).filter((name) => name.startsWith('lock'))).toEqual([])
  })

  test('we take over from a writer of borg that was killed, and say so as borg would', async () => {
    const child = await borgHolds('exclusive')
    await stop(child)
    const owner = `${systemHost.hostId}.${child.pid}-0`
    expect(await store.owners(storePath('lock.exclusive'))).toEqual([owner])
    const messages: string[] = []
    const onEvent = (event: EngineEvent): void => void (event.type === 'log' && messages.push(event.message))

    const held = await acquireLock(store, { kind: 'exclusive', lockWaitSeconds: 0 }, systemHost, { onEvent })

    expect(messages).toEqual([
      `Killed stale lock ${owner}.`,
      `Removed stale exclusive roster lock for host ${systemHost.hostId} pid ${child.pid} thread 0.`,
    ])
    await held.release()
  })

  test('we take over from a reader of borg that was killed', async () => {
    await stop(await borgHolds('shared'))
    expect(readFileSync(`${repository}/lock.roster`, 'utf8')).toContain('"shared"')

    const held = await lock('exclusive', 0)

    await held.release()
    expect(readdirSync(repository).filter((name) => name.startsWith('lock'))).toEqual([])
  })

  test.each(['shared', 'exclusive'] as const)('borg takes over our %s lock when we were killed', async (kind) => {
    const child = startWith(process.execPath, ['--import', import.meta.resolve('tsx'), holdLock, repository, kind])
    await firstOutput(child, true)
    expect(runBorg('create', `${repository}::second`, 'file').code).toBe(2)
    await stop(child)

    const run = runBorg('with-lock', repository, 'true')

    expect(run.code).toBe(0)
    const roster = `Removed stale ${kind} roster lock for host ${systemHost.hostId} pid ${child.pid} thread 0.`
    const claim = `Killed stale lock ${systemHost.hostId}.${child.pid}-0.`
    // borg says it at every look at the roster.
    const said = [...new Set(run.stderr.split('\n').filter((line) => line !== ''))]
    expect(said).toEqual(kind === 'shared' ? [roster] : [claim, roster])
    expect(readdirSync(repository).filter((name) => name.startsWith('lock'))).toEqual([])
  })

  test('a lock passed to another process is that process to borg', async () => {
    const child = startWith('sleep', ['60'])
    const held = await lock('exclusive')
    await held.migrate(child.pid ?? 0)

    expect(runBorg('list', repository).code).toBe(2)
    await stop(child)
    expect(runBorg('list', repository).code).toBe(0)
  })

  test('each breaks what the other holds', async () => {
    const ours = await lock('exclusive')
    expect(runBorg('break-lock', repository)).toMatchObject({ code: 0, stderr: '' })
    expect(await failure(ours.release())).toMatch(/was not locked/)

    await borgHolds('exclusive')
    await breakLock(store)
    expect(runBorg('list', repository).code).toBe(0)
  })

  test('the same lock keeps borg out of a cache directory', async () => {
    const cache = world.path('base', '.cache', 'borg', repositoryId(repository))
    const held = await acquireLock(new LocalStore(cache), { kind: 'exclusive', lockWaitSeconds: 1 }, systemHost, {})

    const run = runBorg('info', repository)

    expect(run.code).toBe(2)
    expect(run.stderr).toBe(`Failed to create/acquire the lock ${cache}/lock.exclusive (timeout).\n`)
    await held.release()
  })

  test('the roster is the same file, byte for byte', async () => {
    const run = world.must(borg.command, ['with-lock', repository, 'cat', 'repository/lock.roster'])
    const held = await lock('exclusive')

    const ours = readFileSync(`${repository}/lock.roster`, 'utf8')

    expect(ours.replace(`${process.pid},`, 'PID,')).toBe(run.stdout.replace(/ \d+,/, ' PID,'))
    await held.release()
  })
})

function repositoryId(repository: string): string {
  return /^id = ([0-9a-f]{64})$/m.exec(readFileSync(`${repository}/config`, 'utf8'))?.[1] ?? ''
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    if (isBorgError(error)) return error.message
    throw error
  }
  return 'no failure'
}

/** The first bytes on stdout; `drain` reads on, otherwise the child will block on its next ones. */
function firstOutput(child: ChildProcess, drain: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it said anything`)))
    child.stdout?.once('readable', () => {
      // Also comes at the end of the output, with nothing to read.
      if (child.stdout?.read() === null) return
      if (drain) child.stdout?.resume()
      resolve()
    })
  })
}

/** Kills the child with all its own children and waits for its end. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  await ended
}
