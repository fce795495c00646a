import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { isBorgError } from '../../src/base/errors.ts'
import type { EngineEvent } from '../../src/base/events.ts'
import { storePath } from '../../src/base/ids.ts'
import type { LogPart } from '../../src/repository/segment-files.ts'
import type { StoreRepository } from '../../src/repository/segment-repository.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { failAt } from '../support/explore-crashes.ts'
import { RecordingStore } from '../support/recording-store.ts'
import { bytesOf, contentsOf, filesOf, idOf, logOf, newStore, open, session, textOf } from './world.ts'

const a = idOf('a')
const b = idOf('b')

async function holding(objects: Readonly<Record<string, string>>, store?: MemoryStore): Promise<MemoryStore> {
  const filled = store ?? (await newStore())
  await session(filled, async (repository) => {
    for (const [name, text] of Object.entries(objects)) await repository.put(idOf(name), bytesOf(text))
    await repository.commit()
  })
  return filled
}

async function pathsOf(store: MemoryStore): Promise<string[]> {
  return [...(await filesOf(store)).keys()].sort()
}

describe('opening', () => {
  test('tells apart nothing, something else, and a broken config', async () => {
    const missing = new MemoryStore()
    await missing.removeAll()
    await expect(open(missing)).rejects.toMatchObject({ code: 'Repository.DoesNotExist', args: ['/repo'] })

    const other = new MemoryStore()
    await other.write(storePath('letter'), bytesOf('dear'))
    await expect(open(other)).rejects.toMatchObject({ code: 'Repository.InvalidRepository' })
    expect(await pathsOf(other)).toEqual(['letter'])

    const broken = await newStore()
    for (const config of [
      'no ini',
      '[repository]\nversion = 2\n',
      '[repository]\nversion = 1\nsegments_per_dir = 1000\nmax_segment_size = 4273995776\nid = 00\n',
      `[repository]\nversion = 1\nsegments_per_dir = 1000\nmax_segment_size = 500\nid = ${'0'.repeat(63)}\n`,
      `[repository]\nversion = 1\nsegments_per_dir = 0\nmax_segment_size = 500\nid = ${'0'.repeat(64)}\n`,
    ]) {
      await broken.write(storePath('config'), bytesOf(config))
      await expect(open(broken), config).rejects.toMatchObject({ code: 'Repository.InvalidRepositoryConfig' })
    }
  })

  test('refuses an Attic repository', async () => {
    const store = await newStore()
    await store.write(storePath('data/0/0'), bytesOf('ATTICSEG and more'))

    await expect(open(store)).rejects.toMatchObject({ code: 'Repository.AtticRepository' })
  })

  test('a failed opening leaves no lock behind', async () => {
    const store = await newStore()
    await store.write(storePath('data/0/0'), bytesOf('ATTICSEG and more'))
    await expect(open(store)).rejects.toThrow()

    expect(await store.owners(storePath('lock.exclusive'))).toEqual([])
  })

  test('sizes in the config may have units', async () => {
    const store = await newStore()
    const config = textOf(await store.read(storePath('config')))
    await store.write(storePath('config'), bytesOf(config.replace('524288000', '0.5G')))
    await using repository = await open(store)

    expect(repository.config.segmentSizeMax).toBe(500_000_000)
  })

  test('readers may share, a writer may not', async () => {
    const store = await holding({ a: '1' })
    await using first = await open(store, { access: 'read' })
    await using second = await open(store, { access: 'read' })
    expect(textOf(await first.get(a))).toBe(textOf(await second.get(a)))

    await expect(open(store)).rejects.toMatchObject({ code: 'LockTimeout' })
    await using unlocked = await open(store, { access: 'unlocked' })
    expect(await unlocked.count()).toBe(1)
    await expect(unlocked.put(b, bytesOf('2'))).rejects.toThrow('without a lock')
  })

  test('a reader becomes a writer with its first change, if it is alone', async () => {
    const store = await holding({ a: '1' })
    await session(
      store,
      async (repository) => {
        await repository.put(b, bytesOf('2'))
        await repository.commit()
      },
      { access: 'read' },
    )

    expect(await session(store, contentsOf)).toEqual(new Map([a, b].map((id, i) => [toHex(id), `${i + 1}`])))
  })
})

