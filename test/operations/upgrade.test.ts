import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import type { EngineEvent } from '../../src/base/events.ts'
import { manifestId } from '../../src/base/ids.ts'
import { metadataLimits, unpack } from '../../src/format/msgpack-decode.ts'
import { checkArchives } from '../../src/operations/check.ts'
import { createArchive } from '../../src/operations/create.ts'
import { initRepository } from '../../src/operations/init.ts'
import { openArchive } from '../../src/operations/open-archive.ts'
import {
  archiveTams,
  authenticateArchives,
  disableTam,
  requireModernFormat,
  requireTam,
  tamStatus,
} from '../../src/operations/upgrade.ts'
import type { KeyMode } from '../../src/crypto/key-material.ts'
import { connectRepository } from '../../src/session/connect.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import type { OpenOptions } from '../../src/session/repository-session.ts'
import type { WriteSession } from '../../src/session/session.ts'
import { FakeHost } from '../support/fake-host.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { dropManifestTam, spoilTam } from '../support/without-tam.ts'

// Deriving keys as slowly as borg does would take all of the time.
vi.mock('../../src/base/limits.ts', async (original) => ({ ...(await original<object>()), pbkdf2Iterations: 1 }))

const passphrase = 'correct horse'

let folder: string
let repository: string
let host: FakeHost
let directories: ReturnType<typeof defaultDirectories>
let logged: string[]

beforeEach(() => {
  folder = tempFolder()
  repository = join(folder, 'repository')
  host = new FakeHost()
  directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)
  logged = []
})

const run = {
  onEvent: (event: EngineEvent) => void (event.type === 'log' && logged.push(`${event.level}: ${event.message}`)),
}

async function init(encryption: KeyMode): Promise<void> {
  await initRepository(repository, { encryption, passphrase, directories, host })
}

async function withSession<T>(
  work: (session: WriteSession) => Promise<T>,
  options: Partial<OpenOptions> = {},
): Promise<T> {
  const opened = { passphrase, directories, host, ...options, access: 'write' } as const
  await using session = await openRepository(repository, opened, run)
  return await work(session)
}

async function create(session: WriteSession, name: string): Promise<void> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1000)
  }
  await createArchive(session, { name, roots: ['-'], content: { bytes: bytes() }, comment: 'a comment' })
}

const required = { manifest: true, key: true, client: true }
const notRequired = { manifest: false, key: false, client: false }

describe.each(['repokey', 'keyfile-blake2', 'authenticated'] as const)('with mode %s', (mode) => {
  test('a manifest without authentication is accepted after disabling, and refused after requiring', async () => {
    await init(mode)

    const disabled = await withSession((session) => disableTam(session))
    const placeOfKey =
      mode === 'keyfile-blake2' ? join(directories.keys, readdirSync(directories.keys)[0] ?? '') : repository
    expect(disabled.keyPlace).toBe(placeOfKey)
    expect(await withSession(tamStatus)).toEqual(notRequired)
    await withSession(dropManifestTam)
    expect(await withSession(tamStatus)).toEqual(notRequired)

    const after = await withSession(async (session) => {
      const change = await requireTam(session)
      return { change, status: await tamStatus(session) }
    })
    expect(after).toEqual({ change: { keyPlace: placeOfKey }, status: required })
    expect(await withSession(tamStatus)).toEqual(required)
    await withSession(dropManifestTam)
    await expect(withSession(tamStatus)).rejects.toMatchObject({ code: 'TAMRequiredError' })
  })
})

test('a refused manifest can be opened to be authenticated, and that is said aloud', async () => {
  await init('repokey')
  await withSession(dropManifestTam)
  logged = []

  const change = await withSession((session) => requireTam(session), { tamOptional: true })

  expect(logged).toContain('warning: Manifest authentication DISABLED.')
  expect(change).toEqual({ keyPlace: undefined })
  expect(await withSession(tamStatus)).toEqual(required)
})

test('a repository without key asks it of manifest and client alone', async () => {
  await init('none')
  expect(await withSession(tamStatus)).toEqual({ manifest: false, key: true, client: false })

  expect(await withSession((session) => requireTam(session))).toEqual({ keyPlace: undefined })

  expect(await withSession(tamStatus)).toEqual(required)
})

test('what is committed in a session after disabling does not require authentication again', async () => {
  await init('repokey')

  await withSession(async (session) => {
    await disableTam(session)
    await create(session, 'a')
  })

  expect(await withSession(tamStatus)).toEqual(notRequired)
})

test('requiring what is required writes nothing', async () => {
  await init('repokey')
  const files = (): string => readdirSync(join(repository, 'data', '0')).join()
  const before = files()

  await withSession((session) => requireTam(session))

  expect(files()).toBe(before)
})

