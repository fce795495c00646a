import { describe, expect, test } from 'vitest'
import { decodeText } from '../../src/base/text.ts'
import { objectId, storePath } from '../../src/base/ids.ts'
import { CacheConfig } from '../../src/cache/cache-config.ts'
import { loadConfig, saveConfig } from '../../src/cache/cache-files.ts'
import { assertSecure, checkSecurity, type RepositoryFacts, SecurityDirectory } from '../../src/cache/security.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { loadFixture } from '../support/vectors.ts'
import { listener } from './world.ts'

const repositoryId = objectId(new Uint8Array(32).fill(7))
const facts: RepositoryFacts = {
  location: '/srv/repo',
  mode: 'repokey',
  logicallyEncrypted: true,
  manifestTimestamp: '2026-11-23T09:56:56.808414',
}

async function knowing(known: RepositoryFacts = facts): Promise<SecurityDirectory> {
  const security = new SecurityDirectory(new MemoryStore())
  await security.save(known)
  return security
}

function configOf(more: { location?: string; timestamp?: string; keyType?: number } = {}): CacheConfig {
  const config = CacheConfig.create(repositoryId)
  config.setLocation(more.location ?? facts.location)
  config.setManifest({
    id: repositoryId,
    timestamp: more.timestamp ?? facts.manifestTimestamp ?? '',
    keyType: more.keyType ?? 3,
  })
  return config
}

test.each(['1.2.4', '1.4.5'])('the files are those of borg %s', async (version) => {
  const { real_cache_dirs } = loadFixture<{
    real_cache_dirs: Record<string, { security_dir_files: Record<string, string> }>
  }>('vectors/cache.json')
  const files = real_cache_dirs[version]?.security_dir_files ?? {}
  const store = new MemoryStore()
  const security = new SecurityDirectory(store)

  await security.save({
    location: files['location'] ?? '',
    mode: 'repokey',
    logicallyEncrypted: true,
    manifestTimestamp: files['manifest-timestamp'] ?? '',
  })
  await security.requireTam()
  await security.nonceLedger().reserve(BigInt(`0x${files['nonce']}`), undefined)

  const written: Record<string, string> = {}
  for await (const { path } of store.list(storePath(''))) written[path] = decodeText(await store.read(path))
  expect(written).toEqual(files)
})

describe('an unknown repository', () => {
  test('that is encrypted is remembered without a word', async () => {
    const security = new SecurityDirectory(new MemoryStore())
    const run = listener()

    await assertSecure(security, facts, undefined, run)

    expect(run.questions).toEqual([])
    expect(run.events).toEqual([
      expect.objectContaining({ message: 'security: repository checks ok, allowing access' }),
    ])
    expect(await security.location()).toBe('/srv/repo')
    expect(await security.keyType()).toBe('3')
    expect(await security.manifestTimestamp()).toBe(facts.manifestTimestamp)
  })

  test('that is not logically encrypted is asked about, and remembered only on yes', async () => {
    const security = new SecurityDirectory(new MemoryStore())
    const plain: RepositoryFacts = { ...facts, mode: 'none', logicallyEncrypted: false }
    const run = listener(false)

    const refused = assertSecure(security, plain, undefined, run)

    await expect(refused).rejects.toMatchObject({ code: 'Cache.CacheInitAbortedError' })
    expect(run.questions).toEqual([
      {
        msgid: 'BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK',
        text: 'Warning: Attempting to access a previously unknown unencrypted repository!\nDo you want to continue? [yN] ',
      },
    ])
    expect(await security.known()).toBe(false)
    await assertSecure(security, plain, undefined, listener(true))
    await assertSecure(security, plain, undefined, listener(false))
    expect(await security.known()).toBe(true)
  })

  test('without anyone to ask is refused', async () => {
    const plain: RepositoryFacts = { ...facts, logicallyEncrypted: false }
    const refused = assertSecure(new SecurityDirectory(new MemoryStore()), plain, undefined, {})

    await expect(refused).rejects.toMatchObject({ code: 'Cache.CacheInitAbortedError' })
  })
})

describe('a repository somewhere else', () => {
  const moved: RepositoryFacts = { ...facts, location: '/srv/elsewhere' }

  test('is asked about; yes is remembered at once', async () => {
    const security = await knowing()
    const run = listener()

    await assertSecure(security, moved, undefined, run)

    expect(run.questions.map(({ text }) => text)).toEqual([
      'Warning: The repository at location /srv/elsewhere was previously located at /srv/repo\nDo you want to continue? [yN] ',
    ])
    expect(await security.location()).toBe('/srv/elsewhere')
  })

  test('is refused on no, and nothing is changed', async () => {
    const security = await knowing()

    const refused = assertSecure(security, moved, undefined, listener(false))

    await expect(refused).rejects.toMatchObject({ code: 'Cache.RepositoryAccessAborted' })
    expect(await security.location()).toBe('/srv/repo')
  })

  test('the cache is believed before the security directory about where it was', async () => {
    const security = await knowing()
    const config = configOf({ location: '/srv/elsewhere' })

    expect(await assertSecure(security, moved, config, listener(false))).toBe(false)
    const back = assertSecure(security, facts, config, listener(false))
    await expect(back).rejects.toMatchObject({ code: 'Cache.RepositoryAccessAborted' })
    expect(await assertSecure(security, facts, config, listener(true))).toBe(true)
    expect(config.previousLocation).toBe('/srv/repo')
  })
})

