import { expect, test } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import { initRepository } from '../../src/operations/init.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import { lentStore } from '../../src/store/lent-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { tempFolder } from '../support/temp-folder.ts'

/** Says whether somebody closed it. */
function watched(): { store: Store; closed: () => boolean } {
  let closed = false
  const store = new MemoryStore()
  const close = async (): Promise<void> => {
    closed = true
  }
  Object.defineProperty(store, Symbol.asyncDispose, { value: close })
  return { store, closed: () => closed }
}

test('a lent store works like the owner’s and survives being disposed of', async () => {
  const { store, closed } = watched()
  const lent = lentStore(store)
  await lent.createRoot()
  await lent.write(storePath('a'), Uint8Array.of(1))
  await lent[Symbol.asyncDispose]()
  expect(closed()).toBe(false)
  expect(await store.read(storePath('a'))).toEqual(Uint8Array.of(1))
  expect(lent.place).toBe(store.place)
})

test('sessions leave a store that somebody brought open', async () => {
  const { store, closed } = watched()
  const folder = tempFolder()
  const directories = defaultDirectories({ BORG_BASE_DIR: folder }, folder)
  await initRepository({ store }, { encryption: 'repokey', passphrase: 'x', directories })
  {
    await using session = await openRepository({ store }, { access: 'read', passphrase: 'x', directories })
    expect(session.archives.all()).toEqual([])
  }
  expect(closed()).toBe(false)
})
