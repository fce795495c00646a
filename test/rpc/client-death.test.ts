/**
 * The connection dies at every message, in both directions: one clear error, no hang, and a repository that is whole.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import type { EngineEvent } from '../../src/base/events.ts'
import { checkArchives, checkRepository } from '../../src/operations/check.ts'
import { createArchive } from '../../src/operations/create.ts'
import { deleteArchives } from '../../src/operations/delete.ts'
import { extractArchive } from '../../src/operations/extract.ts'
import { initRepository } from '../../src/operations/init.ts'
import { connectRepository } from '../../src/session/connect.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import type { WriteSession } from '../../src/session/session.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { filesOf } from '../repository/world.ts'
import { FakeHost } from '../support/fake-host.ts'
import { FakeServer } from '../support/fake-server.ts'
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts'

const passphrase = 'correct horse'
const folder = makeTempFolder()
const source = join(folder, 'source')
const serverProcess = 1234
let bases = 0
/** With one archive, 'first'. */
let prepared: MemoryStore

function freshDirectories(): ReturnType<typeof defaultDirectories> {
  bases++
  return defaultDirectories({ BORG_BASE_DIR: join(folder, `base-${bases}`) }, folder)
}

async function copied(store: MemoryStore): Promise<MemoryStore> {
  const copy = new MemoryStore()
  await copy.createRoot()
  for (const [path, bytes] of await filesOf(store)) await copy.write(path, Uint8Array.from(bytes))
  return copy
}

type Death = { readonly dieAtRequest: number } | { readonly dieAtAnswer: number } | Record<never, never>

interface Outcome {
  readonly server: FakeServer
  readonly error: unknown
}

async function run(
  store: MemoryStore,
  death: Death,
  work: (session: WriteSession) => Promise<unknown>,
): Promise<Outcome> {
  const server = new FakeServer({ store, host: new FakeHost({ processId: serverProcess }), ...death })
  const options = { access: 'write', passphrase, directories: freshDirectories(), host: new FakeHost() } as const
  try {
    await using session = await openRepository({ transport: server.transport, path: '/far' }, options)
    await work(session)
    return { server, error: undefined }
  } catch (error) {
    return { server, error }
  } finally {
    await server.done
  }
}

/** As the next client finds it: the server's process is gone, and what it left must not be in the way. */
async function archivesOf(store: MemoryStore): Promise<readonly string[]> {
  const host = new FakeHost({ processId: 99 })
  host.dead.add(serverProcess)
  const directories = freshDirectories()
  const problems: string[] = []
  const onEvent = (event: EngineEvent): void => {
    if (event.type === 'warning' || (event.type === 'log' && event.level === 'error'))
      problems.push(JSON.stringify(event))
  }
  {
    await using repository = await connectRepository({ store }, { access: 'write', host })
    await checkRepository(repository, {}, { onEvent })
    await checkArchives(
      repository,
      { access: 'write', passphrase, directories, host },
      { verifyData: true },
      { onEvent },
    )
  }
  expect(problems).toEqual([])
  await using session = await openRepository({ store }, { access: 'read', passphrase, directories, host })
  return session.archives.all().map((entry) => entry.name)
}

/** Every other message in each direction: a message that is not taken is one that is not answered. */
const step = process.env['TSBORG_LONG'] === '1' ? 1 : 2
if (step > 1) console.warn('SHORT: dies at every other message; TSBORG_LONG=1 dies at each')

const scenarios: Readonly<
  Record<string, { readonly work: (session: WriteSession) => Promise<unknown>; readonly after: readonly string[] }>
> = {
  create: {
    work: (session) => createArchive(session, { name: 'second', roots: [source] }),
    after: ['first', 'second'],
  },
  delete: { work: (session) => deleteArchives(session, ['first']), after: [] },
  extract: {
    work: (session) => extractArchive(session, 'first', { dryRun: true }),
    after: ['first'],
  },
}

beforeAll(async () => {
  mkdirSync(source)
  prepared = new MemoryStore()
  const server = new FakeServer({ store: prepared, host: new FakeHost({ processId: serverProcess }) })
  const target = { transport: server.transport, path: '/far' }
  await initRepository(target, {
    encryption: 'repokey',
    passphrase,
    directories: freshDirectories(),
    host: new FakeHost(),
  })
  await server.done
  for (let i = 0; i < 4; i++) writeFileSync(join(source, `file ${i}`), `content ${i}`)
  const { error } = await run(prepared, {}, (session) => createArchive(session, { name: 'first', roots: [source] }))
  if (error !== undefined) throw error
  for (let i = 2; i < 6; i++) writeFileSync(join(source, `file ${i}`), `other content ${i}`)
})

afterAll(() => removeTempFolder(folder))

describe.each(Object.keys(scenarios))('%s', (name) => {
  const { work, after } = scenarios[name] ?? { work: async () => {}, after: [] }

  test.each(['dieAtRequest', 'dieAtAnswer'])('%s, each in turn', async (how) => {
    const whole = await run(await copied(prepared), {}, work)
    expect(whole.error).toBeUndefined()
    const calls = whole.server.calls.length
    expect(calls).toBeGreaterThan(4)
    for (let at = how === 'dieAtAnswer' ? 1 : 0; at < calls; at += step) {
      const store = await copied(prepared)
      const { error, server } = await run(store, { [how]: at }, work)
      // Reads that nobody needed any more may be the last.
      if (server.dead && error === undefined) expect(at, 'died unnoticed').toBeGreaterThan(calls - 3)
      if (error !== undefined) expect(messageOf(error)).toMatch(at === 0 ? hinted : closed)
      const committed = server.calls.includes('commit') && how === 'dieAtAnswer'
      const archives = await archivesOf(store)
      expect(committed ? [['first'], [...after]] : [['first'], ...(error === undefined ? [after] : [])]).toContainEqual(
        archives,
      )
    }
  })
})

const hinted = /^ConnectionClosedWithHint/
const closed = /^Connection(Closed|BrokenWithHint)/

function messageOf(error: unknown): string {
  const first = error instanceof Error && 'suppressed' in error ? error.suppressed : error
  return isBorgError(first) ? first.code : String(first)
}

test('after an orderly end no lock is left, even when the client gave up in the middle', async () => {
  const store = await copied(prepared)
  const { error } = await run(store, {}, async (session) => {
    await session.repository.put(session.manifest.id ?? (undefined as never), new Uint8Array(10))
    throw new Error('gave up')
  })
  expect(String(error)).toContain('gave up')
  const locks: string[] = []
  for await (const { path } of store.list('' as never)) if (path.startsWith('lock.exclusive')) locks.push(path)
  expect(locks).toEqual([])
  expect(await archivesOf(store)).toEqual(['first'])
})
