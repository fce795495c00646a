import { describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import { type StorePath, storePath } from '../../src/base/ids.ts'
import { lentStore } from '../../src/store/lent-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { type RetryOptions, RetryingStore } from '../../src/store/retrying-store.ts'
import type { Store, StoreTraits } from '../../src/store/store.ts'
import { isTransientFailure } from '../../src/store/transient-failure.ts'
import { contentsOf, filesOf, idOf, logOf, newStore, open } from '../repository/world.ts'
import { FakeHost } from '../support/fake-host.ts'
import { type Break, FlakyLine } from '../support/flaky-line.ts'

const file = storePath('data/0/1')
const lock = storePath('lock.exclusive')
const me = 'ada@1.10-0'

function world(breaks: readonly Break[] = [], options: RetryOptions = {}, far: Store = new MemoryStore()) {
  const host = new FakeHost()
  const { run, lines } = logOf()
  const line = new FlakyLine(far, ...breaks)
  const store = new RetryingStore(line.open(), { reopen: () => line.open(), host, run, ...options })
  const startMs = host.monotonicMs()
  return { far, host, line, store, lines, seconds: () => (host.monotonicMs() - startMs) / 1000 }
}

const once = (at: number, when: Break['when'] = 'before'): Break => ({ at, when, lasts: 'once' })
const forever = (at: number): Break => ({ at, when: 'before', lasts: 'forever' })

/** Everything a session does to a repository: objects, a commit, a compaction, another look. */
async function work(store: Store, committed: (contents: Map<string, string>) => void = () => {}) {
  {
    await using repository = await open(lentStore(store))
    for (let i = 0; i < 6; i++) await repository.put(idOf(`object ${i}`), text(`content ${i} `.repeat(200)))
    await repository.commit()
    committed(await contentsOf(repository))
    for (let i = 0; i < 4; i++) await repository.delete(idOf(`object ${i}`))
    await repository.put(idOf('object 5'), text('new'))
    await repository.commit({ compact: { threshold: 0.1 } })
  }
  await using repository = await open(store, { access: 'read' })
  return await contentsOf(repository)
}

describe('a session over a line that breaks once, at any call, before or after its effect,', () => {
  async function breakEverywhere(
    options: RetryOptions,
    verify: (line: FlakyLine, act: Promise<unknown>) => Promise<'done' | 'failed'>,
  ) {
    const undisturbed = new FlakyLine(await newStore({ segmentSizeMax: 4000 }))
    const states = [new Map<string, string>()]
    const wanted = await work(new RetryingStore(undisturbed.open()), (contents) => states.push(contents))
    states.push(wanted)
    const calls = undisturbed.calls.length
    expect(calls).toBeGreaterThan(60)
    for (let at = 0; at < calls; at++) {
      for (const when of ['before', 'after'] as const) {
        const far = await newStore({ segmentSizeMax: 4000 })
        const { line, store } = world([once(at, when)], options, far)
        const act = work(store).then((found) => {
          expect(found).toEqual(wanted)
        })
        try {
          const outcome = await verify(line, act)
          const { run, lines } = logOf()
          await using repository = await open(far, { access: 'write', lockWaitSeconds: 0 }, run)
          if (outcome === 'failed') {
            expect(states).toContainEqual(await contentsOf(repository))
            // Whoever writes next removes what was not committed, as after a crash.
            await repository.put(idOf('later'), text('later'))
            await repository.commit()
          }
          const sound = await repository.check({ repair: false, maxSeconds: 0 })
          expect(sound, lines().join('; ')).toBe(true)
        } catch (error) {
          throw new Error(`${when} call ${at}, ${line.calls[at]}: ${String(error)}`, { cause: error })
        }
      }
    }
    return calls
  }

  test('ends as if nothing had happened', async () => {
    await breakEverywhere({}, async (_line, act) => {
      await act
      return 'done'
    })
  })

  test('ends as if nothing had happened, or with one clear error and a sound repository, when nothing is kept', async () => {
    let failed = 0
    await breakEverywhere({ keptBytesMax: 0 }, async (line, act) => {
      const error: unknown = await act.then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (error === undefined) return 'done'
      failed += 1
      const wasWriting = line.calls.some((call) => /^(append|appendWrite|flush|seal) data/.test(call))
      expect(wasWriting).toBe(true)
      expect(isTransientFailure(error) || isBorgError(error, 'ConnectionBrokenWithHint'), String(error)).toBe(true)
      return 'failed'
    })
    expect(failed).toBeGreaterThan(5)
  })
})

test('files are the same after a break as without one', async () => {
  const [calm, shaken] = [await newStore({ segmentSizeMax: 4000 }), await newStore({ segmentSizeMax: 4000 })]
  const line = new FlakyLine(calm)
  await work(new RetryingStore(line.open()))
  const seals = line.calls.flatMap((call, at) => (call.startsWith('seal') ? [at] : []))
  const { store } = world([once(seals[1] ?? 0, 'after')], {}, shaken)
  await work(store)
  const names = async (far: Store) => [...(await filesOf(far))].map(([path, bytes]) => `${path} ${bytes.length}`).sort()
  expect(await names(shaken)).toEqual(await names(calm))
})

describe('a line that stays broken', () => {
  test('ends in the last error, after bounded attempts and time', async () => {
    const { store, line, seconds, lines } = world([forever(0)])
    await expect(store.read(file)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(line.calls.length).toBe(12)
    expect(seconds()).toBeGreaterThan(60)
    expect(seconds()).toBeLessThan(300)
    expect(lines()[0]).toMatch(
      /^warning: memory: read data\/0\/1 failed \(ECONNRESET\), trying again in 0\.\d seconds$/,
    )
    expect(lines()).toHaveLength(11)
  })

  test('is not waited for longer than was asked', async () => {
    const { store, seconds } = world([forever(0)], { waitSecondsMax: 10, attemptsMax: 1000 })
    await expect(store.stat(file)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(seconds()).toBeLessThanOrEqual(10)
    expect(seconds()).toBeGreaterThan(4)
  })

  test('is one piece of news for many calls', async () => {
    const { store, lines } = world([once(0)])
    await Promise.allSettled(Array.from({ length: 12 }, () => store.stat(file)))
    expect(lines().filter((text) => text.startsWith('warning'))).toHaveLength(1)
  })

  test('that cannot be opened again says why', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    let tries = 0
    const reopen = async (): Promise<Store> => {
      tries += 1
      throw tries < 4 ? refused : new Error('Permission denied (password)')
    }
    const { store, lines } = world([once(0)], { reopen })
    await expect(store.stat(file)).rejects.toThrow('Permission denied')
    expect(tries).toBe(4)
    expect(lines().at(-1)).toContain('ECONNREFUSED')
  })
})

describe('an abort', () => {
  test('ends waiting at once', async () => {
    const controller = new AbortController()
    const { store, host, line } = world([forever(0)], { run: { signal: controller.signal } })
    host.sleep = async (_ms, signal) => {
      controller.abort(new Error('enough'))
      signal?.throwIfAborted()
    }
    await expect(store.read(file)).rejects.toThrow('enough')
    expect(line.calls.length).toBe(1)
  })

  test('leaves what cleans up a new connection, and one attempt', async () => {
    const controller = new AbortController()
    const { store, line } = world([once(0), once(2)], { run: { signal: controller.signal } })
    controller.abort(new Error('enough'))
    await expect(store.unclaim(lock, me)).rejects.toMatchObject({ code: 'ECONNRESET' })
    await store.unclaim(lock, me)
    await expect(store.unclaim(lock, me)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(line.opened).toBe(2)
  })
})

describe('what is refused', () => {
  test.each(['ENOENT', 'EACCES', 'ENOSPC', 'EDQUOT', 'EIO', 'ENOTFOUND'])(
    'with %s is not asked again',
    async (code) => {
      const { store, line } = world([{ ...once(0), code }])
      await expect(store.read(file)).rejects.toMatchObject({ code })
      expect(line.calls.length).toBe(1)
    },
  )

  test('a file that is not there is not there', async () => {
    const { store, line } = world()
    await expect(store.read(file)).rejects.toThrow('no file')
    expect(line.calls.length).toBe(1)
  })
})

describe('a claim', () => {
  test('whose answer was lost is ours', async () => {
    const { store, far } = world([once(0, 'after')])
    expect(await store.claim(lock, me)).toBe(true)
    expect(await far.owners(lock)).toEqual([me])
  })

  test('that somebody else got meanwhile is not', async () => {
    const { store, far, host } = world([once(0)])
    host.onSleep = async () => {
      await far.claim(lock, 'bob@2.11-0')
    }
    expect(await store.claim(lock, me)).toBe(false)
  })

  test('that was taken away while the line was down ends everything', async () => {
    const { store, far, host, line } = world([once(1)])
    await store.claim(lock, me)
    host.onSleep = async () => {
      await far.unclaim(lock, me)
      await far.claim(lock, 'bob@2.11-0')
    }
    await expect(store.write(file, text('x'))).rejects.toThrow('Somebody has taken the lock memory/lock.exclusive away')
    await expect(store.remove(file)).rejects.toThrow('Somebody has taken the lock')
    expect(line.calls.filter((call) => call.startsWith('write'))).toHaveLength(1)
    expect(await far.stat(file)).toBeUndefined()
  })

  test('given back with a lost answer is not missed', async () => {
    const { store } = world([once(1, 'after')])
    await store.claim(lock, me)
    await store.unclaim(lock, me)
    expect(await store.owners(lock)).toEqual([])
  })

  test('passed on with a lost answer has been passed on', async () => {
    const { store } = world([once(1, 'after')])
    await store.claim(lock, me)
    expect(await store.passClaim(lock, me, 'ada@1.99-0')).toBe(true)
    expect(await store.passClaim(lock, me, 'ada@1.99-0')).toBe(false)
  })
})

describe('an appended file', () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i % 251)

  async function append(store: Store): Promise<void> {
    const appended = await store.append(file)
    for (let at = 0; at < bytes.length; at += 1000)
      await appended.write(bytes.subarray(at, at + 500), bytes.subarray(at + 500, at + 1000))
    await appended.flush()
    expect(appended.size).toBe(5000)
    await appended.seal()
    await appended.abandon()
  }

  test.each(['before', 'after'] as const)('is the same whenever the line breaks, %s a call', async (when) => {
    for (let at = 1; at <= 9; at++) {
      const { store, far } = world([once(at, when)])
      await store.claim(lock, me)
      await append(store)
      expect(await far.read(file)).toEqual(bytes)
    }
  })

  test('may go on where a Store that needs no new connection failed', async () => {
    for (let at = 3; at <= 7; at++) {
      const { store, far } = world([], { reopen: undefined, keptBytesMax: 0 }, failingOnce(at))
      await append(store)
      expect(await far.read(file)).toEqual(bytes)
    }
  })

  test('of somebody else is not touched, whatever was lost', async () => {
    // No claim is held: the empty file may be anybody's.
    const { store, far } = world([once(1, 'after')])
    await expect(store.append(file)).rejects.toMatchObject({ code: 'EEXIST' })
    expect((await far.stat(file))?.size).toBe(0)

    const other = world([once(2)])
    await other.store.claim(lock, me)
    other.host.onSleep = async () => {
      await other.far.write(file, text('theirs'))
    }
    await expect(other.store.append(file)).rejects.toMatchObject({ code: 'EEXIST' })
    expect(await other.far.read(file)).toEqual(text('theirs'))
  })

  test('that is too large to be kept ends with its connection', async () => {
    const { store, far } = world([once(5)], { keptBytesMax: 1500 })
    await store.claim(lock, me)
    await expect(append(store)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect((await far.read(file)).length).toBeLessThan(5000)
  })

  test('does not go on over a connection that others opened', async () => {
    const { store, far } = world([once(4)], { keptBytesMax: 0 })
    await store.claim(lock, me)
    const appended = await store.append(file)
    await appended.write(bytes)
    await store.stat(storePath('other'))
    await expect(appended.write(bytes)).rejects.toThrow('It broke while data/0/1 was being written')
    await appended.abandon()
    await far.remove(file)
  })
})

describe('a stream', () => {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const buffer = new Uint8Array(1000)
    for (let i = 0; i < 5; i++) yield buffer.fill(i)
  }

  test('is sent again as far as it was kept', async () => {
    const { store, far } = world([once(0, 'after'), once(2)])
    await store.write(file, pieces())
    expect((await far.read(file)).length).toBe(5000)
    await store.writeInOrder([{ path: file, content: pieces() }])
    expect([...(await far.read(file))].filter((_, i) => i % 1000 === 999)).toEqual([0, 1, 2, 3, 4])
  })

  test('is not sent again when it was too long', async () => {
    const { store } = world([once(0, 'after')], { keptBytesMax: 3000 })
    await expect(store.write(file, pieces())).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  test('that fails itself is not asked again, and is let go of', async () => {
    let closed = false
    async function* failing(): AsyncGenerator<Uint8Array> {
      try {
        yield text('x')
        throw Object.assign(new Error('the other end'), { code: 'ECONNRESET' })
      } finally {
        closed = true
      }
    }
    const { store, line } = world()
    await expect(store.write(file, failing())).rejects.toThrow('the other end')
    expect(line.calls.length).toBe(1)
    expect(closed).toBe(true)
  })
})

test('a list goes on without repeating itself', async () => {
  const far = new MemoryStore()
  for (let i = 0; i < 10; i++) await far.write(storePath(`data/${i}`), text('x'))
  const { store, line } = world([once(0), once(1)], {}, far)
  const found: string[] = []
  for await (const { path } of store.list(storePath('data'))) found.push(path)
  expect(found).toHaveLength(10)
  expect(new Set(found).size).toBe(10)
  expect(line.opened).toBe(3)
})

test('a folder moved with a lost answer has been moved', async () => {
  const { store, far } = world([once(1, 'after')])
  await store.write(storePath('txn.tmp/a'), text('x'))
  await store.moveFolder?.(storePath('txn.tmp'), storePath('txn.active'))
  expect(await far.stat(storePath('txn.active/a'))).toBeDefined()
})

describe('removing everything', () => {
  test('is not asked twice: a repository may have been made there meanwhile', async () => {
    const { store, far, line } = world([once(1, 'after')])
    await store.write(file, text('old'))
    await expect(store.removeAll()).rejects.toMatchObject({ code: 'ECONNRESET' })
    await far.createRoot()
    await far.write(file, text('somebody else has begun anew'))
    expect(line.calls.filter((call) => call.startsWith('removeAll'))).toHaveLength(1)
    expect(await store.read(file)).toEqual(text('somebody else has begun anew'))
  })

  test('waits for a connection before it begins', async () => {
    let tries = 0
    const far = new MemoryStore()
    const reopen = async (): Promise<Store> => {
      tries += 1
      if (tries < 3) throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' })
      return far
    }
    const { store } = world([once(0)], { reopen, attemptsMax: 2 }, far)
    await expect(store.stat(file)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await store.removeAll()
    expect(tries).toBe(3)
  })
})

test('a call under way on a connection that another call found broken is asked again', async () => {
  const far = new MemoryStore()
  await far.write(file, text('x'))
  const { store } = world([once(1)], {}, far)
  const all = await Promise.all([store.stat(file), store.stat(file), store.stat(file), store.read(file)])
  expect(all.slice(0, 3).every((entry) => entry !== undefined && 'size' in entry && entry.size === 1)).toBe(true)
})

test('errors say themselves whether they pass, before any code does', () => {
  const coded = Object.assign(new Error('x'), { code: 'ETIMEDOUT' })
  expect(isTransientFailure(coded)).toBe(true)
  expect(isTransientFailure(new Error('wrapped', { cause: new Error('twice', { cause: coded }) }))).toBe(true)
  expect(isTransientFailure(Object.assign(new Error('final', { cause: coded }), { isTransient: false }))).toBe(false)
  expect(isTransientFailure(Object.assign(new Error('busy'), { isTransient: true }))).toBe(true)
  expect(isTransientFailure(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe(false)
  expect(isTransientFailure('ECONNRESET')).toBe(false)
  const circle = new Error('circle')
  circle.cause = circle
  expect(isTransientFailure(circle)).toBe(false)
})

/** A Store whose append handles survive: one of their calls, the `at`-th of all, fails once. */
function failingOnce(at: number): MemoryStore {
  const store = new MemoryStore()
  const append = store.append.bind(store)
  let calls = 0
  store.append = async (path) => {
    const inner = await append(path)
    const count = (): void => {
      calls += 1
      if (calls === at - 2) throw Object.assign(new Error('busy'), { code: 'ETIMEDOUT' })
    }
    return {
      get size() {
        return inner.size
      },
      async write(...parts) {
        count()
        await inner.write(...parts)
      },
      async flush() {
        count()
        await inner.flush()
      },
      seal: () => inner.seal(),
      abandon: () => inner.abandon(),
    }
  }
  return store
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

test('what a Store learns about itself is known through the wrapper', async () => {
  class LearningStore extends MemoryStore {
    override traits: StoreTraits = { cheapSmallReads: false, claims: 'advisory' }
    override async claim(path: StorePath, owner: string): Promise<boolean> {
      this.traits = { cheapSmallReads: false, claims: 'atomic' }
      return super.claim(path, owner)
    }
  }
  const store = new RetryingStore(new LearningStore())
  expect(store.traits.claims).toBe('advisory')
  await store.claim(lock, me)
  expect(store.traits.claims).toBe('atomic')
})
