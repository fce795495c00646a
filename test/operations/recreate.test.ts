import { linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { EngineEvent, RunOptions } from '../../src/base/events.ts'
import type { Item } from '../../src/archive/item.ts'
import { checkArchives, checkRepository } from '../../src/operations/check.ts'
import { createArchive } from '../../src/operations/create.ts'
import { extractArchive } from '../../src/operations/extract.ts'
import { initRepository } from '../../src/operations/init.ts'
import { listItems } from '../../src/operations/list.ts'
import { openArchive } from '../../src/operations/open-archive.ts'
import { recreateAllArchives, recreateArchive } from '../../src/operations/recreate.ts'
import type { Pattern } from '../../src/patterns/pattern.ts'
import { connectRepository } from '../../src/session/connect.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import type { WriteSession } from '../../src/session/session.ts'
import { FakeHost } from '../support/fake-host.ts'
import { tempFolder } from '../support/temp-folder.ts'

const passphrase = 'correct horse'
const small = { algorithm: 'buzhash', minExponent: 10, maxExponent: 16, maskBits: 12, windowSize: 4095 } as const
const blocks = { algorithm: 'fixed', blockSize: 4096, headerSize: 0 } as const

let folder: string
let tree: string
let repository: string
let host: FakeHost
let directories: ReturnType<typeof defaultDirectories>

beforeEach(async () => {
  folder = tempFolder()
  tree = join(folder, 'tree')
  repository = join(folder, 'repository')
  host = new FakeHost()
  directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)
  await initRepository(repository, { encryption: 'repokey', passphrase, directories, host })
  file('one/text', 'a line\n'.repeat(10_000))
  file('two/noise', host.randomBytes(100_000))
  await withSession((session) => createArchive(session, { name: 'a', roots: [tree], chunkerParams: small }))
})

function file(name: string, content: string | Uint8Array): void {
  mkdirSync(join(tree, name, '..'), { recursive: true })
  writeFileSync(join(tree, name), content)
}

const archived = (name: string): string => join(tree, name).slice(1)

async function withSession<T>(work: (session: WriteSession) => Promise<T>, compression = 'lz4'): Promise<T> {
  await using session = await openRepository(repository, {
    access: 'write',
    passphrase,
    directories,
    host,
    compression,
  })
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

async function itemsOf(session: WriteSession, name: string): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of listItems(session, name, { considerPartFiles: true })) items.push(item)
  return items
}

async function namesIn(session: WriteSession): Promise<string[]> {
  return session.archives.all().map((entry) => entry.name)
}

async function contentOf(session: WriteSession, name: string, path: string): Promise<Buffer> {
  const parts: Uint8Array[] = []
  const pattern = { style: 'pp', text: path, verdict: 'include', isPathArgument: true } as const
  const onContent = (plain: Uint8Array): void => void parts.push(Uint8Array.from(plain))
  await extractArchive(session, name, { patterns: [pattern], onContent })
  return Buffer.concat(parts)
}

/** References of chunks we remember, as a count that no release or repeated reference can leave unchanged. */
async function references(session: WriteSession): Promise<number> {
  await using cache = await session.openCache({ files: 'disabled' })
  return cache.chunks.sums().references
}

const without = (path: string): Pattern => ({
  style: 'fm',
  text: archived(path),
  verdict: 'exclude',
  isPathArgument: false,
})

