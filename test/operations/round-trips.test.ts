/**
 * How often the client waits for a far repository: not once for each file, however small the files are.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { checkArchives } from '../../src/operations/check.ts'
import { createArchive } from '../../src/operations/create.ts'
import { deleteArchives } from '../../src/operations/delete.ts'
import { exportTar } from '../../src/operations/export-tar.ts'
import { extractArchive } from '../../src/operations/extract.ts'
import { initRepository } from '../../src/operations/init.ts'
import { recreateArchive } from '../../src/operations/recreate.ts'
import { connectRepository } from '../../src/session/connect.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import type { WriteSession } from '../../src/session/session.ts'
import { FakeHost } from '../support/fake-host.ts'
import { FakeServer } from '../support/fake-server.ts'
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts'

const files = 2_000
const passphrase = 'correct horse'
const folder = makeTempFolder()
const host = new FakeHost()
const store = new MemoryStore()
const directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)

function server(): FakeServer {
  return new FakeServer({ store, host })
}

/** Round trips of `work`, those of opening and closing included. */
async function roundTrips(work: (session: WriteSession) => Promise<unknown>): Promise<number> {
  const far = server()
  {
    const options = { access: 'write', passphrase, directories, host } as const
    await using session = await openRepository({ transport: far.transport, path: '/far' }, options)
    await work(session)
  }
  return far.roundTrips
}

beforeAll(async () => {
  const source = join(folder, 'source')
  mkdirSync(source)
  for (let i = 0; i < files; i++) writeFileSync(join(source, `file-${i}`), `content of ${i} `.repeat(1 + (i % 7)))
  const far = server()
  const target = { transport: far.transport, path: '/far' }
  await initRepository(target, { encryption: 'repokey', passphrase, directories, host })
  await far.done
})

afterAll(() => removeTempFolder(folder))

test('create', async () => {
  const trips = await roundTrips((session) =>
    createArchive(session, { name: 'a', roots: [join(folder, 'source')], comment: '' }),
  )

  expect(trips).toBeLessThan(60)
})

test('extract, and every file has its own content', async () => {
  const destination = join(folder, 'destination')
  mkdirSync(destination)
  const trips = await roundTrips((session) => extractArchive(session, 'a', { destination }))

  expect(trips).toBeLessThan(60)
  for (const i of [0, 1, 77, 1024, files - 1]) {
    const [from, to] = ['source', join('destination', folder, 'source')]
    expect(readFileSync(join(folder, to, `file-${i}`))).toEqual(readFileSync(join(folder, from, `file-${i}`)))
  }
})

test('extract --dry-run', async () => {
  expect(await roundTrips((session) => extractArchive(session, 'a', { dryRun: true }))).toBeLessThan(60)
})

test('export-tar', async () => {
  const trips = await roundTrips((session) => exportTar(session, 'a', { write: async () => {} }))

  expect(trips).toBeLessThan(60)
})

test('check --verify-data', async () => {
  const far = server()
  {
    const open = { access: 'write', passphrase, directories, host } as const
    await using repository = await connectRepository({ transport: far.transport, path: '/far' }, open)
    await checkArchives(repository, open, { verifyData: true })
  }

  expect(far.roundTrips).toBeLessThan(80)
})

test('recreate with another compression', async () => {
  const trips = await roundTrips((session) => recreateArchive(session, 'a', { recompress: 'always' }))

  expect(trips).toBeLessThan(100)
})

test('delete of an archive, with a cache built anew', async () => {
  const trips = await roundTrips((session) => deleteArchives(session, ['a']))

  expect(trips).toBeLessThan(60)
})
