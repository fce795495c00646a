import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { manifestId, objectIdFromHex, storePath } from '../../src/base/ids.ts'
import { encodeText } from '../../src/base/text.ts'
import { keyFileText } from '../../src/crypto/key-blob.ts'
import type { Location } from '../../src/location/location.ts'
import {
  findKeyFile,
  type KeyFiles,
  keyFileForImport,
  keyFileName,
  localKeyFiles,
  newKeyFile,
  saveKeyFile,
} from '../../src/session/keyfiles.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { someRepositoryId } from '../support/key-repository.ts'
import { loadFixture } from '../support/vectors.ts'

const id = objectIdFromHex(someRepositoryId)
const blob = 'A'.repeat(68)
const otherBlob = 'B'.repeat(68)
const location: Location = { scheme: 'file', path: '/srv/repo' }

async function keysDirectory(files: Record<string, string>, only?: string): Promise<KeyFiles & { store: MemoryStore }> {
  const store = new MemoryStore()
  for (const [name, text] of Object.entries(files)) await store.write(storePath(name), encodeText(text))
  return { store, directory: '/keys', ...(only === undefined ? {} : { only: storePath(only) }) }
}

describe('finding a key file', () => {
  test('goes by the first line, past everything else in the directory', async () => {
    const keyFiles = await keysDirectory({
      'a other': keyFileText(manifestId, otherBlob),
      'b junk': 'x',
      'c empty': '',
      'd binary': '\udcff\udcfe',
      'e cut': `BORG_KEY ${someRepositoryId}\n`,
      'f huge': keyFileText(id, 'A'.repeat(100_000)),
      'folder/inside': keyFileText(id, otherBlob),
      'some name': keyFileText(id, blob),
    })
    expect(await findKeyFile(keyFiles, id, '/srv/repo')).toEqual({
      path: 'some name',
      where: '/keys/some name',
      blob,
    })
  })

  test('names repository and directory when there is none', async () => {
    const keyFiles = await keysDirectory({ other: keyFileText(manifestId, blob) })
    await expect(findKeyFile(keyFiles, id, '/srv/repo')).rejects.toMatchObject({
      code: 'KeyfileNotFoundError',
      args: ['/srv/repo', '/keys'],
    })
    const missing = localKeyFiles({ keys: '/nonexistent/keys' })
    await expect(findKeyFile(missing, id, '/srv/repo')).rejects.toMatchObject({ code: 'KeyfileNotFoundError' })
  })

  test.each([
    ['is missing', {}, 'KeyfileNotFoundError'],
    ['is of another repository', { mine: keyFileText(manifestId, blob) }, 'KeyfileMismatchError'],
    ['is no key', { mine: 'junk' }, 'KeyfileInvalidError'],
    ['is a folder', { 'mine/x': 'junk' }, 'KeyfileInvalidError'],
  ])('in BORG_KEY_FILE looks nowhere else: it %s', async (_, files, code) => {
    const keyFiles = await keysDirectory({ right: keyFileText(id, blob), ...files }, 'mine')
    await expect(findKeyFile(keyFiles, id, '/srv/repo')).rejects.toMatchObject({
      code,
      args: ['/srv/repo', '/keys/mine'],
    })
  })

  test('in BORG_KEY_FILE takes it, whatever lies beside it', async () => {
    const keyFiles = await keysDirectory({ a: keyFileText(id, otherBlob), mine: keyFileText(id, blob) }, 'mine')
    expect((await findKeyFile(keyFiles, id, '/srv/repo')).blob).toBe(blob)
  })
})