describe('index files', () => {
  const damages: readonly [string, (store: MemoryStore) => Promise<void>][] = [
    ['missing', (store) => removeAll(store, /^(index|hints|integrity)\./)],
    ['without hints', (store) => removeAll(store, /^hints\./)],
    ['without integrity', (store) => removeAll(store, /^integrity\./)],
    ['with a damaged index', (store) => flip(store, 'index.3', 30_000)],
    ['with damaged hints', (store) => flip(store, 'hints.3', 3)],
    ['with a damaged integrity file', (store) => flip(store, 'integrity.3', 0)],
    ['with a torn index', (store) => cut(store, 'index.3', 1000)],
    ['with an empty index', (store) => cut(store, 'index.3', 0)],
    ['from the future', (store) => rename(store, 'index.3', 'index.100')],
    ['from the past', (store) => rename(store, 'index.3', 'index.1')],
  ]

  test.each(damages)('%s: reading and writing go on as if nothing was', async (_, damage) => {
    for (const access of ['read', 'write', 'unlocked'] as const) {
      const store = await holding({ b: '2', c: '3' }, await holding({ a: '1', b: '1' }))
      await damage(store)
      const expected = new Map(
        Object.entries({ a: '1', b: '2', c: '3' }).map(([name, text]) => [toHex(idOf(name)), text]),
      )

      expect(await session(store, contentsOf, { access })).toEqual(expected)
      await session(store, async (repository) => {
        await repository.delete(idOf('c'))
        await repository.commit({ compact: { threshold: 0 } })
      })
      expected.delete(toHex(idOf('c')))
      expect(await session(store, contentsOf, { access: 'read' })).toEqual(expected)
      expect(await session(store, (repository) => repository.check({ repair: false, maxSeconds: 0 }))).toBe(true)
    }
  })

  test('who bypasses the lock changes nothing, not even a missing index', async () => {
    const store = await holding({ a: '1' })
    await removeAll(store, /^(index|hints|integrity)\./)
    const before = await filesOf(store)
    await session(store, contentsOf, { access: 'unlocked' })

    expect(await filesOf(store)).toEqual(before)
  })

  test('who bypasses the lock can check, which changes nothing, but not repair', async () => {
    const store = await holding({ a: '1' })
    await session(store, async ({ config }) => {
      config.set('last_segment_checked', '0')
      await config.save(store, {})
    })
    const before = await filesOf(store)
    const check = (options: { repair: boolean; maxSeconds: number }) =>
      session(store, (repository) => repository.check(options), { access: 'unlocked' })

    expect(await check({ repair: false, maxSeconds: 0 })).toBe(true)
    expect(await check({ repair: false, maxSeconds: 1 })).toBe(true)
    await expect(check({ repair: true, maxSeconds: 0 })).rejects.toThrow('opened without a lock')
    expect(await filesOf(store)).toEqual(before)
  })

  test('a reader that cannot be alone reads the log, and leaves the writing of the index to others', async () => {
    const store = await holding({ a: '1' })
    await removeAll(store, /^(index|hints|integrity)\./)
    await using other = await open(store, { access: 'read' })
    await using repository = await open(store, { access: 'read' })

    expect(await repository.count()).toBe(1)
    expect(await pathsOf(store)).not.toContain('index.1')
    expect(await other.count()).toBe(1)
  })

  test('an index without any commit asks for a check', async () => {
    const store = await holding({ a: '1' })
    await store.remove(storePath('data/0/1'))

    await expect(session(store, contentsOf)).rejects.toMatchObject({ code: 'Repository.CheckNeeded' })
  })
})

