import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { initRepository } from '../../src/operations/init.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import { tempFolder } from '../support/temp-folder.ts'

test('an impossible compression is refused before anything is made', async () => {
  const folder = tempFolder()
  const repository = join(folder, 'repository')
  const directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)
  const options = { encryption: 'repokey', passphrase: 'x', directories } as const

  await expect(initRepository(repository, { ...options, compression: 'zip,99' })).rejects.toThrow()

  expect(existsSync(repository)).toBe(false)
  await initRepository(repository, options)
  await using session = await openRepository(repository, { access: 'read', passphrase: 'x', directories })
  expect(session.archives.all()).toEqual([])
})

test('a passphrase that is refused leaves nothing behind', async () => {
  const folder = tempFolder()
  const repository = join(folder, 'repository')
  const directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)
  const passphrase = async (): Promise<string> => {
    throw new Error('nobody there')
  }

  await expect(initRepository(repository, { encryption: 'repokey', passphrase, directories })).rejects.toThrow('nobody')

  expect(existsSync(repository)).toBe(false)
})

test('secrets for a repository that has no key are refused before anything is made', async () => {
  const repository = join(tempFolder(), 'repository')
  const relatedSecrets = { idKey: new Uint8Array(32), chunkSeed: 1, idHash: 'hmac-sha256' } as const

  await expect(initRepository(repository, { encryption: 'none', relatedSecrets })).rejects.toMatchObject({
    code: 'CommandError',
  })
  expect(existsSync(repository)).toBe(false)
})
