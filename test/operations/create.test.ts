import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { idKey } from '../../src/base/ids.ts'
import type { EngineEvent, RunOptions } from '../../src/base/events.ts'
import { checkArchives, checkRepository } from '../../src/operations/check.ts'
import { createArchive } from '../../src/operations/create.ts'
import type { CreateOptions } from '../../src/operations/create-options.ts'
import { deleteArchives } from '../../src/operations/delete.ts'
import { extractArchive } from '../../src/operations/extract.ts'
import { initRepository } from '../../src/operations/init.ts'
import { listArchives, listItems } from '../../src/operations/list.ts'
import { renameArchive } from '../../src/operations/rename.ts'
import { openNodeFileSystem } from '../../src/platform/node-file-system.ts'
import { connectRepository } from '../../src/session/connect.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import type { WriteSession } from '../../src/session/session.ts'
import { FakeHost } from '../support/fake-host.ts'
import { tempFolder } from '../support/temp-folder.ts'

const passphrase = 'correct horse'
/** Small chunks, so that a little data has many. */
const chunkerParams = {
  algorithm: 'buzhash',
  minExponent: 10,
  maxExponent: 16,
  maskBits: 12,
  windowSize: 4095,
} as const

let folder: string
let repository: string
let host: FakeHost
let directories: ReturnType<typeof defaultDirectories>

beforeEach(async () => {
  folder = tempFolder()
  repository = join(folder, 'repository')
  host = new FakeHost()
  directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)
  await initRepository(repository, { encryption: 'repokey', passphrase, directories, host })
})

async function withSession<T>(work: (session: WriteSession) => Promise<T>): Promise<T> {
  await using session = await openRepository(repository, { access: 'write', passphrase, directories, host })
  return await work(session)
}

async function requireSound(): Promise<void> {
  const problems: string[] = []
  const run = {
    onEvent: (event: EngineEvent) =>
      void (event.type === 'log' && event.level === 'error' && problems.push(event.message)),
  }
  await using connected = await connectRepository(repository, { access: 'write', host })
  await checkRepository(connected, {}, run)
  await checkArchives(connected, { access: 'write', passphrase, directories, host }, { verifyData: true }, run)
  expect(problems).toEqual([])
}

/** Bytes nobody can compress, in blocks; `onBlock` is told before each. */
async function* noise(blocks: number, onBlock: (block: number) => void): AsyncGenerator<Uint8Array> {
  const source = new FakeHost({ seed: 77 })
  for (let block = 0; block < blocks; block++) {
    onBlock(block)
    yield source.randomBytes(32 * 1024)
  }
}

function streamed(name: string, bytes: AsyncIterable<Uint8Array>, more: Partial<CreateOptions> = {}): CreateOptions {
  return { name, roots: ['-'], content: { bytes }, chunkerParams, ...more }
}

async function itemsOf(session: WriteSession, name: string): Promise<[string, number | undefined][]> {
  const items: [string, number | undefined][] = []
  for await (const item of listItems(session, name, { considerPartFiles: true })) items.push([item.path, item.size])
  return items
}

describe('checkpoints', () => {
  test('inside a file leave parts that a whole file follows, and no checkpoint once the archive is there', async () => {
    const seen: string[][] = []
    await withSession(async (session) => {
      const bytes = noise(8, (block) => {
        if (block === 3 || block === 6) host.advanceSeconds(2000)
        seen.push(session.archives.all().map((entry) => entry.name))
      })
      await createArchive(session, streamed('a', bytes))
    })

    const items = await withSession((session) => itemsOf(session, 'a'))
    const sizes = new Map(items)
    expect([...sizes.keys()]).toEqual(['stdin.borg_part_1', 'stdin.borg_part_2', 'stdin.borg_part_3', 'stdin'])
    const parts = items.slice(0, 3).reduce((total, [, size]) => total + (size ?? 0), 0)
    expect(parts).toBe(8 * 32 * 1024)
    expect(sizes.get('stdin')).toBe(8 * 32 * 1024)
    expect(await withSession(async (session) => session.archives.all().map((entry) => entry.name))).toEqual(['a'])
    await requireSound()
    // Every chunk counts once for its part and once for the whole: deleting must take all of them.
    await withSession((session) => deleteArchives(session, ['a']))
    await requireSound()
    await using left = await connectRepository(repository, { access: 'read', host })
    expect(await left.count()).toBe(1)
  })

  test('survive a run that dies, and the next run finds their chunks', async () => {
    await expect(
      withSession((session) => {
        const bytes = noise(8, (block) => {
          if (block === 4) host.advanceSeconds(2000)
          if (block === 7) throw new Error('power cut')
        })
        return createArchive(session, streamed('a', bytes))
      }),
    ).rejects.toThrow('power cut')

    const names = await withSession(async (session) =>
      listArchives(session, { considerCheckpoints: true }).map((entry) => entry.name),
    )
    expect(names).toEqual(['a.checkpoint'])
    await requireSound()
    const { statistics } = await withSession((session) =>
      createArchive(
        session,
        streamed(
          'a',
          noise(8, () => {}),
        ),
      ),
    )
    expect(statistics.deduplicatedSize).toBeLessThan(statistics.compressedSize * 0.6)
    await requireSound()
  })

  test('are what remains when somebody asks to stop', async () => {
    const stop = new AbortController()
    const run: RunOptions = { stopSoon: stop.signal }
    await expect(
      withSession((session) => {
        const bytes = noise(8, (block) => void (block === 4 && stop.abort()))
        return createArchive(session, streamed('a', bytes), run)
      }),
    ).rejects.toThrow('Error: Got Ctrl-C / SIGINT.')

    const names = await withSession(async (session) => session.archives.all().map((entry) => entry.name))
    expect(names).toEqual(['a.checkpoint'])
    await requireSound()
  })
})