describe('the next transaction', () => {
  test('removes what an unfinished one left, and nothing else', async () => {
    const store = await holding({ a: '1' })
    await session(store, (repository) => repository.put(b, bytesOf('2'.repeat(200_000))))
    expect(await pathsOf(store)).toContain('data/0/2')
    await holding({ c: '3' }, store)

    expect(await session(store, (repository) => repository.count())).toBe(2)
    expect(await pathsOf(store)).toEqual(expect.arrayContaining(['data/0/0', 'data/0/1', 'data/0/2', 'data/0/3']))
    expect(await session(store, (repository) => repository.check({ repair: false, maxSeconds: 0 }))).toBe(true)
  })

  test('is refused when it would remove what was committed once: a damaged commit is for check to repair', async () => {
    const store = await holding({ b: '2' }, await holding({ a: '1' }))
    await flip(store, 'data/0/3', 16)
    const before = await filesOf(store)

    // Readable is what the last sound commit says.
    expect([...(await session(store, contentsOf, { access: 'unlocked' })).values()]).toEqual(['1'])
    await expect(holding({ c: '3' }, store)).rejects.toMatchObject({ code: 'Repository.CheckNeeded' })
    expect(await filesOf(store)).toEqual(before)
    expect(await session(store, (repository) => repository.check({ repair: false, maxSeconds: 0 }))).toBe(false)
    expect(await session(store, (repository) => repository.check({ repair: true, maxSeconds: 0 }))).toBe(true)
    await holding({ c: '3' }, store)
    expect([...(await session(store, contentsOf)).values()].sort()).toEqual(['1', '2', '3'])
  })

  test('is refused when all commits and the index are gone, but data is there', async () => {
    const store = await holding({ c: '3' }, await holding({ b: '2' }, await holding({ a: '1' })))
    await removeAll(store, /^(index|hints|integrity)\./)
    for (const segment of [1, 3, 5]) await flip(store, `data/0/${segment}`, 16)

    await expect(holding({ d: '4' }, store)).rejects.toMatchObject({ code: 'Repository.CheckNeeded' })
  })

  test('does not take over what a failed write made of this one', async () => {
    for (let at = 0; at < 12; at++) {
      const store = await holding({ a: '1' })
      const faulty = new RecordingStore(
        store,
        failAt({ at, code: 'EIO', lasts: 'once', verbs: ['append', 'appendWrite', 'flush', 'seal', 'writeInOrder'] }),
      )
      const put = session(faulty, async (repository) => {
        await repository.put(b, bytesOf('2'.repeat(200_000)))
        await repository.put(idOf('c'), bytesOf('3'))
        await repository.commit().catch(async (error: unknown) => {
          // Whoever goes on after a failure starts from what is committed.
          const contents = await contentsOf(repository)
          expect([1, 3]).toContain(contents.size)
          throw error
        })
      })
      const failed = await put.then(
        () => false,
        () => true,
      )

      const size = (await session(store, contentsOf)).size
      expect(failed ? [1, 3] : [3], `call ${at}`).toContain(size)
      await holding({ d: '4' }, store)
      expect(await session(store, (repository) => repository.check({ repair: false, maxSeconds: 0 }))).toBe(true)
    }
  })

  test('a transaction that failed refuses everything until it is rolled back', async () => {
    const store = await holding({ a: '1' })
    const faulty = new RecordingStore(store, failAt({ at: 0, code: 'EIO', lasts: 'once', verbs: ['appendWrite'] }))
    await using repository = await open(faulty)
    await expect(repository.put(b, bytesOf('2'.repeat(200_000)))).rejects.toThrow('i/o error')
    await expect(repository.put(b, bytesOf('2'))).rejects.toThrow('i/o error')
    await expect(repository.delete(a)).rejects.toThrow('i/o error')
    await repository.rollback()
    await repository.put(b, bytesOf('2'))
    await repository.commit()

    expect(await repository.count()).toBe(2)
  })

  test('why a transaction failed is told, even if it cannot be given up tidily', async () => {
    const store = await holding({ a: '1' })
    const verbs = ['seal', 'abandon'] as const
    const faulty = new RecordingStore(store, failAt({ at: 0, code: 'EIO', lasts: 'forever', verbs }))
    const log = logOf()
    const put = async (then: (repository: StoreRepository) => Promise<void>): Promise<void> => {
      await using repository = await open(faulty, {}, log.run)
      await repository.put(b, bytesOf('2'))
      await then(repository)
    }

    await expect(put((repository) => repository.commit())).rejects.toThrow(/^EIO: i\/o error, seal 'data\//)
    await expect(put(() => Promise.reject(new Error('its own reason')))).rejects.toThrow(/^its own reason$/)
    expect(log.lines().filter((line) => line.includes('abandon'))).toHaveLength(2)
    expect(await session(store, contentsOf)).toEqual(new Map([[toHex(a), '1']]))
  })

  test('a full disk gets the space of the failed transaction back at once', async () => {
    const store = await holding({ a: '1' })
    const before = await filesOf(store)
    const faulty = new RecordingStore(store, failAt({ at: 0, code: 'ENOSPC', lasts: 'once', verbs: ['seal'] }))
    await using repository = await open(faulty)
    await repository.put(b, bytesOf('2'.repeat(200_000)))
    await expect(repository.commit()).rejects.toThrow('no space left')

    expect(await filesOf(store)).toEqual(before)
  })
})

describe('space', () => {
  test('a put over the quota dooms the transaction, and only that', async () => {
    const store = await newStore({ quotaBytes: 1_000_000 })
    await holding({ a: '1' }, store)
    await using repository = await open(store)
    const exceeded = { code: 'Repository.StorageQuotaExceeded', args: ['1.00 MB', '1.20 MB'] }
    await expect(repository.put(b, new Uint8Array(1_200_000))).rejects.toMatchObject(exceeded)
    await expect(repository.put(b, bytesOf('2'))).rejects.toMatchObject(exceeded)
    await expect(repository.commit()).rejects.toMatchObject(exceeded)
    await repository.put(b, bytesOf('2'))
    await repository.commit()

    expect(await repository.count()).toBe(2)
  })

  test('the quota counts until compaction, and one given at opening goes before that of the config', async () => {
    const store = await newStore({ quotaBytes: 1_000_000 })
    await session(
      store,
      async (repository) => {
        await repository.put(a, new Uint8Array(1_500_000))
        await repository.commit()
      },
      { quotaBytes: 2_000_000 },
    )
    await session(store, async (repository) => {
      await repository.delete(a)
      await repository.commit()
      await expect(repository.put(b, bytesOf('2'))).rejects.toMatchObject({ code: 'Repository.StorageQuotaExceeded' })
      await repository.rollback()
      await repository.commit({ compact: { threshold: 0.1 } })
      await repository.put(b, bytesOf('2'))
      await repository.commit()

      expect((await repository.hints()).quotaUsed).toBe(42)
    })
  })

  test('a commit that the disk has no room for is refused and undone', async () => {
    const store = await holding({ a: '1' })
    const before = await pathsOf(store)
    store.freeBytes = async () => 100_000
    await using repository = await open(store)
    await repository.put(b, bytesOf('2'))
    const error: unknown = await repository.commit().catch((reason: unknown) => reason)

    expect(isBorgError(error, 'Repository.InsufficientFreeSpaceError') ? error.args[1] : error).toBe('100.00 kB')
    expect(await pathsOf(store)).toEqual(before)
  })

  test('compaction says what it freed, and lists the folders it emptied no more', async () => {
    const store = await newStore({ segmentSizeMax: 100, segmentsPerFolder: 2 })
    await holding({ a: 'x'.repeat(100), b: 'y'.repeat(100), c: 'z' }, store)
    const log = logOf()
    await session(
      store,
      async (repository) => {
        await repository.delete(a)
        await repository.delete(b)
        await repository.commit({ compact: { threshold: 0.1 } })
      },
      {},
      log.run,
    )

    expect(log.lines()).toContain('info: compaction freed about 282 B repository space.')
    expect((await pathsOf(store)).filter((path) => path.startsWith('data/')).length).toBeLessThan(5)
    const folders: string[] = []
    for await (const { path } of store.list(storePath('data'))) folders.push(path)
    expect(folders).not.toContain('data/0')
  })

  test('a damaged segment stops compaction before anything is lost', async () => {
    const store = await newStore({ segmentSizeMax: 100 })
    await holding({ a: 'x'.repeat(100), b: 'y'.repeat(100), c: 'z'.repeat(100), d: '4' }, store)
    await session(store, async (repository) => {
      await repository.delete(a)
      await repository.commit()
    })
    await flip(store, 'data/0/0', 100)
    const damaged = (await filesOf(store)).get(storePath('data/0/0'))
    await session(store, async (repository) => {
      await expect(repository.commit({ compact: { threshold: 0 } })).rejects.toMatchObject({ code: 'IntegrityError' })
    })

    expect((await filesOf(store)).get(storePath('data/0/0'))).toEqual(damaged)
    expect((await session(store, contentsOf, { access: 'unlocked' })).size).toBe(3)
  })
})

describe('append-only', () => {
  test('keeps everything, notes each transaction, and refuses what would destroy', async () => {
    const store = await newStore({ appendOnly: true })
    await holding({ a: '1' }, store)
    await session(store, async (repository) => {
      await repository.delete(a)
      await repository.commit({ compact: { threshold: 0 } })
      await expect(repository.destroy()).rejects.toThrow('/repo is in append-only mode')
      await expect(repository.check({ repair: true, maxSeconds: 0 })).rejects.toThrow('/repo is in append-only mode')
      expect(await repository.check({ repair: false, maxSeconds: 0 })).toBe(true)
    })

    expect(await pathsOf(store)).toEqual(expect.arrayContaining(['data/0/0', 'data/0/1', 'data/0/2', 'data/0/3']))
    expect(textOf(await store.read(storePath('transactions')))).toMatch(
      /^transaction 1, UTC time [-0-9T:.]{26}\ntransaction 3, UTC time [-0-9T:.]{26}\n$/,
    )
  })

  test('can be asked for at opening', async () => {
    const store = await holding({ a: '1' })
    await session(
      store,
      async (repository) => {
        await repository.delete(a)
        await repository.commit({ compact: { threshold: 0 } })
        await expect(repository.destroy()).rejects.toThrow('append-only')
      },
      { appendOnly: true },
    )

    expect(await pathsOf(store)).toContain('data/0/0')
  })

  test('is undone by removing the later segments and their index', async () => {
    const store = await newStore({ appendOnly: true })
    await holding({ a: '1' }, store)
    await session(store, async (repository) => {
      await repository.delete(a)
      await repository.commit()
    })
    for (const path of ['data/0/2', 'data/0/3', 'index.3', 'hints.3', 'integrity.3'])
      await store.remove(storePath(path))

    expect([...(await session(store, contentsOf)).values()]).toEqual(['1'])
    await holding({ b: '2' }, store)
    expect(await session(store, (repository) => repository.check({ repair: false, maxSeconds: 0 }))).toBe(true)
  })
})

describe('reading', () => {
  test('a damaged object is an IntegrityError that says where, and its neighbours are read', async () => {
    const store = await holding({ a: 'one', b: 'two', c: 'three' })
    await flip(store, 'data/0/0', 8 + 44 + 42)
    await using repository = await open(store)

    await expect(repository.get(b)).rejects.toThrow('[segment 0, offset 52]')
    expect(textOf(await repository.get(a))).toBe('one')
    expect(textOf(await repository.get(idOf('c')))).toBe('three')
    const found: string[] = []
    const readAll = async (): Promise<void> => {
      for await (const bytes of repository.getMany([a, idOf('c'), b])) found.push(textOf(bytes))
    }
    await expect(readAll()).rejects.toMatchObject({ code: 'IntegrityError' })
    expect(found).toEqual(['one', 'three'])
  })

  test('a missing segment is damage, not a missing object', async () => {
    const store = await holding({ a: 'one' })
    await store.remove(storePath('data/0/0'))
    await using repository = await open(store)

    await expect(repository.get(a)).rejects.toMatchObject({ code: 'IntegrityError' })
  })

  test('neighbours are read together: far fewer reads than objects', async () => {
    const objects = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`object ${i}`, `text ${i}`]))
    const store = await holding(objects)
    const recording = new RecordingStore(store)
    await using repository = await open(recording)
    const ids = await repository.scan(1000)
    const before = recording.calls.filter(({ verb }) => verb === 'read').length
    let count = 0
    for await (const bytes of repository.getMany(ids)) if (bytes.length > 0) count += 1

    expect(count).toBe(500)
    expect(recording.calls.filter(({ verb }) => verb === 'read').length - before).toBe(1)
  })

  test('put reaches the store in large pieces', async () => {
    const recording = new RecordingStore(await newStore())
    await using repository = await open(recording)
    for (let i = 0; i < 1000; i++) await repository.put(idOf(`${i}`), bytesOf('x'.repeat(1000)))
    await repository.commit()

    expect(recording.calls.filter(({ verb }) => verb === 'appendWrite').length).toBeLessThan(6)
  })
})

