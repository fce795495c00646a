/**
 * A far repository refuses late: what concerns one damaged archive must not end the deletion of it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createArchive } from '../../src/operations/create.ts'
import { deleteArchives } from '../../src/operations/delete.ts'
import { initRepository } from '../../src/operations/init.ts'
import { listItems } from '../../src/operations/list.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import type { WriteSession } from '../../src/session/session.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { FakeServer } from '../support/fake-server.ts'
import { tempFolder } from '../support/temp-folder.ts'

test('delete with force takes an archive whose content is lost', async () => {
  const folder = tempFolder()
  const host = new FakeHost()
  const store = new MemoryStore()
  const directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)
  const options = { passphrase: 'x', directories, host } as const
  const within = async <T>(work: (session: WriteSession) => Promise<T>): Promise<T> => {
    const server = new FakeServer({ store, host })
    try {
      await using session = await openRepository(
        { transport: server.transport, path: '/far' },
        { ...options, access: 'write' },
      )
      return await work(session)
    } finally {
      await server.done
    }
  }
  const first = new FakeServer({ store, host })
  await initRepository({ transport: first.transport, path: '/far' }, { ...options, encryption: 'repokey' })
  await first.done
  mkdirSync(join(folder, 'source'))
  writeFileSync(join(folder, 'source', 'file'), 'content')
  await within((session) => createArchive(session, { name: 'a', roots: [join(folder, 'source')] }))
  await within(async (session) => {
    for await (const { chunks } of listItems(session, 'a')) {
      for (const { id } of chunks ?? []) await session.repository.delete(id)
    }
    await session.repository.commit()
  })

  await expect(within((session) => deleteArchives(session, ['a']))).rejects.toThrow('not found in repository')
  const { damaged } = await within((session) => deleteArchives(session, ['a'], { force: true }))

  expect(damaged).toEqual(['a'])
  expect(await within(async (session) => session.archives.all())).toEqual([])
})
