import { describe, expect, test } from 'vitest'
import type { Manifest } from '../../src/archive/manifest.ts'
import { toHex } from '../../src/base/bytes.ts'
import { isManifestId, nanoseconds, type ObjectId, storePath } from '../../src/base/ids.ts'
import { decodeText, encodeText } from '../../src/base/text.ts'
import type { Cache } from '../../src/cache/cache.ts'
import { loadConfig, saveConfig } from '../../src/cache/cache-files.ts'
import { type KnownChunk, referencesMax } from '../../src/cache/chunk-cache.ts'
import { openCache } from '../../src/cache/open-cache.ts'
import { idHash } from '../../src/crypto/envelope.ts'
import type { Stat } from '../../src/platform/file-system.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { exploreCrashes } from '../support/explore-crashes.ts'
import { listener, RepositoryWorld } from './world.ts'

const stat: Stat = {
  kind: 'file',
  mode: 0o100644,
  uid: 0,
  gid: 0,
  links: 1,
  device: 1n,
  inode: 5n,
  rawDevice: 0,
  size: 3,
  changed: nanoseconds(100n),
  modified: nanoseconds(100n),
  accessed: nanoseconds(0n),
}
const newer: Stat = { ...stat, changed: nanoseconds(200n) }

async function withCache(
  store: Store,
  world: RepositoryWorld,
  use: (cache: Cache) => Promise<void> | void = () => {},
  options: Parameters<RepositoryWorld['options']>[0] = {},
  run = listener(),
): Promise<ReturnType<typeof listener>> {
  const cache = await openCache(store, world.source, world.options(options), run)
  try {
    await use(cache)
  } finally {
    await cache[Symbol.asyncDispose]()
  }
  return run
}

/** References by hex id. */
function counts(cache: Cache, world: RepositoryWorld): Record<string, number> {
  const found: Record<string, number> = {}
  for (const [hex, stored] of world.objects) {
    const known = cache.chunks.find(idOf(hex))
    if (known === undefined) continue
    found[hex] = known.references
    expect(known.storedSize).toBe(stored.length)
  }
  expect(Object.keys(found).length).toBe(cache.chunks.count)
  return found
}

function idOf(hex: string): ObjectId {
  return Uint8Array.from(Buffer.from(hex, 'hex')) as ObjectId
}

/** What the archives of the world refer to, from a cache that never existed before. */
async function truth(world: RepositoryWorld): Promise<Record<string, number>> {
  let found: Record<string, number> = {}
  await withCache(new MemoryStore(), world, (cache) => {
    found = counts(cache, world)
  })
  return found
}

async function fileNames(store: Store): Promise<string[]> {
  const names: string[] = []
  for (const folder of ['', 'chunks.archive.d', 'txn.active', 'txn.tmp'].map(storePath)) {
    for await (const { path, kind } of store.list(folder)) if (kind === 'file') names.push(path)
  }
  return names.sort()
}

