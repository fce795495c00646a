/**
 * The lock over the strictest Store, with clocks and processes in hand. The files borg sees: test/interop/locks.test.ts.
 */
import { describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import type { EngineEvent, RunOptions } from '../../src/base/events.ts'
import { storePath } from '../../src/base/ids.ts'
import { acquireLock, breakLock, type Lock } from '../../src/repository/lock.ts'
import type { LockKind } from '../../src/repository/lock-roster.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { FakeHost } from '../support/fake-host.ts'

const claimPath = storePath('lock.exclusive')
const rosterPath = storePath('lock.roster')
const hostId = 'fake.example.org@1'

function logOf(): { run: RunOptions; messages: string[] } {
  const messages: string[] = []
  const onEvent = (event: EngineEvent): void => {
    if (event.type === 'log') messages.push(`${event.level} ${event.logger}: ${event.message}`)
  }
  return { run: { onEvent }, messages }
}

function lock(store: Store, kind: LockKind, processId: number, wait: number | 'forever' = 1): Promise<Lock> {
  return acquireLock(store, { kind, lockWaitSeconds: wait }, new FakeHost({ processId }), {})
}

async function rosterText(store: Store): Promise<string | undefined> {
  if ((await store.stat(rosterPath)) === undefined) return undefined
  return new TextDecoder().decode(await store.read(rosterPath))
}

async function writeRoster(store: Store, text: string): Promise<void> {
  await store.write(rosterPath, new TextEncoder().encode(text))
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    if (isBorgError(error)) return `${error.code}: ${error.message}`
    throw error
  }
  return 'no failure'
}

const claimTimeout = 'LockTimeout: Failed to create/acquire the lock memory/lock.exclusive (timeout).'
const readersTimeout = 'LockTimeout: Failed to create/acquire the lock memory/lock (timeout).'

describe('one holder', () => {
  test('an exclusive lock leaves the claim and the roster as borg writes them', async () => {
    const store = new MemoryStore()

    await lock(store, 'exclusive', 10)

    expect(await store.owners(claimPath)).toEqual([`${hostId}.10-0`])
    expect(await rosterText(store)).toBe(`{"exclusive": [["${hostId}", 10, 0]]}`)
  })

  test('a shared lock leaves only the roster', async () => {
    const store = new MemoryStore()

    await lock(store, 'shared', 10)

    expect(await store.owners(claimPath)).toEqual([])
    expect(await rosterText(store)).toBe(`{"shared": [["${hostId}", 10, 0]]}`)
  })

  test.each(['shared', 'exclusive'] as const)(
    'releasing a %s lock leaves nothing, and may be repeated',
    async (kind) => {
      const store = new MemoryStore()
      const held = await lock(store, kind, 10)

      await held.release()
      await held.release()

      expect(held.held).toBe(false)
      expect(await store.owners(claimPath)).toEqual([])
      expect(await store.stat(rosterPath)).toBeUndefined()
    },
  )

  test('leaving a block releases the lock', async () => {
    const store = new MemoryStore()
    {
      await using held = await lock(store, 'exclusive', 10)
      expect(held.held).toBe(true)
    }
    expect(await store.root()).toBe('empty')
  })
})