describe('stopping at once', () => {
  test('leaves nothing of the run behind', async () => {
    const stop = new AbortController()
    mkdirSync(join(folder, 'source'))
    for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, 'source', name), name.repeat(100))
    const run: RunOptions = {
      signal: stop.signal,
      onEvent: (event) => void (event.type === 'file_status' && stop.abort(new Error('stopped'))),
    }
    const options = { name: 'a', roots: [join(folder, 'source')] }

    await expect(withSession((session) => createArchive(session, options, run))).rejects.toThrow('stopped')

    expect(await withSession(async (session) => session.archives.all())).toEqual([])
    await requireSound()
    await withSession((session) => createArchive(session, options))
    await requireSound()
  })
})

describe('stopping at once does not wait', () => {
  beforeEach(() => {
    // The signals here are the real clock's: the work must give way by that clock too, not by one that stands still.
    host.monotonicMs = () => performance.now()
  })

  test('for the end of a large file', async () => {
    const stop = new AbortController()
    let produced = 0
    const bytes = noise(4000, (block) => {
      produced = block
      if (block === 20) stop.abort(new Error('stopped'))
    })
    const run: RunOptions = { signal: stop.signal }
    mkdirSync(join(folder, 'source'))
    const large = join(folder, 'source', 'large')
    writeFileSync(large, '')
    truncateSync(large, 64 * 1024 ** 3)

    await expect(withSession((session) => createArchive(session, streamed('a', bytes), run))).rejects.toThrow('stopped')
    expect(produced).toBeLessThan(100)

    const later: RunOptions = { signal: AbortSignal.timeout(300) }
    await expect(
      withSession((session) => createArchive(session, { name: 'b', roots: [large] }, later)),
    ).rejects.toThrow('timeout')
    await requireSound()
  }, 60_000)

  test('for the end of a large file that is being read back', async () => {
    await withSession((session) =>
      createArchive(
        session,
        streamed(
          'a',
          noise(40, () => {}),
        ),
      ),
    )
    const stop = new AbortController()
    let received = 0
    const onContent = (): void => {
      received += 1
      stop.abort(new Error('stopped'))
    }
    const reading = withSession((session) => extractArchive(session, 'a', { onContent }, { signal: stop.signal }))
    await expect(reading).rejects.toThrow('stopped')
    expect(received).toBe(1)
  })

  test('for a stream, or a list of roots, that says nothing more', async () => {
    const silent = async function* <T>(first: T): AsyncGenerator<T> {
      yield first
      await new Promise(() => {})
    }
    const soon = (): RunOptions => ({ signal: AbortSignal.timeout(200) })
    const stream = streamed('a', silent(new Uint8Array(10)))
    await expect(withSession((session) => createArchive(session, stream, soon()))).rejects.toThrow('timeout')
    const roots: CreateOptions = { name: 'a', roots: silent(folder), exactPaths: true }
    await expect(withSession((session) => createArchive(session, roots, soon()))).rejects.toThrow('timeout')
    await requireSound()
  })
})