describe('another key type', () => {
  test('than the security directory knows is refused', async () => {
    const refused = assertSecure(await knowing(), { ...facts, mode: 'repokey-blake2' }, undefined, listener())

    await expect(refused).rejects.toMatchObject({ code: 'Cache.EncryptionMethodMismatch' })
  })

  test('than the cache knows is refused', async () => {
    const refused = assertSecure(await knowing(), facts, configOf({ keyType: 5 }), listener())

    await expect(refused).rejects.toMatchObject({ code: 'Cache.EncryptionMethodMismatch' })
  })
})

describe('an older manifest than seen before', () => {
  const older: RepositoryFacts = { ...facts, manifestTimestamp: '2026-11-23T09:56:56.808413' }

  test('is a replay', async () => {
    const refused = assertSecure(await knowing(), older, undefined, listener())

    await expect(refused).rejects.toMatchObject({ code: 'Cache.RepositoryReplay' })
  })

  test('of an unencrypted repository is more likely a copy', async () => {
    const plain: RepositoryFacts = { ...facts, mode: 'none' }

    const refused = assertSecure(await knowing(plain), { ...older, mode: 'none' }, undefined, listener())

    await expect(refused).rejects.toMatchObject({ code: 'Cache.RepositoryIDNotUnique' })
  })

  test('is noticed by the cache alone, too', async () => {
    const security = await knowing(older)

    const refused = assertSecure(security, older, configOf(), listener())

    await expect(refused).rejects.toMatchObject({ code: 'Cache.RepositoryReplay' })
  })

  test('the same or a newer one is fine', async () => {
    await assertSecure(await knowing(), facts, configOf(), listener(false))
    await assertSecure(await knowing(older), facts, undefined, listener(false))
  })
})

describe('beside a cache', () => {
  const lock = { lockWaitSeconds: 0, host: new FakeHost() } as const

  test('that does not exist, none is made', async () => {
    const cache = new MemoryStore()

    await checkSecurity(await knowing(), facts, cache, lock, listener())

    expect(await cache.root()).toBe('empty')
  })

  test('a confirmed move is written into its config, and its lock is released', async () => {
    const cache = new MemoryStore()
    await saveConfig(cache, configOf())

    await checkSecurity(await knowing(), { ...facts, location: '/srv/elsewhere' }, cache, lock, listener())

    expect((await loadConfig(cache))?.previousLocation).toBe('/srv/elsewhere')
    expect(await cache.owners(storePath('lock.exclusive'))).toEqual([])
  })

  test('its lock is released after a refusal, and its config unchanged', async () => {
    const cache = new MemoryStore()
    await saveConfig(cache, configOf())

    const refused = checkSecurity(await knowing(), { ...facts, location: '/x' }, cache, lock, listener(false))

    await expect(refused).rejects.toMatchObject({ code: 'Cache.RepositoryAccessAborted' })
    expect((await loadConfig(cache))?.previousLocation).toBe('/srv/repo')
    expect(await cache.owners(storePath('lock.exclusive'))).toEqual([])
  })

  test('somebody else’s lock is waited for in vain', async () => {
    const cache = new MemoryStore()
    await saveConfig(cache, configOf())
    await cache.claim(storePath('lock.exclusive'), 'other@2.99-0')

    await expect(checkSecurity(await knowing(), facts, cache, lock, listener())).rejects.toMatchObject({
      code: 'LockTimeout',
    })
  })
})

describe('the nonce ledger', () => {
  test('starts without a value, and goes up only from what was expected', async () => {
    const ledger = new SecurityDirectory(new MemoryStore()).nonceLedger()

    expect(await ledger.free()).toBeUndefined()
    await ledger.reserve(5n, undefined)
    expect(await ledger.free()).toBe(5n)
    await expect(ledger.reserve(9n, undefined)).rejects.toThrow()
    await expect(ledger.reserve(9n, 4n)).rejects.toThrow()
    await ledger.reserve(9n, 5n)
    expect(await ledger.free()).toBe(9n)
  })

  test('does not take a damaged file for an empty one', async () => {
    const store = new MemoryStore()
    await store.write(storePath('nonce'), new TextEncoder().encode('12'))

    await expect(new SecurityDirectory(store).nonceLedger().free()).rejects.toMatchObject({ code: 'IntegrityError' })
  })
})