test('destroy leaves nothing', async () => {
  const store = await holding({ a: '1' })
  await session(store, (repository) => repository.destroy())

  expect(await store.root()).toBe('missing')
})

test('everything that was ever logged can be listed, superseded entries too', async () => {
  const store = await holding({ a: '2' }, await holding({ a: '1' }))
  await using repository = await open(store)
  const found: string[] = []
  for await (const { tag, segment, offset, data } of repository.logEntries()) {
    found.push(`${segment}:${offset} ${tag} ${textOf(data)}`.trim())
  }

  expect(found).toEqual(['0:8 put 1', '1:8 commit', '2:8 delete', '2:49 put 2', '3:8 commit'])
  expect(await places(repository, { segment: 2 })).toEqual(['2:8', '2:49'])
  expect(await places(repository, { segment: 2, offset: 49 })).toEqual(['2:49'])
  expect(await places(repository, { offset: 8 })).toEqual(['0:8', '1:8', '2:8', '3:8'])
  expect(await places(repository, { segment: 2, offset: 4000 })).toEqual([])
})

test('of a damaged segment the log has what is before the damage, and what is asked for by its place', async () => {
  const store = await holding({ a: '2' }, await holding({ a: '1' }))
  await flip(store, 'data/0/2', 20)
  const complaints: string[] = []
  const run = { onEvent: (event: EngineEvent) => void (event.type === 'log' && complaints.push(event.message)) }
  await using repository = await open(store, {}, run)

  expect(await places(repository)).toEqual(['0:8', '1:8', '3:8'])
  expect(complaints).toHaveLength(1)
  expect(complaints[0]).toMatch(/^Segment 2 \(.*data\/0\/2\) has IntegrityError\(s\) \[.*\] - skipping\.$/)
  expect(await places(repository, { segment: 2, offset: 49 })).toEqual(['2:49'])
})