describe('a new cache', () => {
  test('counts what all archives refer to', async () => {
    const world = new RepositoryWorld()
    await world.addArchive('a', ['one', 'two'])
    await world.addArchive('b', ['two', 'three'])

    await withCache(new MemoryStore('/cache/id'), world, (cache) => {
      expect(cache.kind).toBe('local')
      expect(cache.path).toBe('/cache/id')
      const two = idHash(world.key, encodeText('two'))
      expect(cache.chunks.find(two)?.references).toBe(2)
      expect(counts(cache, world)).toEqual(
        Object.fromEntries([...world.objects.keys()].map((hex) => [hex, hex === toHex(two) ? 2 : 1])),
      )
    })
  })

  test('has borg’s files, and no snapshot is left', async () => {
    const world = new RepositoryWorld()
    const archive = toHex(await world.addArchive('a', ['one']))
    const store = new MemoryStore()

    await withCache(store, world)

    expect(await fileNames(store)).toEqual(
      [
        'README',
        `chunks.archive.d/${archive}.compact`,
        `chunks.archive.d/${archive}.compact.integrity`,
        'chunks',
        'config',
        'files',
        'pre12-meta',
      ].sort(),
    )
    expect(decodeText(await store.read(storePath('pre12-meta')))).toBe('{}')
    expect(decodeText(await store.read(storePath('config')))).toMatch(
      /^\[cache\]\nversion = 1\nrepository = (07){32}\nmanifest = [0-9a-f]{64}\nprevious_location = \/srv\/repo\n/,
    )
  })

  test('tells the outer folder that it holds a cache', async () => {
    const world = new RepositoryWorld()
    const outer = new MemoryStore()
    const store = Object.assign(new MemoryStore(), { parent: () => outer })

    await withCache(store, world)

    expect(decodeText(await outer.read(storePath('CACHEDIR.TAG')))).toMatch(
      /^Signature: 8a477f597d28d172789f06886806bc55\n/,
    )
  })

  test('says what it does, in borg’s words', async () => {
    const world = new RepositoryWorld()
    await world.addArchive('a', ['one'])

    const run = await withCache(new MemoryStore(), world)

    expect(run.messages()).toEqual([
      'Synchronizing chunks cache...',
      'Archives: 1, w/ cached Idx: 0, w/ outdated Idx: 0, w/o cached Idx: 1.',
      'Fetching and building archive index for a ...',
      'Merging into master chunks index ...',
      'Done.',
    ])
    const steps = run.events.flatMap((event) =>
      'msgid' in event && 'message' in event ? [`${event.msgid} ${event.message}`] : [],
    )
    expect(steps).toEqual([
      'cache.sync   0% Syncing chunks cache. Processing archive a',
      'cache.sync ',
      'cache.begin_transaction Initializing cache transaction: Reading config',
      'cache.begin_transaction Initializing cache transaction: Reading chunks',
      'cache.begin_transaction Initializing cache transaction: Reading files',
      'cache.begin_transaction ',
      'cache.commit Saving files cache',
      'cache.commit Saving chunks cache',
      'cache.commit Saving cache config',
      'cache.commit ',
    ])
  })
})

