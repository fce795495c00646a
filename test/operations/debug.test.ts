import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import type { EngineEvent } from '../../src/base/events.ts'
import { manifestId, objectIdFromHex } from '../../src/base/ids.ts'
import { decodeText, encodeText } from '../../src/base/text.ts'
import { createArchive } from '../../src/operations/create.ts'
import { loggedObjects, plainObjects } from '../../src/operations/debug/plain-objects.ts'
import { archiveItemChunks, rawArchive, rawManifest } from '../../src/operations/debug/raw-metadata.ts'
import { type Finding, searchObjects } from '../../src/operations/debug/search-objects.ts'
import { contentId, deleteStoredObject, repositoryHints } from '../../src/operations/debug/stored-objects.ts'
import { initRepository } from '../../src/operations/init.ts'
import { connectRepository } from '../../src/session/connect.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import type { ReadSession } from '../../src/session/session.ts'
import { FakeHost } from '../support/fake-host.ts'
import { tempFolder } from '../support/temp-folder.ts'

// Deriving keys as slowly as borg does would take all of the time.
vi.mock('../../src/base/limits.ts', async (original) => ({ ...(await original<object>()), pbkdf2Iterations: 1 }))

const passphrase = 'correct horse'
const chunkSize = 64
/** Two chunks; the border is in the word 'looked'. */
const content = `${'what is looked'.padStart(chunkSize + 3, '.')} for`
const foreignId = objectIdFromHex('ab'.repeat(32))

let repository: string
let open: { passphrase: string; directories: ReturnType<typeof defaultDirectories>; host: FakeHost; access: 'write' }
let warned: string[]
const run = {
  onEvent: (event: EngineEvent) => {
    if (event.type === 'warning') warned.push(event.args.join())
    if (event.type === 'log' && event.level === 'error') warned.push(event.message)
  },
}

beforeEach(async () => {
  const folder = tempFolder()
  repository = join(folder, 'repository')
  const directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)
  open = { passphrase, directories, host: new FakeHost(), access: 'write' }
  warned = []
  await initRepository(repository, { encryption: 'repokey', ...open })
  await using session = await openRepository(repository, open)
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield encodeText(content)
  }
  const chunkerParams = { algorithm: 'fixed', blockSize: chunkSize, headerSize: 0 } as const
  await createArchive(session, { name: 'a', roots: ['-'], content: { bytes: bytes() }, chunkerParams })
})

async function session<T>(work: (session: ReadSession) => Promise<T>): Promise<T> {
  await using opened = await openRepository(repository, { ...open, access: 'read' })
  return await work(opened)
}

/** An object that no key opens. */
async function putForeign(): Promise<void> {
  await using connected = await connectRepository(repository, open)
  await connected.put(foreignId, encodeText('not sealed'))
  await connected.commit()
}

async function search(wanted: string): Promise<Finding[]> {
  await using connected = await connectRepository(repository, open)
  const found: Finding[] = []
  for await (const findings of searchObjects(connected, open, encodeText(wanted), run)) found.push(...findings)
  return found
}

test('all objects come in the clear; one that cannot be read is a warning', async () => {
  await putForeign()
  await using connected = await connectRepository(repository, open)

  const plain = new Map<string, string>()
  for await (const object of plainObjects(connected, open, run)) plain.set(toHex(object.id), decodeText(object.plain))

  expect([...plain.values()]).toEqual(expect.arrayContaining([content.slice(0, chunkSize), content.slice(chunkSize)]))
  expect(plain.has(toHex(manifestId))).toBe(true)
  expect(plain.size).toBe((await connected.count()) - 1)
  expect(warned).toEqual([expect.stringContaining(`object ${toHex(foreignId)}: Data integrity error`)])
})

test('the log is read without index and manifest, around what is damaged', async () => {
  await putForeign()
  {
    await using connected = await connectRepository(repository, open)
    expect(await deleteStoredObject(connected, foreignId)).toBe(true)
    await connected.commit()
  }
  const first = join(repository, 'data', '0', '0')
  const damaged = readFileSync(first)
  damaged[60] = (damaged[60] ?? 0) ^ 1
  writeFileSync(first, damaged)

  const tags: string[] = []
  for await (const { tag, id, plain } of loggedObjects(repository, open, {}, run)) {
    tags.push(id === undefined ? tag : `${tag} ${toHex(id).slice(0, 4)} ${plain.length > 0}`)
  }

  expect(tags).toContain('delete abab false')
  expect(tags).toContain('put 0000 true')
  expect(tags).toContain('commit')
  expect(tags).not.toContain('put abab true')
  expect(warned).toHaveLength(3)
  expect(warned[0]).toMatch(/^Segment 0 \(.*\) has IntegrityError/)
  expect(warned[2]).toContain(`object ${toHex(foreignId)}`)
})

test('bytes are found inside objects and across their borders, with what is around them', async () => {
  const [across, ...none] = await search('looked')
  expect(none).toEqual([])
  expect(across?.previous === undefined ? '' : toHex(across.previous)).toBe(
    await session(async ({ key }) => toHex(contentId(key, encodeText(content.slice(0, chunkSize))))),
  )
  expect(across?.count).toBeUndefined()
  expect(decodeText(across?.after ?? new Uint8Array(0)).startsWith(' for')).toBe(true)

  const [inside] = await search('what')
  expect([inside?.count, inside?.previous]).toEqual([1, undefined])
  expect(await search('no such thing')).toEqual([])
})

test('manifest and archive are shown field by field', async () => {
  await session(async (opened) => {
    expect([...(await rawManifest(opened)).keys()]).toEqual([
      'archives',
      'config',
      'item_keys',
      'tam',
      'timestamp',
      'version',
    ])
    const { manifestEntry, metadata, items } = await rawArchive(opened, 'a')
    expect([...manifestEntry.keys()]).toEqual(['id', 'time'])
    expect(metadata.get('name')).toEqual(encodeText('a'))
    const names: unknown[] = []
    for await (const item of items()) names.push(item instanceof Map && item.get('path'))
    expect(names).toEqual([encodeText('stdin')])
    const chunks: string[] = []
    for await (const { id, plain } of archiveItemChunks(opened, 'a')) {
      expect(toHex(id)).toBe(toHex(contentId(opened.key, plain)))
      chunks.push(toHex(id))
    }
    expect(chunks).toHaveLength(1)
    await expect(rawArchive(opened, 'b')).rejects.toMatchObject({ code: 'Archive.DoesNotExist' })
  })
})

test('an object that is not there cannot be deleted, a damaged one can', async () => {
  await putForeign()
  const data = join(repository, 'data', '0')
  const last = Math.max(...(await segments()))
  const path = join(data, String(last - 1))
  const bytes = readFileSync(path)
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1
  writeFileSync(path, bytes)
  await using connected = await connectRepository(repository, open)

  expect(await deleteStoredObject(connected, objectIdFromHex('cd'.repeat(32)))).toBe(false)
  expect(await deleteStoredObject(connected, foreignId)).toBe(true)
})

test('hints count what is live', async () => {
  const before = await repositoryHints(repository, open)
  await putForeign()
  const after = await repositoryHints(repository, open)

  const live = ({ segments }: { segments: ReadonlyMap<number, number> }): number =>
    [...segments.values()].reduce((sum, count) => sum + count, 0)
  expect(live(after)).toBe(live(before) + 1)
  expect(after.quotaUsed).toBeGreaterThan(before.quotaUsed)
})

async function segments(): Promise<number[]> {
  return [...(await repositoryHints(repository, open)).segments.keys()]
}
