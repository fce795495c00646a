import { beforeEach, expect, test, vi } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import { type KeyMaterial, wipe } from '../../src/crypto/key-material.ts'
import { checkArchives } from '../../src/operations/check.ts'
import { initRepository } from '../../src/operations/init.ts'
import { connectRepository } from '../../src/session/connect.ts'
import { openRepository } from '../../src/session/open.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { tempFolder } from '../support/temp-folder.ts'

// Only listened to.
vi.mock('../../src/crypto/key-material.ts', async (original) => {
  const real = await original<{ wipe: (key: KeyMaterial) => void }>()
  return { ...real, wipe: vi.fn(real.wipe) }
})

const lock = storePath('lock.exclusive')

function clientOptions() {
  const folder = tempFolder()
  const directories = {
    config: `${folder}/config`,
    cache: `${folder}/cache`,
    security: `${folder}/security`,
    keys: `${folder}/keys`,
  }
  return { passphrase: 'secret', host: new FakeHost(), directories }
}

beforeEach(() => {
  vi.mocked(wipe).mockClear()
})

test('what cannot be opened is left unlocked, a new repository as well as an old one', async () => {
  const opened = { access: 'write', ...clientOptions() } as const
  const store = new MemoryStore()
  const init = { ...opened, encryption: 'repokey' } as const

  await expect(initRepository({ store }, { ...init, compression: 'squeeze' })).rejects.toThrow(
    'unsupported compression',
  )
  expect(await store.owners(lock)).toEqual([])

  await store.removeAll()
  await initRepository({ store }, init)
  await expect(openRepository({ store }, { ...opened, compression: 'squeeze' })).rejects.toThrow(
    'unsupported compression',
  )
  expect(await store.owners(lock)).toEqual([])
  await using session = await openRepository({ store }, opened)
  expect(session.archives.all()).toEqual([])
})

test('keys are wiped when opening fails behind unlocking, and after a check', async () => {
  const options = clientOptions()
  const store = new MemoryStore()
  await initRepository({ store }, { ...options, encryption: 'repokey' })
  vi.mocked(wipe).mockClear()

  await expect(openRepository({ store }, { ...options, access: 'write', compression: 'squeeze' })).rejects.toThrow(
    'unsupported compression',
  )
  expect(wipe).toHaveBeenCalledTimes(1)

  await using repository = await connectRepository({ store }, { ...options, access: 'write' })
  expect(await checkArchives(repository, { ...options, access: 'write' })).toBe(true)
  expect(wipe).toHaveBeenCalledTimes(2)

  await expect(checkArchives(repository, { ...options, access: 'write', compression: 'squeeze' })).rejects.toThrow(
    'unsupported compression',
  )
  expect(wipe).toHaveBeenCalledTimes(3)
})

// What borg 1.2.4 and 1.4.0 ask: a key that lies in the repository under an empty passphrase protects nobody.
test.each([
  { encryption: 'none', passphrase: '', asked: true },
  { encryption: 'authenticated', passphrase: 'secret', asked: true },
  { encryption: 'authenticated-blake2', passphrase: 'secret', asked: true },
  { encryption: 'repokey', passphrase: '', asked: true },
  { encryption: 'repokey-blake2', passphrase: 'secret', asked: false },
  { encryption: 'keyfile', passphrase: '', asked: false },
] as const)('a client that meets $encryption with passphrase "$passphrase" asks: $asked', async (row) => {
  const store = new MemoryStore()
  const options = { ...clientOptions(), passphrase: row.passphrase, access: 'write' } as const
  await initRepository({ store }, { ...options, encryption: row.encryption })
  const { keys } = options.directories
  const stranger = { ...options, directories: { ...clientOptions().directories, keys } }

  const opening = openRepository({ store }, stranger).then((session) => session[Symbol.asyncDispose]())
  if (row.asked) await expect(opening).rejects.toMatchObject({ code: 'Cache.CacheInitAbortedError' })
  else await opening
})
