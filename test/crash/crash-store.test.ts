/**
 * The crash store itself: it forgets no more than the contract lets it, and enough to find every classic mistake.
 *
 * The scenario is compaction in small: an index names the segment that holds the data; the data moves to a new segment.
 */
import { describe, expect, test } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { isStoreNotFound, type Store } from '../../src/store/store.ts'
import { CrashStore, StoreDied } from '../support/crash-store.ts'
import { exploreCrashes, failAt } from '../support/explore-crashes.ts'
import { RecordingStore } from '../support/recording-store.ts'

const index = storePath('index')
const oldSegment = storePath('data/0/1')
const newSegment = storePath('data/0/2')
const data = new Uint8Array(2000).fill(7)

async function prepare(store: Store): Promise<void> {
  await seal(store, '1', data)
  await store.write(index, text('1'))
}

async function seal(store: Store, number: string, content: Uint8Array): Promise<void> {
  const file = await store.append(storePath(`data/0/${number}`))
  await file.write(content)
  await file.seal()
}

/** What anyone who opens the survivor does: the segment that the index names must be whole. */
async function verify(store: Store): Promise<void> {
  const number = new TextDecoder().decode(await store.read(index))
  const found = await store.read(storePath(`data/0/${number}`))
  if (found.length !== data.length || found.some((byte) => byte !== 7)) throw new Error(`segment ${number} is damaged`)
}

describe('a writer that keeps the order', () => {
  async function compact(store: Store): Promise<void> {
    await seal(store, '2', data)
    await store.write(index, text('2'))
    await store.remove(oldSegment)
  }

  test('survives every crash', async () => {
    // append, write, seal, write, remove; a crash after each, and before the first; 22 states each
    expect(await exploreCrashes({ prepare, scenario: compact, verify })).toBe(6 * 22)
  })

  test('survives a second crash while it tries again', async () => {
    const again = async (store: CrashStore): Promise<void> => {
      await store.remove(newSegment)
      if (new TextDecoder().decode(await store.read(index)) === '1') await compact(store)
    }
    let states = 0
    await exploreCrashes({
      prepare,
      scenario: compact,
      seeds: 3,
      async verify(survivor) {
        if (new TextDecoder().decode(await survivor.read(index)) !== '1') return
        const scenario = async (store: CrashStore): Promise<void> => again(store)
        const start = async (store: CrashStore): Promise<void> => copyFiles(survivor, store)
        states += await exploreCrashes({ prepare: start, scenario, verify, seeds: 3 })
      },
    })
    expect(states).toBeGreaterThan(200)
  })
})