describe('two processes', () => {
  test('readers share', async () => {
    const store = new MemoryStore()
    const first = await lock(store, 'shared', 10, 0)
    const second = await lock(store, 'shared', 11, 0)

    expect(await rosterText(store)).toBe(`{"shared": [["${hostId}", 10, 0], ["${hostId}", 11, 0]]}`)
    await first.release()
    expect(await rosterText(store)).toBe(`{"shared": [["${hostId}", 11, 0]]}`)
    await second.release()
  })

  test('a writer keeps readers and writers out, with a message that names the claim', async () => {
    const store = new MemoryStore()
    await lock(store, 'exclusive', 10)

    expect(await failure(lock(store, 'exclusive', 11))).toBe(claimTimeout)
    expect(await failure(lock(store, 'shared', 11))).toBe(claimTimeout)
    expect(await store.owners(claimPath)).toEqual([`${hostId}.10-0`])
  })

  test('a reader keeps writers out, with a message that names the lock, and the claim stays free', async () => {
    const store = new MemoryStore()
    await lock(store, 'shared', 10)

    expect(await failure(lock(store, 'exclusive', 11))).toBe(readersTimeout)
    expect(await store.owners(claimPath)).toEqual([])
    expect(await rosterText(store)).toBe(`{"shared": [["${hostId}", 10, 0]]}`)
  })

  test('a writer that waits gets the lock as soon as the last reader is gone', async () => {
    const store = new MemoryStore()
    const reader = await lock(store, 'shared', 10)
    const host = new FakeHost({ processId: 11 })
    let pauses = 0
    host.onSleep = async () => {
      pauses += 1
      if (pauses === 3) await reader.release()
    }

    const writer = await acquireLock(store, { kind: 'exclusive', lockWaitSeconds: 'forever' }, host, {})

    expect(writer.held).toBe(true)
    expect(pauses).toBe(3)
  })

  test.each([
    [1, 100],
    [30, 3000],
    [6000, 60_000],
  ])('waiting %i s for a claim tries again every %i ms', async (lockWaitSeconds, pauseMs) => {
    const store = new MemoryStore()
    await lock(store, 'exclusive', 10)
    const host = new FakeHost({ processId: 11 })
    const times: number[] = []
    host.onSleep = () => void times.push(host.monotonicMs())
    const start = host.monotonicMs()

    expect(await failure(acquireLock(store, { kind: 'exclusive', lockWaitSeconds }, host, {}))).toBe(claimTimeout)
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBe(pauseMs)
    expect(host.monotonicMs() - start).toBeGreaterThanOrEqual(lockWaitSeconds * 1000 - 1)
    expect(host.monotonicMs() - start).toBeLessThanOrEqual(lockWaitSeconds * 1000 + 2)
  })

  test('a wait of 0 seconds is a single attempt without a pause', async () => {
    const store = new MemoryStore()
    await lock(store, 'exclusive', 10)
    const host = new FakeHost({ processId: 11 })
    let slept = false
    host.onSleep = () => {
      slept = true
    }

    expect(await failure(acquireLock(store, { kind: 'shared', lockWaitSeconds: 0 }, host, {}))).toBe(claimTimeout)
    expect(slept).toBe(false)
  })

  test('aborting ends the wait with the reason given and leaves nothing behind', async () => {
    const store = new MemoryStore()
    const reader = await lock(store, 'shared', 10)
    const controller = new AbortController()
    const host = new FakeHost({ processId: 11 })
    host.sleep = async (_ms, signal) => {
      controller.abort(new Error('enough'))
      signal?.throwIfAborted()
    }

    const waiting = acquireLock(store, { kind: 'exclusive', lockWaitSeconds: 'forever' }, host, {
      signal: controller.signal,
    })

    await expect(waiting).rejects.toThrow('enough')
    await reader.release()
    expect(await store.root()).toBe('empty')
  })
})

describe('upgrade', () => {
  test('the only reader becomes the writer', async () => {
    const store = new MemoryStore()
    const held = await lock(store, 'shared', 10)

    await held.upgrade()

    expect(held.kind).toBe('exclusive')
    expect(await store.owners(claimPath)).toEqual([`${hostId}.10-0`])
    expect(await rosterText(store)).toBe(`{"exclusive": [["${hostId}", 10, 0]]}`)
    await held.release()
    expect(await store.root()).toBe('empty')
  })

  test('with another reader there it times out and the shared lock is kept', async () => {
    const store = new MemoryStore()
    const held = await lock(store, 'shared', 10)
    const other = await lock(store, 'shared', 11)

    expect(await failure(held.upgrade())).toBe(readersTimeout)
    expect(held.kind).toBe('shared')
    expect(await rosterText(store)).toBe(`{"shared": [["${hostId}", 10, 0], ["${hostId}", 11, 0]]}`)

    await other.release()
    await held.upgrade()
    expect(held.kind).toBe('exclusive')
  })

  test('of a released lock is refused', async () => {
    const held = await lock(new MemoryStore(), 'shared', 10)
    await held.release()

    expect(await failure(held.upgrade())).toMatch(/^NotLocked: /)
  })
})

describe('two sessions of one process', () => {
  test('exclude each other although borg would take them for one owner', async () => {
    const store = new MemoryStore()
    const first = await lock(store, 'exclusive', 10)

    expect(await failure(lock(store, 'exclusive', 10))).toBe(claimTimeout)
    expect(await failure(lock(store, 'shared', 10))).toBe(claimTimeout)
    await first.release()
    expect((await lock(store, 'exclusive', 10, 0)).held).toBe(true)
  })

  test('share one roster entry until the last of them lets go', async () => {
    const store = new MemoryStore()
    const first = await lock(store, 'shared', 10)
    const second = await lock(store, 'shared', 10)

    await first.release()
    expect(await rosterText(store)).toBe(`{"shared": [["${hostId}", 10, 0]]}`)
    expect(await failure(lock(store, 'exclusive', 11))).toBe(readersTimeout)
    await second.release()
    expect(await store.root()).toBe('empty')
  })

  test('one cannot upgrade while the other reads', async () => {
    const store = new MemoryStore()
    const first = await lock(store, 'shared', 10)
    const second = await lock(store, 'shared', 10)

    expect(await failure(first.upgrade())).toBe(readersTimeout)
    await second.release()
    await first.upgrade()
    expect(first.kind).toBe('exclusive')
  })

  test('many at once take their turns and lose nobody', async () => {
    const store = new MemoryStore()
    const host = new FakeHost({ processId: 10 })
    const options = { kind: 'shared', lockWaitSeconds: 'forever' } as const

    const all = await Promise.all(Array.from({ length: 20 }, () => acquireLock(store, options, host, {})))
    await Promise.all(all.slice(1).map((held) => held.release()))

    expect(await failure(lock(store, 'exclusive', 11))).toBe(readersTimeout)
    await all[0]?.release()
    expect(await store.root()).toBe('empty')
  })
})