async function places(repository: StoreRepository, part?: LogPart): Promise<string[]> {
  const found: string[] = []
  for await (const { segment, offset } of repository.logEntries(part)) found.push(`${segment}:${offset}`)
  return found
}

async function removeAll(store: MemoryStore, pattern: RegExp): Promise<void> {
  for (const path of (await filesOf(store)).keys()) if (pattern.test(path)) await store.remove(path)
}

async function flip(store: MemoryStore, path: string, offset: number): Promise<void> {
  const bytes = await store.read(storePath(path))
  bytes[offset] = (bytes[offset] ?? 0) ^ 0x41
  await store.write(storePath(path), bytes)
}

async function cut(store: MemoryStore, path: string, size: number): Promise<void> {
  await store.write(storePath(path), (await store.read(storePath(path))).slice(0, size))
}

async function rename(store: MemoryStore, from: string, to: string): Promise<void> {
  await store.write(storePath(to), await store.read(storePath(from)))
  await store.remove(storePath(from))
}

test('a folder size in which segments would not be found again is refused, and nothing is changed', async () => {
  const store = await newStore({ segmentsPerFolder: 2 })
  for (const name of ['a', 'b', 'c']) await holding({ [name]: name }, store)
  const before = await filesOf(store)

  await session(store, async (repository) => {
    repository.config.set('segments_per_dir', '3')
    await expect(repository.saveConfig()).rejects.toThrow('segments_per_dir cannot be 3: segment data/1/2')
  })
  expect(await filesOf(store)).toEqual(before)
  await session(store, async (repository) => {
    repository.config.set('append_only', '1')
    await repository.saveConfig()
  })
})

test('how much of the quota is used is told when a transaction begins and ends, as borg does', async () => {
  const store = await newStore({ quotaBytes: 100_000_000 })
  const told: string[] = []
  const run = { onEvent: (event: EngineEvent) => void (event.type === 'log' && told.push(event.message)) }
  for (const name of ['a', 'b']) {
    await session(
      store,
      async (repository) => {
        await repository.put(idOf(name), new Uint8Array(1_000_000))
        await repository.commit()
      },
      {},
      run,
    )
  }
  await session(store, async (repository) => repository.get(idOf('a')), {}, run)

  expect(told).toEqual(['1.00 MB', '1.00 MB', '2.00 MB'].map((used) => `Storage quota: ${used} out of 100.00 MB used.`))
})
