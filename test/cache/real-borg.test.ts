/**
 * borg and we use one cache directory in turn: each finds the other's cache in order, and neither has to synchronise.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { idKey, objectIdFromHex } from '../../src/base/ids.ts'
import { encodeText } from '../../src/base/text.ts'
import { createCacheFiles } from '../../src/cache/cache-files.ts'
import { idHash } from '../../src/crypto/envelope.ts'
import { createArchive } from '../../src/operations/create.ts'
import { deleteArchives } from '../../src/operations/delete.ts'
import { openNodeFileSystem } from '../../src/platform/node-file-system.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import type { WriteSession } from '../../src/session/session.ts'
import { LocalStore } from '../../src/store/local-store.ts'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { listener } from './world.ts'

const borgs = findBorgs()
// Every key mode once is enough: what differs between them is the id hash and the key type.
const modes = ['repokey', 'none', 'repokey-blake2']
const cases = modes.flatMap((mode, i) => {
  const borg = borgs[i % borgs.length]
  return borg === undefined ? [] : [[borg.version, mode, borg] as const]
})

describe.each(cases)('borg %s, %s', (_version, mode, borg) => {
  const world = new BorgWorld()
  const repository = world.path('repository')
  const run = listener()

  beforeAll(() => {
    mkdirSync(world.path('source'))
    for (let i = 0; i < 20; i++) writeFileSync(world.path('source', `file-${i}`), `content ${i % 15}`)
    writeFileSync(world.path('source', 'big'), Buffer.alloc(9_000_000, 'large content '))
    world.must(borg.command, ['init', '-e', mode, repository])
    world.must(borg.command, ['create', `${repository}::first`, world.path('source')])
    // Newer than all others, so that those count as unchanged next time.
    writeFileSync(world.path('source', 'newest'), 'newest')
    world.must(borg.command, ['create', `${repository}::second`, world.path('source')])
  })
  afterAll(() => world.remove())

  async function withSession<T>(use: (session: WriteSession) => Promise<T>): Promise<T> {
    run.events.length = 0
    const session = await openRepository(
      repository,
      { access: 'write', passphrase: world.passphrase, directories: defaultDirectories(world.environment) },
      run,
    )
    try {
      return await use(session)
    } finally {
      await session[Symbol.asyncDispose]()
    }
  }

  /** What was said about the cache. */
  function cacheMessages(): string[] {
    return run.events.flatMap((event) => (event.type === 'log' && event.logger === 'borg.cache' ? [event.message] : []))
  }

  function cacheFolder(): string {
    const caches = world.path('base', '.cache', 'borg')
    const [id] = readdirSync(caches).filter((name) => name.length === 64)
    return `${caches}/${id}`
  }

  function forgetManifest(): void {
    const path = `${cacheFolder()}/config`
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/^manifest = .*$/gm, 'manifest ='))
  }

  /** Content of the chunk cache and of every archive's index, by file name. */
  function countFiles(): Record<string, string> {
    const folder = cacheFolder()
    const names = ['chunks', ...readdirSync(`${folder}/chunks.archive.d`).map((name) => `chunks.archive.d/${name}`)]
    return Object.fromEntries(names.sort().map((name) => [name, readFileSync(`${folder}/${name}`).toString('base64')]))
  }

  test('we find borg’s cache in order: digests fit, nothing to synchronise, files recognised', async () => {
    await withSession(async (session) => {
      const cache = await session.openCache({ files: 'ctime,size,inode' }, run)
      expect(cacheMessages()).toEqual([])
      expect(cache.path).toBe(cacheFolder())
      const files = openNodeFileSystem()
      for (const name of ['file-0', 'file-19', 'big']) {
        const path = encodeText(world.path('source', name))
        const found = cache.files.lookup(idHash(session.key, path), files.lstat(path))
        expect(found).toMatchObject({ known: true, unchanged: true })
        if (found.known && found.unchanged) expect(found.chunks.every((id) => cache.chunks.has(id))).toBe(true)
      }
      await cache[Symbol.asyncDispose]()
    })
  })

  test('borg finds the cache that we rewrote in order', async () => {
    const before = countFiles()
    await withSession(async (session) => {
      const cache = await session.openCache({ files: 'ctime,size,inode' }, run)
      if (session.manifest.id !== undefined) await cache.commit(session.manifest.id)
      await cache[Symbol.asyncDispose]()
    })

    expect(countFiles()).toEqual(before)
    const { stderr } = world.must(borg.command, [
      'create',
      '--list',
      '-v',
      `${repository}::third`,
      world.path('source'),
    ])
    expect(stderr).not.toMatch(/Synchronizing|integrity|corrupt/)
    expect(stderr).toMatch(/^U .*\/big$/m)
    expect(stderr).toMatch(/^U .*\/file-7$/m)
  })

  test('a synchronisation of ours writes what one of borg’s does, byte for byte', async () => {
    rmSync(`${cacheFolder()}/chunks.archive.d`, { recursive: true })
    forgetManifest()
    world.must(borg.command, ['info', repository])
    const borgs = countFiles()
    for (const name of readdirSync(`${cacheFolder()}/chunks.archive.d`))
      rmSync(`${cacheFolder()}/chunks.archive.d/${name}`)
    rmSync(`${cacheFolder()}/chunks`)
    forgetManifest()

    await withSession(async (session) => {
      const cache = await session.openCache({ files: 'disabled' }, run)
      await cache[Symbol.asyncDispose]()
    })

    expect(Object.keys(borgs).length).toBe(1 + 2 * 3)
    expect(countFiles()).toEqual(borgs)
  })

  test('borg synchronises from the archive indexes that we wrote', () => {
    const before = countFiles()
    forgetManifest()

    const { stderr } = world.must(borg.command, ['info', '-v', repository])

    expect(stderr).toContain('Archives: 3, w/ cached Idx: 3, w/ outdated Idx: 0, w/o cached Idx: 0.')
    expect(countFiles()).toEqual(before)
  })

  test('backups and deletions in turn keep one cache true', async () => {
    writeFileSync(world.path('source', 'ours'), 'only in our archive')
    await withSession(async (session) => {
      await createArchive(session, { name: 'ours', roots: [world.path('source')] }, run)
    })
    expect(cacheMessages()).toEqual([])
    writeFileSync(world.path('source', 'theirs'), 'only in their archive')
    const created = world.must(borg.command, ['create', '-v', '--list', `${repository}::theirs`, world.path('source')])
    expect(created.stderr).not.toMatch(/Synchronizing|corrupt/)
    expect(created.stderr).toMatch(/^U .*\/big$/m)
    await withSession(async (session) => {
      await deleteArchives(session, ['first', 'theirs'], {}, run)
    })
    expect(cacheMessages()).toEqual([])
    const deleted = world.must(borg.command, ['delete', '-v', `${repository}::ours`])
    expect(deleted.stderr).not.toMatch(/Synchronizing|corrupt/)

    const counted = readFileSync(`${cacheFolder()}/chunks`)
    await withSession(async (session) => {
      const cache = await session.openCache({ files: 'disabled' }, run)
      const found: Record<string, unknown> = {}
      for (const id of await session.repository.list(10_000)) found[idKey(id)] = cache.chunks.find(id)
      await cache[Symbol.asyncDispose]()
      expect(cacheMessages()).toEqual([])
      forgetManifest()
      const rebuilt = await session.openCache({ files: 'disabled' }, run)
      for (const id of await session.repository.list(10_000)) {
        expect(rebuilt.chunks.find(id), toHex(id)).toEqual(found[idKey(id)])
      }
      // All but the manifest.
      expect(rebuilt.chunks.count).toBe((await session.repository.count()) - 1)
      await rebuilt[Symbol.asyncDispose]()
    })
    expect(counted.length).toBe(statSync(`${cacheFolder()}/chunks`).size)
    world.must(borg.command, ['check', '--verify-data', repository])
  })
})

describe.each(borgs)('borg $version', (borg) => {
  test('uses a cache that we began and never committed', async () => {
    const world = new BorgWorld()
    onTestFinished(() => world.remove())
    world.must(borg.command, ['init', '-e', 'none', 'repository'])
    const [id = ''] = readdirSync(world.path('base', '.cache', 'borg')).filter((name) => name.length === 64)
    const folder = world.path('base', '.cache', 'borg', id)
    rmSync(folder, { recursive: true })
    mkdirSync(folder)
    const directory = new LocalStore(folder)
    await createCacheFiles(directory, objectIdFromHex(id))

    world.must(borg.command, ['create', 'repository::a', 'base/.config'])
    expect(world.must(borg.command, ['info', 'repository']).stderr).toBe('')
  })
})