describe('an archive recreated', () => {
  test('lacks what rules leave out, keeps its times, and what only it had is gone', async () => {
    const before = await withSession(async (session) => (await openArchive(session, 'a')).metadata)
    host.advanceSeconds(1000)

    const result = await withSession((session) =>
      recreateArchive(session, 'a', { patterns: [without('two')], commandLine: ['tsborg', 'recreate'] }),
    )

    expect(result.kind).toBe('recreated')
    await withSession(async (session) => {
      const { metadata } = await openArchive(session, 'a')
      const { start, end, commandLine, comment, chunkerParams } = before
      expect(metadata).toMatchObject({ start, end, commandLine, comment, chunkerParams, name: 'a' })
      expect(metadata.recreateCommandLine).toEqual(['tsborg', 'recreate'])
      expect((await itemsOf(session, 'a')).some((item) => item.path.endsWith('noise'))).toBe(false)
      expect(await namesIn(session)).toEqual(['a'])
    })
    await requireSound()
  })

  test('under a name of its own leaves the old one as it is', async () => {
    await withSession(async (session) => {
      const before = session.archives.get('a')

      await recreateArchive(session, 'a', { target: 'b' })

      expect(session.archives.get('a')).toEqual(before)
      expect(await itemsOf(session, 'b')).toEqual(await itemsOf(session, 'a'))
    })
    await requireSound()
  })

  test('takes no reference and leaves none too many', async () => {
    await withSession(async (session) => {
      const before = await references(session)
      await recreateArchive(session, 'a', { comment: 'other' })
      expect(await references(session)).toBe(before)
    })
  })

  test('is compressed as the session is, where it was not; always means always', async () => {
    const text = Buffer.from('a line\n'.repeat(10_000))
    const sizes = (items: readonly Item[]): number[] =>
      items.flatMap((item) => (item.chunks ?? []).map((chunk) => chunk.storedSize))
    const original = await withSession(async (session) => sizes(await itemsOf(session, 'a')))
    const recreated = (compression: string, recompress: 'if-different' | 'always'): Promise<number[]> =>
      withSession(async (session) => {
        await recreateArchive(session, 'a', { recompress })
        expect(await contentOf(session, 'a', archived('one/text'))).toEqual(text)
        return sizes(await itemsOf(session, 'a'))
      }, compression)

    expect(await recreated('lz4', 'if-different')).toEqual(original)
    const fast = await recreated('zlib,1', 'if-different')
    expect(fast).not.toEqual(original)
    expect(await recreated('zlib,9', 'if-different')).toEqual(fast)
    expect(await recreated('zlib,9', 'always')).not.toEqual(fast)
    await requireSound()
  })

  test('reads and compresses a chunk once, however often files and archives have it', async () => {
    const block = host.randomBytes(blocks.blockSize)
    file('three/repeated', Buffer.concat(Array<Uint8Array>(10).fill(block)))
    await withSession(async (session) => {
      await recreateArchive(session, 'a', { target: 'b' })
      host.advanceSeconds(10)
      await createArchive(session, { name: 'c', roots: [join(tree, 'three')], chunkerParams: blocks })
    })

    const stored = await withSession(async (session) => {
      const puts: number[] = []
      const { put } = session.repository
      session.repository.put = async (id, bytes) => {
        puts.push(bytes.length)
        await put.call(session.repository, id, bytes)
      }
      const sizes: number[] = []
      const onResult = (): void => void sizes.push(puts.splice(0).length)
      await recreateAllArchives(session, { recompress: 'always', onResult })
      return sizes
    }, 'none')

    const [first = 0, second = 0, third = 0] = stored
    expect(first).toBeGreaterThan(10)
    // Items, record, manifest; and one block.
    expect(second).toBeLessThan(6)
    expect(third).toBeLessThan(6)
    await requireSound()
  })

  test('is cut anew only with parameters that differ', async () => {
    await withSession(async (session) => {
      expect(await recreateArchive(session, 'a', { chunkerParams: small })).toEqual({ kind: 'nothing-to-do' })

      await recreateArchive(session, 'a', { chunkerParams: blocks })

      const items = await itemsOf(session, 'a')
      const noise = items.find((item) => item.path === archived('two/noise'))
      expect(noise?.chunks?.map((chunk) => chunk.size)).toEqual([...Array(24).fill(4096), 100_000 % 4096])
      expect((await openArchive(session, 'a')).metadata.chunkerParams).toEqual(['fixed', 4096, 0])
    })
    await requireSound()
  })

  test('keeps what a repair wrote down of lost content', async () => {
    const noise = archived('two/noise')
    const find = async (session: WriteSession): Promise<Item | undefined> =>
      (await itemsOf(session, 'a')).find((item) => item.path === noise)
    await withSession(async (session) => {
      const lost = (await find(session))?.chunks?.[1]
      if (lost !== undefined) await session.repository.delete(lost.id)
      await session.repository.commit()
    })
    {
      await using connected = await connectRepository(repository, { access: 'write', host })
      await checkArchives(connected, { access: 'write', passphrase, directories, host }, { repair: true })
    }

    await withSession(async (session) => {
      const repaired = await find(session)
      await recreateArchive(session, 'a', { chunkerParams: blocks })

      expect(repaired?.chunksHealthy).toBeDefined()
      expect(await find(session)).toEqual(repaired)
    })
    await requireSound()
  })

  test('has the content of a first name that is left out in the next one', async () => {
    file('links/first', 'linked content')
    linkSync(join(tree, 'links/first'), join(tree, 'later'))
    linkSync(join(tree, 'links/first'), join(tree, 'zlast'))
    await withSession(async (session) => {
      await createArchive(session, {
        name: 'b',
        roots: [join(tree, 'links'), join(tree, 'later'), join(tree, 'zlast')],
      })

      await recreateArchive(session, 'b', { patterns: [without('links')] })

      const [later, last] = await itemsOf(session, 'b')
      expect([later?.path, later?.source]).toEqual([archived('later'), undefined])
      expect(last).toMatchObject({ path: archived('zlast'), source: archived('later') })
      expect((await contentOf(session, 'b', archived('later'))).toString()).toBe('linked content')
    })
    await requireSound()
  })

  test('takes the name of a tagged folder as it is, also where it looks like a pattern', async () => {
    file('a*/tag', '')
    file('a*/left out', 'x')
    file('ab/kept', 'x')
    await withSession(async (session) => {
      await createArchive(session, { name: 'b', roots: [tree] })

      await recreateArchive(session, 'b', { excludeIfPresent: ['tag'], keepExcludeTags: true })

      const paths = (await itemsOf(session, 'b')).map((item) => item.path as string)
      expect(paths).toEqual(expect.arrayContaining([archived('a*'), archived('a*/tag'), archived('ab/kept')]))
      expect(paths).not.toContain(archived('a*/left out'))
    })
  })
})