describe('the dead', () => {
  function survivor(): FakeHost {
    const host = new FakeHost({ processId: 11 })
    host.dead.add(10)
    return host
  }

  test('a claim whose process is gone is taken over with a warning, even in a single attempt', async () => {
    const store = new MemoryStore()
    await lock(store, 'exclusive', 10)
    const { run, messages } = logOf()

    await acquireLock(store, { kind: 'exclusive', lockWaitSeconds: 0 }, survivor(), run)

    expect(messages).toEqual([
      `warning borg.locking: Killed stale lock ${hostId}.10-0.`,
      `warning borg.locking: Removed stale exclusive roster lock for host ${hostId} pid 10 thread 0.`,
    ])
    expect(await rosterText(store)).toBe(`{"exclusive": [["${hostId}", 11, 0]]}`)
  })

  test('a reader whose process is gone keeps no writer out', async () => {
    const store = new MemoryStore()
    await lock(store, 'shared', 10)
    const { run, messages } = logOf()

    await acquireLock(store, { kind: 'exclusive', lockWaitSeconds: 0 }, survivor(), run)

    expect(messages).toEqual([
      `warning borg.locking: Removed stale shared roster lock for host ${hostId} pid 10 thread 0.`,
    ])
  })

  test.each([
    ['of another host', 'elsewhere@2.10-0'],
    ['of a thread', `${hostId}.10-7f`],
  ])('a claim %s counts as alive', async (_what, owner) => {
    const store = new MemoryStore()
    await store.claim(claimPath, owner)

    expect(await failure(acquireLock(store, { kind: 'shared', lockWaitSeconds: 1 }, survivor(), {}))).toBe(claimTimeout)
    expect(await store.owners(claimPath)).toEqual([owner])
  })

  test('a claim that cannot be read is left alone, and said once', async () => {
    const store = new MemoryStore()
    await store.claim(claimPath, 'nonsense')
    const { run, messages } = logOf()

    expect(await failure(acquireLock(store, { kind: 'shared', lockWaitSeconds: 1 }, survivor(), run))).toBe(
      claimTimeout,
    )
    expect(messages).toEqual([
      'error borg.locking: Found malformed lock nonsense in memory/lock.exclusive. Please check/fix manually.',
    ])
  })

  test('the host id is everything before the last dot: it may hold dots and dashes itself', async () => {
    const store = new MemoryStore()
    const host = survivor()
    host.hostId = 'web-1.example.org@42.7-9'
    await store.claim(claimPath, 'web-1.example.org@42.7-9.10-0')

    await acquireLock(store, { kind: 'exclusive', lockWaitSeconds: 0 }, host, {})

    expect(await store.owners(claimPath)).toEqual(['web-1.example.org@42.7-9.11-0'])
  })
})

describe('the roster', () => {
  test.each(['', '{"sha', '[]', 'null', '{"shared": 3}', '{"shared": [["x", "y", 0], 7]}'])(
    '%j counts as empty',
    async (text) => {
      const store = new MemoryStore()
      await writeRoster(store, text)

      const held = await lock(store, 'exclusive', 10, 0)

      expect(await rosterText(store)).toBe(`{"exclusive": [["${hostId}", 10, 0]]}`)
      await held.release()
    },
  )

  test('readers of other hosts stay in it', async () => {
    const store = new MemoryStore()
    await writeRoster(store, '{"exclusive": [], "shared": [["other@1", 5, 0]]}')

    const held = await lock(store, 'shared', 10)
    await held.release()

    expect(await rosterText(store)).toBe('{"shared": [["other@1", 5, 0]]}')
    expect(await failure(lock(store, 'exclusive', 10))).toBe(readersTimeout)
  })

  test('is ASCII, as Python writes it', async () => {
    const store = new MemoryStore()
    const host = new FakeHost({ processId: 10 })
    host.hostId = 'm\u00fcnchen"\u{1f511}@1'

    await acquireLock(store, { kind: 'shared', lockWaitSeconds: 0 }, host, {})

    expect(await rosterText(store)).toBe('{"shared": [["m\\u00fcnchen\\"\\ud83d\\udd11@1", 10, 0]]}')
  })
})