describe('opened again', () => {
  test('without a change in the repository nothing is read from it', async () => {
    const world = new RepositoryWorld()
    await world.addArchive('a', ['one'])
    const store = new MemoryStore()
    await withCache(store, world)
    world.reads = 0

    const run = await withCache(store, world, (cache) => expect(cache.chunks.count).toBe(3))

    expect(world.reads).toBe(0)
    expect(run.messages()).toEqual([])
  })

  test('changes without commit are forgotten', async () => {
    const world = new RepositoryWorld()
    await world.addArchive('a', ['one'])
    const store = new MemoryStore()
    await withCache(store, world)

    await withCache(store, world, (cache) => {
      cache.chunks.add(idHash(world.key, encodeText('new')), 3, 3)
      cache.files.remember(idHash(world.key, encodeText('/path')), stat, [])
    })

    await withCache(store, world, (cache) => {
      expect(cache.chunks.count).toBe(3)
      expect(cache.files.lookup(idHash(world.key, encodeText('/path')), stat).known).toBe(false)
    })
  })

  test('a commit keeps chunks and files, and needs no synchronisation', async () => {
    const world = new RepositoryWorld()
    const store = new MemoryStore()
    const path = idHash(world.key, encodeText('/path'))
    const other = idHash(world.key, encodeText('/newest'))

    await withCache(store, world, async (cache) => {
      const chunk = world.put(encodeText('new'))
      cache.chunks.add(chunk.id, chunk.size, chunk.storedSize)
      cache.files.remember(path, stat, [chunk.id])
      cache.files.remember(other, newer, [chunk.id])
      await cache.commit(world.writeManifest())
    })
    world.reads = 0

    await withCache(store, world, (cache) => {
      expect(cache.chunks.count).toBe(1)
      expect(cache.files.lookup(path, stat)).toMatchObject({ known: true, unchanged: true })
      expect(cache.files.lookup(other, newer).known).toBe(false)
    })
    expect(world.reads).toBe(0)
  })

  test('after someone else wrote, only new archives are read, and those gone are dropped', async () => {
    const world = new RepositoryWorld()
    const first = await world.addArchive('a', ['one'])
    await world.addArchive('b', ['two'])
    const store = new MemoryStore()
    await withCache(store, world)
    world.removeArchive('a')
    await world.addArchive('c', ['two', 'three'])
    world.reads = 0

    const run = await withCache(store, world, async (cache) => {
      expect(counts(cache, world)).toEqual(await truth(world))
    })

    expect(run.messages()).toContain('Archives: 2, w/ cached Idx: 1, w/ outdated Idx: 1, w/o cached Idx: 1.')
    expect(run.messages()).toContain('Reading cached archive chunk index for b ...')
    expect(await store.stat(storePath(`chunks.archive.d/${toHex(first)}.compact`))).toBeUndefined()
    expect(await store.stat(storePath(`chunks.archive.d/${toHex(first)}.compact.integrity`))).toBeUndefined()
  })

  test('a damaged index of an archive is built anew', async () => {
    const world = new RepositoryWorld()
    const archive = await world.addArchive('a', ['one'])
    const store = new MemoryStore()
    await withCache(store, world)
    const path = storePath(`chunks.archive.d/${toHex(archive)}.compact`)
    await flip(store, path, 60)
    world.writeManifest()

    const run = await withCache(store, world, async (cache) => {
      expect(counts(cache, world)).toEqual(await truth(world))
    })
    expect(run.events).toContainEqual({
      type: 'warning',
      code: 'GenericWarning',
      args: [expect.stringContaining('Cached archive chunk index of a is corrupted: ')],
    })
    expect(run.messages().filter((message) => message.includes(' for a '))).toEqual([
      'Reading cached archive chunk index for a ...',
      'Fetching and building archive index for a ...',
    ])
  })

  test('is not synchronised where reading takes a feature that we do not have', async () => {
    const world = new RepositoryWorld()
    await world.addArchive('a', ['one'])
    const mandatory = new Map([['mandatory', ['unknown-feature']]])
    world.manifest = { ...world.manifest, config: new Map([['feature_flags', new Map([['read', mandatory]])]]) }

    await expect(withCache(new MemoryStore(), world)).rejects.toMatchObject({ code: 'MandatoryFeatureUnsupported' })
  })

  test('a file in place of the folder says not to keep archive indexes', async () => {
    const world = new RepositoryWorld()
    await world.addArchive('a', ['one'], { unknownSizes: true })
    const store = new MemoryStore()
    await store.write(storePath('chunks.archive.d'), new Uint8Array(0))

    const run = await withCache(store, world, async (cache) => {
      expect(counts(cache, world)).toEqual(await truth(world))
    })

    expect(run.messages()).toContain('Fetching archive index for a ...')
    expect((await store.stat(storePath('chunks.archive.d')))?.kind).toBe('file')
  })

  test('a digest that was not kept up to date by an old borg is not believed', async () => {
    const world = new RepositoryWorld()
    await world.addArchive('a', ['one'])
    const store = new MemoryStore()
    await withCache(store, world)
    const text = decodeText(await store.read(storePath('config')))
    const manifest = toHex(world.writeManifest())
    await store.write(storePath('config'), encodeText(text.replace(/^manifest = .*$/m, `manifest = ${manifest}`)))
    await flip(store, storePath('chunks'), 18)

    const run = await withCache(store, world)

    expect(run.messages()).toContain('Cache integrity data not available: old Borg version modified the cache.')
  })
})