describe('a verb that failed', () => {
  const quiet = (blocks: number): AsyncGenerator<Uint8Array> => noise(blocks, () => {})

  test('leaves nothing that the next one of the session commits', async () => {
    await withSession(async (session) => {
      await createArchive(session, streamed('kept', quiet(4)))
      await createArchive(session, streamed('other', quiet(4)))
      const stop = new AbortController()
      const onArchive = (entry: { name: string }): void =>
        void (entry.name === 'other' && stop.abort(new Error('stop')))
      // The first archive is gone by then, the second half.
      const deleting = deleteArchives(session, ['kept', 'other'], { onArchive }, { signal: stop.signal })
      await expect(deleting).rejects.toThrow('stop')
      expect(session.archives.all().map((entry) => entry.name)).toEqual(['kept', 'other'])

      const half = noise(8, (block) => {
        if (block === 5) throw new Error('half')
      })
      await expect(createArchive(session, streamed('half', half))).rejects.toThrow('half')
      await createArchive(session, streamed('next', quiet(2)))
    })
    expect(await withSession(async (session) => session.archives.all().map((entry) => entry.name))).toEqual([
      'kept',
      'next',
      'other',
    ])
    await requireSound()
    await withSession((session) => deleteArchives(session, ['kept', 'next', 'other']))
    await using left = await connectRepository(repository, { access: 'read', host })
    expect(await left.count()).toBe(1)
  }, 60_000)

  test('does so too when it was the commit that failed', async () => {
    await withSession(async (session) => {
      const commit = session.repository.commit.bind(session.repository)
      session.repository.commit = async () => {
        await session.repository.rollback()
        throw new Error('disk full')
      }
      await expect(createArchive(session, streamed('lost', quiet(2)))).rejects.toThrow('disk full')
      session.repository.commit = commit
      await createArchive(session, streamed('next', quiet(2)))
    })
    expect(await withSession(async (session) => session.archives.all().map((entry) => entry.name))).toEqual(['next'])
    await requireSound()
  })
})

describe('a file that fails after its content was stored', () => {
  test('holds on to none of its chunks', async () => {
    const files = openNodeFileSystem()
    const source = join(folder, 'source')
    mkdirSync(source)
    writeFileSync(join(source, 'unreadable'), new FakeHost({ seed: 5 }).randomBytes(100_000))
    const failing = new Proxy(files, {
      get(target, name) {
        if (name === 'readFlags') {
          return (_place: unknown, stat: { kind: string }) => {
            if (stat.kind === 'file') throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO', errno: -5 })
            return 0
          }
        }
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const events: EngineEvent[] = []
    const open = { access: 'write', passphrase, directories, host, files: failing } as const
    {
      await using session = await openRepository(repository, open)
      const options: CreateOptions = { name: 'a', roots: [source], chunkerParams }
      const result = await createArchive(session, options, { onEvent: (event) => void events.push(event) })
      expect(result.statistics.originalSize).toBe(0)
    }
    expect(events.filter((event) => event.type === 'file_status').map((event) => event.status)).toContain('E')
    await withSession((session) => deleteArchives(session, ['a']))
    await using left = await connectRepository(repository, { access: 'read', host })
    expect(await left.count()).toBe(1)
  })
})

describe('an archive', () => {
  test('that exists is not replaced, whoever asks', async () => {
    await withSession((session) =>
      createArchive(
        session,
        streamed(
          'a',
          noise(1, () => {}),
        ),
      ),
    )
    const again = (): Promise<unknown> =>
      withSession((session) =>
        createArchive(
          session,
          streamed(
            'a',
            noise(1, () => {}),
          ),
        ),
      )
    await expect(again()).rejects.toThrow('Archive a already exists')
  })

  test('fails as a whole when what feeds it failed', async () => {
    const failing = streamed(
      'a',
      noise(2, () => {}),
      {
        beforeSaving: async () => {
          throw new Error('pg_dump exited with status 1')
        },
      },
    )
    await expect(withSession((session) => createArchive(session, failing))).rejects.toThrow('pg_dump')
    expect(await withSession(async (session) => session.archives.all())).toEqual([])
  })

  test('gets another id with another name, and the old name is free again', async () => {
    await withSession((session) =>
      createArchive(
        session,
        streamed(
          'a',
          noise(2, () => {}),
        ),
      ),
    )
    const before = await withSession(async (session) => session.archives.get('a'))
    const after = await withSession((session) => renameArchive(session, 'a', 'b'))
    expect(idKey(after.id)).not.toBe(before === undefined ? '' : idKey(before.id))
    expect(await withSession(async (session) => session.archives.all().map((entry) => entry.name))).toEqual(['b'])
    await expect(withSession((session) => renameArchive(session, 'a', 'c'))).rejects.toThrow('Archive a does not exist')
    await requireSound()
  })
})