describe('a new key file', () => {
  interface LocationVector {
    readonly ok: boolean
    readonly text: string
    readonly proto?: 'file' | 'ssh'
    readonly host?: string | null
    readonly path?: string
    readonly key_file_name?: string
  }
  const vectors = loadFixture<{ readonly locations: readonly LocationVector[] }>('vectors/parsing.json').locations
  const named = vectors.filter(({ key_file_name }) => key_file_name !== undefined)

  test.each(named)('of $text is called $key_file_name', ({ proto, host, path = '', key_file_name }) => {
    const parsed: Location = proto === 'ssh' ? { scheme: 'ssh', host: host ?? '', path } : { scheme: 'file', path }
    expect(keyFileName(parsed)).toBe(key_file_name)
  })
  test('the vectors name some', () => {
    expect(named.length).toBeGreaterThan(10)
  })

  test.each<[Location, string]>([
    [{ scheme: 'file', path: '/srv/bäckup (1)/データ' }, 'srv_bäckup__1__データ'],
    [{ scheme: 'file', path: `/${'x'.repeat(200)}` }, 'x'.repeat(100)],
    [{ scheme: 'sftp', host: 'h.example', path: '/r' }, 'h_example__r'],
    [{ scheme: 's3', endpoint: 'https://s3.example', bucket: 'my-bucket', prefix: 'a/b' }, 'my_bucket__a_b'],
    [{ scheme: 'rclone', remote: 'drive', path: 'a/b' }, 'drive__a_b'],
  ])('%j is called %s', (where, name) => {
    expect(keyFileName(where)).toBe(name)
  })

  test('never takes a name that is in use', async () => {
    expect(await newKeyFile(await keysDirectory({}), location)).toBe('srv_repo')
    expect(await newKeyFile(await keysDirectory({ srv_repo: 'x' }), location)).toBe('srv_repo.2')
    expect(await newKeyFile(await keysDirectory({ srv_repo: 'x', 'srv_repo.2': 'x' }), location)).toBe('srv_repo.3')
  })

  test('is the one BORG_KEY_FILE names, unless that exists', async () => {
    expect(await newKeyFile(await keysDirectory({}, 'mine'), location)).toBe('mine')
    await expect(newKeyFile(await keysDirectory({ mine: '' }, 'mine'), location)).rejects.toThrow(
      'Aborting because key in "/keys/mine" already exists.',
    )
  })

  test('has mode 0600 in a directory of mode 0700, and leaves nothing else there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyfiles-'))
    try {
      const keyFiles = localKeyFiles({ keys: join(folder, 'config', 'keys') })
      for (const text of [otherBlob, blob]) {
        const path = await keyFileForImport(keyFiles, id, { location, shown: '/srv/repo' })
        await saveKeyFile(keyFiles, path, id, text)
      }
      expect(readdirSync(join(folder, 'config', 'keys'))).toEqual(['srv_repo'])
      expect(statSync(join(folder, 'config', 'keys')).mode & 0o777).toBe(0o700)
      expect(statSync(join(folder, 'config', 'keys', 'srv_repo')).mode & 0o777).toBe(0o600)
      expect(await findKeyFile(keyFiles, id, '/srv/repo')).toMatchObject({ blob })
      const named = localKeyFiles({ keys: '/unused', keyFile: join(folder, 'config', 'keys', 'srv_repo') })
      expect((await findKeyFile(named, id, '/srv/repo')).where).toBe(join(folder, 'config', 'keys', 'srv_repo'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('the file an imported key goes to', () => {
  const names = { location, shown: '/srv/repo' }
  test('is the present key file of the repository, under any name', async () => {
    expect(await keyFileForImport(await keysDirectory({ zzz: keyFileText(id, blob) }), id, names)).toBe('zzz')
  })
  test('is a new one when there is none', async () => {
    expect(await keyFileForImport(await keysDirectory({ srv_repo: 'junk' }), id, names)).toBe('srv_repo.2')
    expect(await keyFileForImport(await keysDirectory({}, 'mine'), id, names)).toBe('mine')
  })
  test('is never one that holds something else', async () => {
    const other = await keysDirectory({ mine: keyFileText(manifestId, blob) }, 'mine')
    await expect(keyFileForImport(other, id, names)).rejects.toMatchObject({ code: 'KeyfileMismatchError' })
    const junk = await keysDirectory({ mine: 'my diary' }, 'mine')
    await expect(keyFileForImport(junk, id, names)).rejects.toMatchObject({ code: 'KeyfileInvalidError' })
  })
})