async function flip(store: Store, path: ReturnType<typeof storePath>, at: number): Promise<void> {
  const bytes = await store.read(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await store.write(path, bytes)
}

const rebuilt = 'Discarding incompatible or corrupted cache and forcing a cache rebuild'

describe('a damaged cache', () => {
  test.each([
    ['chunks with a flipped bit', (store: Store) => flip(store, storePath('chunks'), 500)],
    ['no chunks', (store: Store) => store.remove(storePath('chunks'))],
    ['empty chunks', (store: Store) => store.write(storePath('chunks'), new Uint8Array(0))],
  ])('%s: is rebuilt with a warning', async (_, damage) => {
    const world = new RepositoryWorld()
    await world.addArchive('a', ['one'])
    const store = new MemoryStore()
    await withCache(store, world)
    await damage(store)

    const run = await withCache(store, world, async (cache) => {
      expect(counts(cache, world)).toEqual(await truth(world))
    })

    expect(run.messages()[0]).toBe(rebuilt)
    expect(await withCache(store, world).then((next) => next.messages())).toEqual([])
  })

  test.each([
    ['no', async (store: Store) => await store.remove(storePath('config'))],
    ['an empty', async (store: Store) => await store.write(storePath('config'), new Uint8Array(0))],
    ['a garbled', async (store: Store) => await store.write(storePath('config'), encodeText('x'))],
  ])('%s config: is made anew', async (_, damage) => {
    const world = new RepositoryWorld()
    await world.addArchive('a', ['one'])
    const store = new MemoryStore()
    await withCache(store, world)
    await damage(store)

    await withCache(store, world, async (cache) => {
      expect(counts(cache, world)).toEqual(await truth(world))
    })
  })

  test('a config of a later version is left alone', async () => {
    const world = new RepositoryWorld()
    const store = new MemoryStore()
    const text = '[cache]\nversion = 2\n\n'
    await store.write(storePath('config'), encodeText(text))

    await expect(openCache(store, world.source, world.options(), listener())).rejects.toMatchObject({ code: 'Error' })
    expect(decodeText(await store.read(storePath('config')))).toBe(text)
    expect(await store.owners(storePath('lock.exclusive'))).toEqual([])
  })

  test('files with a flipped bit: warned about and empty, chunks untouched', async () => {
    const world = new RepositoryWorld()
    const store = new MemoryStore('/cache/id')
    const path = idHash(world.key, encodeText('/path'))
    await withCache(store, world, async (cache) => {
      cache.files.remember(path, stat, [])
      cache.files.remember(idHash(world.key, encodeText('/newest')), newer, [])
      await cache.commit(world.writeManifest())
    })
    await flip(store, storePath('files'), 5)
    world.reads = 0

    const run = await withCache(store, world, (cache) => {
      expect(cache.files.lookup(path, stat).known).toBe(false)
    })

    expect(run.messages()).toEqual([
      'The files cache is corrupted. [File failed integrity check: /cache/id/files]',
      'Continuing without files cache - expect lower performance.',
    ])
    expect(world.reads).toBe(0)
  })

  test('made for features we do not know: rebuilt', async () => {
    const world = new RepositoryWorld()
    await world.addArchive('a', ['one'])
    const store = new MemoryStore()
    await withCache(store, world)
    const config = await loadConfig(store)
    config?.setFeatures({ ignored: [], mandatory: ['levitation'] })
    if (config !== undefined) await saveConfig(store, config)

    const run = await withCache(store, world, async (cache) => {
      expect(counts(cache, world)).toEqual(await truth(world))
    })

    expect(run.messages()).toContain(rebuilt)
    expect((await loadConfig(store))?.mandatoryFeatures).toEqual([])
  })
})

describe('files cache options', () => {
  test('with mode disabled the file and its digest are left as they are', async () => {
    const world = new RepositoryWorld()
    const store = new MemoryStore()
    const path = idHash(world.key, encodeText('/path'))
    await withCache(store, world, async (cache) => {
      cache.files.remember(path, stat, [])
      cache.files.remember(idHash(world.key, encodeText('/newest')), newer, [])
      await cache.commit(world.writeManifest())
    })
    const before = await store.read(storePath('files'))

    await withCache(store, world, async (cache) => await cache.commit(world.writeManifest()), { files: 'disabled' })

    expect(await store.read(storePath('files'))).toEqual(before)
    await withCache(store, world, (cache) => expect(cache.files.lookup(path, stat).known).toBe(true))
  })

  test('a suffix makes a cache of its own, checked also when it has capitals', async () => {
    const world = new RepositoryWorld()
    const store = new MemoryStore()
    const path = idHash(world.key, encodeText('/path'))
    await withCache(
      store,
      world,
      async (cache) => {
        cache.files.remember(path, stat, [])
        cache.files.remember(idHash(world.key, encodeText('/newest')), newer, [])
        await cache.commit(world.writeManifest())
      },
      { filesSuffix: 'Nightly' },
    )

    await withCache(store, world, (cache) => expect(cache.files.lookup(path, stat).known).toBe(false))
    await withCache(store, world, (cache) => expect(cache.files.lookup(path, stat).known).toBe(true), {
      filesSuffix: 'Nightly',
    })
    await flip(store, storePath('files.Nightly'), 5)
    const run = await withCache(store, world, () => {}, { filesSuffix: 'Nightly' })
    expect(run.messages()[0]).toContain('The files cache is corrupted.')
  })
})

describe('without synchronisation', () => {
  test('a stale cache is replaced by the list of objects, and stays as stale as it was', async () => {
    const world = new RepositoryWorld()
    await world.addArchive('a', ['one'])
    const store = new MemoryStore()
    await withCache(store, world)
    await world.addArchive('b', ['two'])
    const before = await store.read(storePath('config'))
    let known = ''

    const run = await withCache(
      store,
      world,
      async (cache) => {
        expect(cache.kind).toBe('ad-hoc')
        expect(cache.chunks.count).toBe(world.objects.size)
        const chunk = cache.chunks.find(idHash(world.key, encodeText('two')))
        expect(chunk).toEqual({ references: referencesMax, size: 0, storedSize: 0 })
        expect(cache.chunks.find(new Uint8Array(32) as ObjectId)).toBeUndefined()
        expect(await cache.statistics()).toMatchObject({
          totalSize: 6,
          uniqueSize: 0,
          uniqueChunks: world.objects.size,
        })
        await cache.commit(world.writeManifest())
        known = (await world.security.manifestTimestamp()) ?? ''
      },
      { noSync: true },
    )

    expect(run.messages()).toContain('Note: --no-cache-sync is an experimental feature.')
    expect(await store.read(storePath('config'))).toEqual(before)
    expect(known).toBe(world.manifest.timestamp)
    expect(await store.owners(storePath('lock.exclusive'))).toEqual([])
  })

  test('a fresh cache is used as it is', async () => {
    const world = new RepositoryWorld()
    const store = new MemoryStore()
    await withCache(store, world)

    await withCache(store, world, (cache) => expect(cache.kind).toBe('local'), { noSync: true })
  })
})

describe('statistics', () => {
  test('sum the archives’ own totals and the chunks', async () => {
    const world = new RepositoryWorld('none')
    await world.addArchive('a', ['one', 'three'])
    await world.addArchive('b', ['one'])

    await withCache(new MemoryStore(), world, async (cache) => {
      const stored = [...world.objects.values()].reduce((sum, bytes) => sum + bytes.length, 0)
      expect(await cache.statistics()).toMatchObject({
        totalSize: 11,
        uniqueStoredSize: stored,
        uniqueChunks: world.objects.size,
        totalChunks: world.objects.size + 1,
      })
    })
  })

  test('of archives without totals are counted once and then remembered', async () => {
    const world = new RepositoryWorld('none')
    await world.addArchive('old', ['one', 'three'], { totals: false })
    const store = new MemoryStore()
    await withCache(store, world, async (cache) => {
      expect(await cache.statistics()).toMatchObject({ totalSize: 8 })
    })
    world.reads = 0

    await withCache(store, world, async (cache) => {
      expect(await cache.statistics()).toMatchObject({ totalSize: 8 })
    })

    expect(world.reads).toBe(0)
    expect(decodeText(await store.read(storePath('pre12-meta')))).toMatch(
      /^\{"[0-9a-f]{64}": \{"size": 8, "csize": \d+, "nfiles": 2, "size_parts": 0, "csize_parts": 0, "nfiles_parts": 0\}\}$/,
    )
  })
})

test('a second opener has to wait for the first', async () => {
  const world = new RepositoryWorld()
  const store = new MemoryStore()

  await withCache(store, world, async () => {
    const second = openCache(store, world.source, world.options({ lockWaitSeconds: 0 }), listener())
    await expect(second).rejects.toMatchObject({ code: 'LockTimeout' })
  })
  await withCache(store, world)
})

test('the security directory is told of every commit', async () => {
  const world = new RepositoryWorld()

  await withCache(new MemoryStore(), world, async (cache) => await cache.commit(world.writeManifest()))

  expect(await world.security.manifestTimestamp()).toBe(world.manifest.timestamp)
  expect(await world.security.location()).toBe('/srv/repo')
})

test('a commit that failed half-way can be repeated', async () => {
  const world = new RepositoryWorld()
  const store = new MemoryStore()
  await withCache(store, world, async (cache) => {
    const chunk = world.put(encodeText('new'))
    cache.chunks.add(chunk.id, chunk.size, chunk.storedSize)
    const manifest = world.writeManifest()
    const write = store.write.bind(store)
    store.write = async (path, content) => {
      if (path === 'config') throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
      await write(path, content)
    }
    await expect(cache.commit(manifest)).rejects.toThrow('no space')
    store.write = write

    await cache.commit(manifest)
  })
  world.reads = 0

  await withCache(store, world, (cache) => expect(cache.chunks.count).toBe(1))
  expect(world.reads).toBe(0)
  expect((await fileNames(store)).filter((name) => name.startsWith('txn'))).toEqual([])
})

describe('after a crash anywhere', () => {
  // One world for all crash points: the scenario itself must not add to it, or the points would differ.
  const world = new RepositoryWorld()
  const path = idHash(world.key, encodeText('/path'))

  async function survives(store: Store, expected: Record<string, number>): Promise<void> {
    await withCache(
      store,
      world,
      (cache) => {
        expect(counts(cache, world)).toEqual(expected)
        const remembered = cache.files.lookup(path, stat)
        if (remembered.known && remembered.unchanged)
          expect(remembered.chunks.every((id) => !isManifestId(id))).toBe(true)
      },
      { lockWaitSeconds: 0 },
    )
    // And the next one finds a cache in order: no snapshot, nothing to synchronise.
    const run = await withCache(store, world)
    expect(run.messages()).toEqual([])
    expect((await fileNames(store)).filter((name) => name.startsWith('txn'))).toEqual([])
  }

  test('of the first synchronisation the cache ends up telling the truth', async () => {
    await world.addArchive('a', ['one', 'two'])
    const expected = await truth(world)

    const verified = await exploreCrashes({
      scenario: async (store) => {
        await withCache(store, world, () => {}, { lockWaitSeconds: 0 })
      },
      verify: async (store) => {
        await breakClaims(store)
        await survives(store, expected)
      },
      seeds: 3,
    })

    expect(verified).toBeGreaterThan(50)
  })

  test('of a commit the cache ends up telling the truth', async () => {
    const prepared = world.manifest
    await world.addArchive('b', ['two', 'three'])
    const written = world.manifest
    const chunks = await knownChunks(world)
    const expected = await truth(world)
    const at = (manifest: Manifest): void => {
      world.forgetSecurity()
      world.manifest = manifest
    }

    const verified = await exploreCrashes({
      prepare: async (store) => {
        at(prepared)
        await withCache(store, world)
      },
      scenario: async (store) => {
        at(prepared)
        const cache = await openCache(store, world.source, world.options({ lockWaitSeconds: 0 }), listener())
        try {
          // As a backup does: the cache learns of new chunks, the repository commits, then the cache.
          for (const { id, references, size, storedSize } of chunks) {
            const now = cache.chunks.find(id)?.references ?? 0
            for (let i = now; i < references; i++) cache.chunks.add(id, size, storedSize)
          }
          cache.files.remember(path, stat, [idHash(world.key, encodeText('two'))])
          cache.files.remember(idHash(world.key, encodeText('/newest')), newer, [])
          world.manifest = written
          if (written.id !== undefined) await cache.commit(written.id)
        } finally {
          world.manifest = written
          await cache[Symbol.asyncDispose]()
        }
      },
      verify: async (store) => {
        at(written)
        await breakClaims(store)
        await survives(store, expected)
      },
      seeds: 5,
    })

    expect(verified).toBeGreaterThan(50)
  })
})

interface CountedChunk extends KnownChunk {
  readonly id: ObjectId
}

async function knownChunks(world: RepositoryWorld): Promise<readonly CountedChunk[]> {
  const chunks: CountedChunk[] = []
  await withCache(new MemoryStore(), world, (cache) => {
    for (const hex of world.objects.keys()) {
      const known = cache.chunks.find(idOf(hex))
      if (known !== undefined) chunks.push({ id: idOf(hex), ...known })
    }
  })
  return chunks
}

/** The process that died held the lock; its successor would find out that it is dead. */
async function breakClaims(store: Store): Promise<void> {
  const claim = storePath('lock.exclusive')
  for (const owner of await store.owners(claim)) await store.unclaim(claim, owner)
}