describe('recreating', () => {
  const recompressing = { recompress: 'always', checkpointSeconds: 100 } as const

  test('saves what it has rewritten as checkpoints, whose parts the next recreation drops', async () => {
    const names = new Set<string>()
    await withSession(async (session) => {
      const onEvent = (event: EngineEvent): void => {
        for (const { name } of session.archives.all()) names.add(name)
        if (event.type === 'archive_progress') host.advanceSeconds(60)
      }
      await recreateArchive(session, 'a', recompressing, { onEvent })
      expect((await itemsOf(session, 'a')).some((item) => item.part !== undefined)).toBe(true)
      expect(await namesIn(session)).toEqual(['a'])
    }, 'none')
    await requireSound()

    await withSession(async (session) => {
      await recreateArchive(session, 'a', { comment: 'without parts' })
      expect((await itemsOf(session, 'a')).some((item) => item.part !== undefined)).toBe(false)
    })
    await requireSound()
  })

  async function interrupted(options: Parameters<typeof recreateArchive>[2], run: RunOptions): Promise<unknown> {
    return await withSession(async (session) => {
      const before = session.archives.get('a')
      const error = await recreateArchive(session, 'a', options, run).catch((failure: unknown) => failure)
      expect(session.archives.get('a')).toEqual(before)
      return error
    }, 'none')
  }

  test('stops when asked to: the old archive stays, and what was rewritten is found in a checkpoint', async () => {
    const soon = new AbortController()
    const onEvent = (event: EngineEvent): void => {
      if (event.type === 'file_status' && event.path.endsWith('noise')) soon.abort()
    }

    const error = await interrupted(recompressing, { onEvent, stopSoon: soon.signal })

    expect(error).toMatchObject({ code: 'Error', args: ['Got Ctrl-C / SIGINT.'] })
    expect(await withSession(namesIn)).toEqual(['a', 'a.recreate.checkpoint'])
    await requireSound()
  })

  test('leaves no checkpoint where no content is rewritten', async () => {
    const error = await interrupted({ comment: 'new' }, { stopSoon: AbortSignal.abort() })

    expect(error).toMatchObject({ code: 'Error' })
    expect(await withSession(namesIn)).toEqual(['a'])
    await requireSound()
  })

  test.each([recompressing, { chunkerParams: blocks }, { patterns: [] as Pattern[], comment: 'x' }])(
    'that is aborted, with %o, leaves nothing that the next verb commits',
    async (options) => {
      const now = new AbortController()
      const onEvent = (event: EngineEvent): void => {
        if (event.type === 'file_status' && event.path.endsWith('noise')) now.abort(new Error('stop now'))
      }

      expect(await interrupted(options, { onEvent, signal: now.signal })).toMatchObject({ message: 'stop now' })

      await withSession((session) => recreateArchive(session, 'a', { comment: 'later' }))
      await requireSound()
    },
  )

  test('previews without changing anything', async () => {
    const seen: string[] = []
    const onEvent = (event: EngineEvent): void => {
      if (event.type === 'file_status') seen.push(`${event.status} ${event.path}`)
    }
    await withSession(async (session) => {
      const before = session.archives.all()
      const options = { patterns: [without('two')], dryRun: true }

      expect(await recreateArchive(session, 'a', options, { onEvent })).toEqual({ kind: 'previewed' })

      expect(session.archives.all()).toEqual(before)
    })
    expect(seen).toContain(`x ${archived('two/noise')}`)
    expect(seen).toContain(`- ${archived('one/text')}`)
  })

  test('refuses names that are taken, and archives an interrupted borg left', async () => {
    await withSession(async (session) => {
      await recreateArchive(session, 'a', { target: 'left.recreate' })
      const refused = (name: string, target?: string): Promise<unknown> =>
        recreateArchive(session, name, { comment: 'x', target }).catch((error: unknown) => error)

      expect(await refused('left.recreate')).toMatchObject({ code: 'CommandError' })
      expect(await refused('a', 'left.recreate')).toMatchObject({ code: 'Archive.AlreadyExists' })
      expect(await refused('none')).toMatchObject({ code: 'Archive.DoesNotExist' })
      const done: string[] = []
      await recreateAllArchives(session, { comment: 'all', onArchive: ({ name }) => void done.push(name) })
      expect(done).toEqual(['a'])
    })
  })
})