describe('break and migrate', () => {
  test('breaking frees readers, writers and malformed claims', async () => {
    const store = new MemoryStore()
    await lock(store, 'shared', 10)
    await store.claim(claimPath, 'nonsense')

    await breakLock(store)

    expect(await store.root()).toBe('empty')
    await breakLock(store)
  })

  test('who lost a lock that way is told when releasing it', async () => {
    const store = new MemoryStore()
    const first = await lock(store, 'exclusive', 10)
    await breakLock(store)
    expect(await failure(first.release())).toBe(
      'NotLocked: Failed to release the lock memory/lock.exclusive (was not locked).',
    )

    const second = await lock(store, 'exclusive', 10)
    await breakLock(store)
    await lock(store, 'exclusive', 11)
    expect(await failure(second.release())).toBe(
      'NotMyLock: Failed to release the lock memory/lock.exclusive (was/is locked, but not by me).',
    )
    expect(await store.owners(claimPath)).toEqual([`${hostId}.11-0`])
  })

  test('a broken lock does not release the one that a later session of the same process took', async () => {
    const store = new MemoryStore()
    const first = await lock(store, 'exclusive', 10)
    await breakLock(store)
    await lock(store, 'exclusive', 10)

    expect(await failure(first.release())).toMatch(/^NotMyLock: /)
    expect(await store.owners(claimPath)).toEqual([`${hostId}.10-0`])
  })

  test('disposal of a lost lock reports and does not throw', async () => {
    const store = new MemoryStore()
    const { run, messages } = logOf()
    const options = { kind: 'exclusive', lockWaitSeconds: 0 } as const
    {
      await using held = await acquireLock(store, options, new FakeHost(), run)
      expect(held.held).toBe(true)
      await breakLock(store)
    }
    expect(messages).toEqual(['error borg.locking: Failed to release the lock memory/lock.exclusive (was not locked).'])
  })

  test.each(['shared', 'exclusive'] as const)(
    'a %s lock passes to another process, which takes it up',
    async (kind) => {
      const store = new MemoryStore()
      const parent = await lock(store, kind, 10)

      await parent.migrate(12)

      expect(parent.held).toBe(false)
      expect(await rosterText(store)).toBe(`{"${kind}": [["${hostId}", 12, 0]]}`)
      expect(await failure(lock(store, 'exclusive', 10))).toBe(kind === 'shared' ? readersTimeout : claimTimeout)
      const child = await lock(store, kind, 12, 0)
      await child.release()
      expect(await store.root()).toBe('empty')
    },
  )
})

test('a session that passes its share on leaves the shares of its own process alone', async () => {
  const store = new MemoryStore()
  const first = await lock(store, 'shared', 10)
  const second = await lock(store, 'shared', 10)

  await first.migrate(12)

  expect(await rosterText(store)).toBe(`{"shared": [["${hostId}", 10, 0], ["${hostId}", 12, 0]]}`)
  await second.release()
  expect(await rosterText(store)).toBe(`{"shared": [["${hostId}", 12, 0]]}`)
})

describe('a place that refuses', () => {
  test('gives LockFailed with the path and the system error in Python words', async () => {
    const store = new MemoryStore()
    const refusal = Object.assign(new Error('EACCES: permission denied, mkdir'), {
      code: 'EACCES',
      errno: -13,
      path: '/repo/lock.exclusive.abcdefgh.tmp',
    })
    store.claim = () => Promise.reject(refusal)

    expect(await failure(lock(store, 'shared', 10))).toBe(
      "LockFailed: Failed to create/acquire the lock memory/lock.exclusive ([Errno 13] Permission denied: '/repo/lock.exclusive.abcdefgh.tmp').",
    )
  })

  test('a roster that cannot be written gives the claim back', async () => {
    const store = new MemoryStore()
    const write = store.write.bind(store)
    store.write = () => Promise.reject(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }))

    await expect(lock(store, 'exclusive', 10)).rejects.toThrow('ENOSPC')
    await expect(lock(store, 'shared', 10)).rejects.toThrow('ENOSPC')
    expect(await store.owners(claimPath)).toEqual([])
    store.write = write
    expect((await lock(store, 'exclusive', 10, 0)).held).toBe(true)
  })

  test('a negative wait is a programming mistake', async () => {
    await expect(lock(new MemoryStore(), 'shared', 10, -1)).rejects.toThrow(RangeError)
  })
})
