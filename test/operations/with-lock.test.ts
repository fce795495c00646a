import { readdirSync, readFileSync, renameSync, cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { createArchive } from '../../src/operations/create.ts'
import { initRepository } from '../../src/operations/init.ts'
import { listArchives } from '../../src/operations/list.ts'
import { withLock } from '../../src/operations/with-lock.ts'
import { connectRepository } from '../../src/session/connect.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import { tempFolder } from '../support/temp-folder.ts'

const passphrase = 'correct horse'
let folder: string
let repository: string
let directories: ReturnType<typeof defaultDirectories>

beforeEach(async () => {
  folder = tempFolder()
  repository = join(folder, 'repository')
  directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)
  await initRepository(repository, { encryption: 'repokey', passphrase, directories })
})

async function connect(access: 'read' | 'write'): Promise<void> {
  await using connected = await connectRepository(repository, { access, lockWaitSeconds: 0 })
  void connected
}

/** What is in the repository, but for its locks. */
function contents(): readonly (readonly [string, string])[] {
  return readdirSync(repository, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/lock.'))
    .sort()
    .map((path) => [path, readFileSync(path).toString('hex')] as const)
}

test('nobody gets in while the action runs, and everybody afterwards; no key is asked for', async () => {
  const result = await withLock(repository, {}, async () => {
    await expect(connect('read')).rejects.toMatchObject({ code: 'LockTimeout' })
    await expect(connect('write')).rejects.toMatchObject({ code: 'LockTimeout' })
    return 'done'
  })

  expect(result).toBe('done')
  await connect('write')
})

test('the lock is given back when the action fails, and its error comes through', async () => {
  const failing = withLock(repository, {}, async () => {
    throw new TypeError('no')
  })

  await expect(failing).rejects.toThrow(new TypeError('no'))
  await connect('write')
})

test('an action that finds the repository locked does not run', async () => {
  let ran = false
  const action = async (): Promise<void> => {
    ran = true
  }

  await withLock(repository, {}, async () => {
    await expect(withLock(repository, { lockWaitSeconds: 0 }, action)).rejects.toMatchObject({ code: 'LockTimeout' })
  })

  expect(ran).toBe(false)
})

test('nothing is written, before, meanwhile or afterwards', async () => {
  const before = contents()

  const meanwhile = await withLock(repository, {}, async () => contents())

  expect(meanwhile).toEqual(before)
  expect(contents()).toEqual(before)
})

test('the action may bring an older state of the repository back', async () => {
  const backUp = async (name: string): Promise<void> => {
    await using session = await openRepository(repository, { access: 'write', passphrase, directories })
    await createArchive(session, { name, roots: [] })
  }
  await backUp('kept')
  cpSync(repository, join(folder, 'copy'), { recursive: true })
  await backUp('lost')

  await withLock(repository, {}, async () => {
    for (const name of ['data', ...readdirSync(repository).filter((each) => /^(index|hints|integrity)\./.test(each))]) {
      rmSync(join(repository, name), { recursive: true })
    }
    for (const name of readdirSync(join(folder, 'copy'))) {
      if (/^(data|index|hints|integrity)\b/.test(name)) renameSync(join(folder, 'copy', name), join(repository, name))
    }
  })

  // To whoever remembers the newer state this is a replay; a new client knows nothing of it.
  const other = defaultDirectories({ BORG_BASE_DIR: join(folder, 'other') }, folder)
  await using session = await openRepository(repository, { access: 'read', passphrase, directories: other })
  expect(listArchives(session).map(({ name }) => name)).toEqual(['kept'])
})