describe('the crash store catches a writer that', () => {
  const mistakes: readonly [string, (store: Store) => Promise<void>][] = [
    [
      'removes before the replacement is sealed',
      async (store) => {
        const file = await store.append(newSegment)
        await file.write(data)
        await store.write(index, text('2'))
        await store.remove(oldSegment)
        await file.seal()
      },
    ],
    [
      'takes flush for seal',
      async (store) => {
        const file = await store.append(newSegment)
        await file.write(data)
        await file.flush()
        await store.write(index, text('2'))
        await file.seal()
      },
    ],
    [
      'never seals',
      async (store) => {
        const file = await store.append(newSegment)
        await file.write(data)
        await file.flush()
        await file.abandon()
        await store.write(index, text('2'))
      },
    ],
    [
      'points the index to what is not there yet',
      async (store) => {
        await store.write(index, text('2'))
        await seal(store, '2', data)
      },
    ],
    [
      'removes before the index has moved on',
      async (store) => {
        await seal(store, '2', data)
        await store.remove(oldSegment)
        await store.write(index, text('2'))
      },
    ],
    [
      'does not want the index to be durable',
      async (store) => {
        await seal(store, '2', data)
        await store.write(index, text('2'), { transient: true })
        await store.remove(oldSegment)
      },
    ],
    [
      'replaces the index by removing it first',
      async (store) => {
        await seal(store, '2', data)
        await store.remove(index)
        await store.write(index, text('2'))
      },
    ],
  ]

  test.each(mistakes)('%s', async (_what, scenario) => {
    await expect(exploreCrashes({ prepare, scenario, verify })).rejects.toThrow(/^after \{"dieAt"/)
  })

  test('relies on a removed file to stay away', async () => {
    const scenario = (store: Store): Promise<void> => store.remove(oldSegment)
    const absent = async (store: Store): Promise<void> => {
      if ((await store.stat(oldSegment)) !== undefined) throw new Error('it is back')
    }
    const afterwards = exploreCrashes({
      prepare,
      scenario,
      verify: async (store, { dieAt }) => (dieAt === 1 ? absent(store) : undefined),
    })
    await expect(afterwards).rejects.toThrow('it is back')
  })

  test('writes in any order what must appear in order', async () => {
    const files = ['integrity', 'hints', 'index'].map((name) => ({ path: storePath(name), content: text('9') }))
    const ordered = async (store: Store): Promise<void> => {
      const seen = await Promise.all(files.map(async ({ path }) => read(store, path)))
      if (seen[2] === '9' && (seen[0] !== '9' || seen[1] !== '9')) throw new Error('the index came first')
    }
    const inOrder = (store: Store): Promise<void> => store.writeInOrder(files)
    const reversed = (store: Store): Promise<void> => store.writeInOrder([...files].reverse())

    expect(await exploreCrashes({ scenario: inOrder, verify: ordered })).toBe(4 * 22)
    await expect(exploreCrashes({ scenario: reversed, verify: ordered })).rejects.toThrow('the index came first')
  })
})

describe('what a crash leaves', () => {
  test('of an unsealed file: all kinds of damage, but never bytes that were not written', async () => {
    const store = new CrashStore()
    const file = await store.append(newSegment)
    await file.write(data)
    const kinds = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const left = await readOrNothing(await store.survivor(seed))
      if (left === undefined) kinds.add('lost')
      else if (left.length < data.length) kinds.add(left.length % 512 === 0 ? 'torn' : 'cut')
      else kinds.add(left.every((byte) => byte === 7) ? 'whole' : 'holed')
      expect(left === undefined || left.every((byte) => byte === 7 || byte === 0)).toBe(true)
    }
    expect([...kinds].sort()).toEqual(['cut', 'holed', 'lost', 'torn', 'whole'])
  })

  test('nothing forgotten is what the living saw; everything forgotten is what was there before', async () => {
    const first = new CrashStore()
    await prepare(first)
    const store = await first.survivor('nothing')
    const file = await store.append(newSegment)
    await file.write(data)
    await store.remove(oldSegment)

    const kept = await store.survivor('nothing')
    expect(await kept.stat(oldSegment)).toBeUndefined()
    expect((await kept.read(newSegment)).length).toBe(2000)
    const lost = await store.survivor('everything')
    expect((await lost.read(oldSegment)).length).toBe(2000)
    expect(await lost.stat(newSegment)).toBeUndefined()
  })

  test('sealed, written and claimed things stay, whatever is forgotten', async () => {
    const store = new CrashStore()
    await prepare(store)
    for (let seed = 0; seed < 50; seed++) await verify(await store.survivor(seed))
  })

  test('the same seed leaves the same', async () => {
    const store = new CrashStore()
    const file = await store.append(newSegment)
    await file.write(data)
    for (let seed = 0; seed < 20; seed++) {
      expect(await readOrNothing(await store.survivor(seed))).toEqual(await readOrNothing(await store.survivor(seed)))
    }
  })

  test('a removed file that came back in one crash can be removed for good before the next', async () => {
    const store = new CrashStore()
    await prepare(store)
    await store.remove(oldSegment)
    const gone = await store.survivor('nothing')
    expect(await (await gone.survivor('everything')).stat(oldSegment)).toBeUndefined()
  })

  test('a claim may have been lost, or kept, also through two crashes', async () => {
    const claim = storePath('lock.exclusive')
    const store = new CrashStore()
    await store.claim(claim, 'ada@1.10-0')
    const kept = await (await store.survivor('nothing')).survivor('everything')
    expect(await kept.owners(claim)).toEqual(['ada@1.10-0'])
    expect(await (await store.survivor('everything')).owners(claim)).toEqual([])
  })

  test('a moved folder has one name, whole', async () => {
    const [from, to] = [storePath('txn.tmp'), storePath('txn.active')]
    const seen = new Set<string>()
    await exploreCrashes({
      async prepare(store) {
        await store.write(storePath('txn.tmp/a'), data)
        await store.write(storePath('txn.tmp/b'), data)
      },
      scenario: (store) => store.moveFolder(from, to),
      async verify(store) {
        const names: string[] = []
        for (const folder of [from, to]) for await (const { path } of store.list(folder)) names.push(path)
        seen.add(names.sort().join(' '))
      },
    })
    expect([...seen].sort()).toEqual(['txn.active/a txn.active/b', 'txn.tmp/a txn.tmp/b'])
  })

  test('the dead answer nothing', async () => {
    const store = new CrashStore({ dieAt: 1 })
    await store.write(index, text('1'))
    await expect(store.write(index, text('2'))).rejects.toThrow(StoreDied)
    await expect(store.read(index)).rejects.toThrow(StoreDied)
    await expect(store.claim(index, 'x')).rejects.toThrow(StoreDied)
    expect(store.dead).toBe(true)
  })
})

describe('faults', () => {
  test('once: the call fails, the next succeeds', async () => {
    const store = new RecordingStore(new MemoryStore(), failAt({ at: 1, code: 'EIO', lasts: 'once', verbs: ['write'] }))
    await store.write(index, text('0'))
    await expect(store.write(index, text('1'))).rejects.toMatchObject({ code: 'EIO', path: 'index' })
    await store.write(index, text('2'))
    expect(await read(store, index)).toBe('2')
    expect(store.count('write', 'index')).toBe(3)
  })

  test('forever: all calls of the verbs concerned fail from there on, and no others', async () => {
    const verbs = ['write', 'appendWrite'] as const
    const store = new RecordingStore(new MemoryStore(), failAt({ at: 1, code: 'ENOSPC', lasts: 'forever', verbs }))
    await store.write(index, text('0'))
    const file = await store.append(newSegment)
    await expect(file.write(data)).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(store.write(index, text('1'))).rejects.toMatchObject({ code: 'ENOSPC' })
    await store.remove(index)
    expect(store.lines).toEqual([
      'write index',
      'append data/0/2',
      'appendWrite data/0/2',
      'write index',
      'remove index',
    ])
  })
})

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

async function read(store: Store, path: ReturnType<typeof storePath>): Promise<string | undefined> {
  const bytes = await readOrNothing(store, path)
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

async function readOrNothing(store: Store, path = newSegment): Promise<Uint8Array | undefined> {
  try {
    return await store.read(path)
  } catch (error) {
    if (isStoreNotFound(error)) return undefined
    throw error
  }
}

async function copyFiles(from: Store, to: Store): Promise<void> {
  for (const path of [index, oldSegment, newSegment]) {
    const bytes = await readOrNothing(from, path)
    if (bytes !== undefined) await to.write(path, bytes)
  }
}