describe('archives', () => {
  const lenient = { ignoreInvalidArchiveTam: true }

  async function someBad(): Promise<void> {
    await init('repokey')
    await withSession(async (session) => {
      for (const name of ['absent', 'good', 'stale']) {
        await create(session, name)
        host.advanceSeconds(10)
      }
      await spoilTam(session, 'absent', 'absent', new Map([['recreate_args', ['kept']]]))
      await spoilTam(session, 'stale', 'stale')
    })
  }

  async function verdicts(): Promise<[string, boolean][]> {
    return await withSession(async (session) => {
      const found: [string, boolean][] = []
      for await (const { entry, authenticated } of archiveTams(session)) found.push([entry.name, authenticated])
      return found
    }, lenient)
  }

  test('without a MAC, or with a stale one, get one; the others stay as they are', async () => {
    await someBad()
    expect(await verdicts()).toEqual([
      ['absent', false],
      ['good', true],
      ['stale', false],
    ])
    await expect(withSession((session) => openArchive(session, 'stale'))).rejects.toMatchObject({
      code: 'ArchiveTAMInvalid',
    })
    const ids = await withSession(async (session) => session.archives.all().map(({ id }) => toHex(id)))

    const told: [string, boolean][] = []
    const changed = await withSession(
      (session) =>
        authenticateArchives(session, {
          onArchive: ({ entry, id }) => told.push([entry.name, toHex(entry.id) === toHex(id)]),
        }),
      lenient,
    )

    expect(changed).toBe(2)
    expect(told).toEqual([
      ['absent', false],
      ['good', true],
      ['stale', false],
    ])
    expect((await verdicts()).map(([, authenticated]) => authenticated)).toEqual([true, true, true])
    await withSession(async (session) => {
      expect(session.archives.all().map(({ id }) => ids.includes(toHex(id)))).toEqual([false, true, false])
      expect((await openArchive(session, 'stale')).metadata.comment).toBe('changednt')
      const { id } = session.archives.get('absent') ?? {}
      const fields = unpack(await session.objects.read(id ?? manifestId), metadataLimits)
      expect(fields).toBeInstanceOf(Map)
      expect([...(fields as Map<string, unknown>).keys()]).toContain('recreate_args')
    })
    logged = []
    await using connected = await connectRepository(repository, { access: 'write', host })
    expect(await checkArchives(connected, { access: 'write', passphrase, directories, host }, {}, run)).toBe(true)
    expect(logged.filter((line) => line.startsWith('error'))).toEqual([])
  })

  test('stay as they are when one of them cannot be read', async () => {
    await someBad()
    await withSession(async (session) => {
      const { id } = session.archives.get('stale') ?? {}
      await session.repository.delete(id ?? manifestId)
      await session.repository.commit()
    })
    const before = await withSession(async (session) => session.archives.all().map(({ id }) => toHex(id)))

    await expect(withSession((session) => authenticateArchives(session), lenient)).rejects.toMatchObject({
      code: 'Repository.ObjectNotFound',
    })

    expect(await withSession(async (session) => session.archives.all().map(({ id }) => toHex(id)))).toEqual(before)
  })
})

describe('what borg would convert', () => {
  const look = (): Promise<void> => requireModernFormat(repository, { access: 'read', directories, host })

  function content(path: string): Record<string, string> {
    const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    return Object.fromEntries(
      files.map((file) => [file.name, readFileSync(join(file.parentPath, file.name)).toString('hex')]),
    )
  }

  test('a repository of today is none of it', async () => {
    await init('keyfile')
    await expect(look()).resolves.toBeUndefined()
  })

  test('an Attic repository is refused by name, and stays as it is', async () => {
    await init('none')
    const data = join(repository, 'data', '0')
    for (const name of readdirSync(data)) {
      const bytes = readFileSync(join(data, name))
      bytes.write('ATTICSEG')
      writeFileSync(join(data, name), bytes)
    }
    const before = content(repository)

    await expect(look()).rejects.toThrow(`${repository} is an Attic repository, and tsborg does not convert those.`)

    expect(content(repository)).toEqual(before)
  })

  test('a key in the folder of borg 0.xx is pointed at, and stays there', async () => {
    await init('keyfile')
    const [name = ''] = readdirSync(directories.keys)
    const oldFolder = join(folder, 'base', '.borg', 'keys')
    mkdirSync(oldFolder, { recursive: true })
    cpSync(join(directories.keys, name), join(oldFolder, name))
    await expect(look()).resolves.toBeUndefined()

    const elsewhere = join(folder, 'elsewhere')
    const moved = { ...directories, keys: elsewhere }
    const refused = requireModernFormat(repository, { access: 'read', directories: moved, host })

    await expect(refused).rejects.toThrow(`Copy ${join(oldFolder, name)} to ${elsewhere}.`)
    expect(readdirSync(oldFolder)).toEqual([name])
  })
})
