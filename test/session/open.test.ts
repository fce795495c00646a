import { expect, test } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import { initRepository } from '../../src/operations/init.ts'
import { openRepository } from '../../src/session/open.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { tempFolder } from '../support/temp-folder.ts'

const lock = storePath('lock.exclusive')

test('what cannot be opened is left unlocked, a new repository as well as an old one', async () => {
  const folder = tempFolder()
  const directories = {
    config: `${folder}/config`,
    cache: `${folder}/cache`,
    security: `${folder}/security`,
    keys: `${folder}/keys`,
  }
  const opened = { access: 'write', passphrase: 'secret', host: new FakeHost(), directories } as const
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
