import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { EngineEvent } from '../../src/base/events.ts'
import type { ObjectId } from '../../src/base/ids.ts'
import { checkArchives, checkRepository } from '../../src/operations/check.ts'
import { createArchive } from '../../src/operations/create.ts'
import { extractArchive } from '../../src/operations/extract.ts'
import { initRepository } from '../../src/operations/init.ts'
import { listItems } from '../../src/operations/list.ts'
import { openArchive } from '../../src/operations/open-archive.ts'
import { connectRepository } from '../../src/session/connect.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import { tempFolder } from '../support/temp-folder.ts'

/** Incompressible and the same every time. */
function noise(seed: string, size: number): Buffer {
  const parts: Buffer[] = []
  for (let i = 0; i * 32 < size; i++) parts.push(createHash('sha256').update(`${seed}${i}`).digest())
  return Buffer.concat(parts).subarray(0, size)
}

let folder: string
let repository: string
let directories: ReturnType<typeof defaultDirectories>
const passphrase = 'correct horse'

function open<A extends 'read' | 'write'>(
  access: A,
): { access: A; passphrase: string; directories: typeof directories } {
  return { access, passphrase, directories }
}

beforeEach(async () => {
  folder = tempFolder()
  repository = join(folder, 'repository')
  directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)
  mkdirSync(join(folder, 'source'))
  writeFileSync(join(folder, 'source', 'a'), noise('a', 1000))
  writeFileSync(join(folder, 'source', 'lost'), noise('lost', 5000))
  writeFileSync(join(folder, 'source', 'z'), noise('z', 1000))
  await initRepository(repository, { encryption: 'repokey', passphrase, directories })
  await using session = await openRepository(repository, open('write'))
  await createArchive(session, { name: 'one', roots: [join(folder, 'source')] })
})

/** Takes the only chunk of 'lost' away, as a bad disk would. */
async function loseChunk(): Promise<void> {
  await using session = await openRepository(repository, open('write'))
  for await (const item of listItems(session, 'one')) {
    if (item.path.endsWith('/lost')) for (const chunk of item.chunks ?? []) await session.repository.delete(chunk.id)
  }
  await session.commit()
}

async function restore(events: EngineEvent[]): Promise<{ items: number; failed: number }> {
  const destination = join(folder, 'restored')
  mkdirSync(destination, { recursive: true })
  await using session = await openRepository(repository, open('read'))
  return await extractArchive(session, 'one', { destination }, { onEvent: (event) => events.push(event) })
}

const restoredPath = (name: string): string => join(folder, 'restored', folder, 'source', name)

describe('a file whose data is lost', () => {
  test('is a warning, leaves nothing under its name, and the others are restored', async () => {
    await loseChunk()
    const events: EngineEvent[] = []

    const result = await restore(events)

    expect(result.failed).toBe(1)
    expect(events.filter((event) => event.type === 'warning')).toEqual([
      expect.objectContaining({
        code: 'BackupError',
        args: [expect.stringContaining('/source/lost'), expect.anything()],
      }),
    ])
    expect(existsSync(restoredPath('lost'))).toBe(false)
    expect(readFileSync(restoredPath('a')).equals(noise('a', 1000))).toBe(true)
    expect(readFileSync(restoredPath('z')).equals(noise('z', 1000))).toBe(true)
  })

  test('is found by check, replaced by zeros on repair, and healed when backed up again', async () => {
    await loseChunk()
    const messages: string[] = []
    const run = { onEvent: (event: EngineEvent) => void (event.type === 'log' && messages.push(event.message)) }
    const checked = async (repair: boolean): Promise<boolean> => {
      await using connected = await connectRepository(repository, { access: 'write' }, run)
      expect(await checkRepository(connected, { repair }, run)).toBe(true)
      return await checkArchives(connected, open('write'), { repair }, run)
    }

    expect(await checked(false)).toBe(false)
    expect(messages).toContainEqual(
      expect.stringContaining('source/lost: New missing file chunk detected (Byte 0-5000'),
    )
    expect(await checked(true)).toBe(true)
    expect(await checked(false)).toBe(true)
    const events: EngineEvent[] = []
    expect((await restore(events)).failed).toBe(1)
    expect(readFileSync(restoredPath('lost')).equals(Buffer.alloc(5000))).toBe(true)

    {
      await using session = await openRepository(repository, open('write'))
      await createArchive(session, { name: 'two', roots: [join(folder, 'source')], filesCache: 'disabled' })
    }
    messages.length = 0
    expect(await checked(true)).toBe(true)
    expect(messages).toContainEqual(expect.stringContaining('Completely healed previously damaged file!'))
    expect((await restore([])).failed).toBe(0)
    expect(readFileSync(restoredPath('lost')).equals(noise('lost', 5000))).toBe(true)
    expect(await checked(false)).toBe(true)
  })
})

describe('an object of a kind we do not know', () => {
  test('is reported, and a repair deletes nothing that it may refer to', async () => {
    const other = join(folder, 'unencrypted')
    const ask = { ask: async () => true }
    await initRepository(other, { encryption: 'none', directories })
    const content: Uint8Array[] = []
    {
      await using session = await openRepository(other, { access: 'write', directories }, ask)
      await createArchive(session, { name: 'one', roots: [join(folder, 'source')] })
      for await (const item of listItems(session, 'one')) for (const chunk of item.chunks ?? []) content.push(chunk.id)
      const { metadata } = await openArchive(session, 'one')
      // As a newer version might have compressed it.
      for (const id of metadata.itemChunks) await session.repository.put(id, Uint8Array.of(0x02, 0x09, 0x09, 1, 2, 3))
      await session.commit()
    }

    const messages: string[] = []
    const run = { onEvent: (event: EngineEvent) => void (event.type === 'log' && messages.push(event.message)), ...ask }
    await using connected = await connectRepository(other, { access: 'write' }, run)
    expect(await checkArchives(connected, { access: 'write', directories }, { repair: true }, run)).toBe(true)

    expect(messages).toContainEqual(expect.stringContaining('Unsupported payload type'))
    expect(messages).toContainEqual(expect.stringContaining('Orphaned objects are kept'))
    expect(content.length).toBe(3)
    for (const id of content) await expect(connected.get(id as ObjectId)).resolves.toBeDefined()
  })
})
