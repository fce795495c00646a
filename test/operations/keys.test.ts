import { describe, expect, test } from 'vitest'
import { emptyManifest, encodeManifest, type Manifest } from '../../src/archive/manifest.ts'
import { concatBytes, toHex } from '../../src/base/bytes.ts'
import { objectIdFromHex, storePath } from '../../src/base/ids.ts'
import { decodeText, encodeText } from '../../src/base/text.ts'
import { sealPayload } from '../../src/crypto/envelope.ts'
import { generateKey, legacyPassphraseKey, openKeyBlob } from '../../src/crypto/key-blob.ts'
import type { KeyMaterial, KeyMode } from '../../src/crypto/key-material.ts'
import type { RepositoryReader } from '../../src/repository/repository.ts'
import {
  changePassphrase,
  exportKey,
  exportRelatedSecrets,
  importKey,
  importPaperKey,
  importRelatedSecrets,
  type KeyPlaces,
  migrateToRepokey,
  rewriteKey,
  storeNewKey,
} from '../../src/operations/keys.ts'
import { type Unlocked, unlock } from '../../src/session/unlock.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { allModes, vectorKey } from '../crypto/key-vectors.ts'
import { FakeHost } from '../support/fake-host.ts'
import { KeyRepository, someRepositoryId } from '../support/key-repository.ts'
import { loadFixture } from '../support/vectors.ts'

const host = new FakeHost()
const withKeys = allModes.filter((mode) => mode !== 'none')
const { exports } = loadFixture<{
  readonly exports: readonly {
    readonly mode: KeyMode
    readonly repository_id: string
    readonly key_text: string
    readonly keyfile_export: string
    readonly paperkey: string
  }[]
}>('vectors/key-export.json')

interface World {
  readonly repository: KeyRepository
  readonly places: KeyPlaces & { readonly keyFiles: { readonly store: MemoryStore } }
}

/** A sealed manifest without archives; `none` is what compresses it. */
function sealedManifest(mode: KeyMode, config: Manifest['config'] = new Map()): Uint8Array {
  const key = vectorKey(mode)
  const { packed } = encodeManifest({ ...emptyManifest(false), config }, key, host.now(), host.randomBytes(64))
  return sealPayload(key, concatBytes(Uint8Array.of(0, 0), packed), 0n)
}

function emptyWorld(mode: KeyMode, only?: string): World {
  return {
    repository: new KeyRepository({ manifest: sealedManifest(mode) }),
    places: {
      location: { scheme: 'file', path: '/srv/repo' },
      keyFiles: {
        store: new MemoryStore(),
        directory: '/keys',
        ...(only === undefined ? {} : { only: storePath(only) }),
      },
    },
  }
}

async function worldWith(mode: KeyMode, passphrase: string, key: KeyMaterial = vectorKey(mode)): Promise<World> {
  const world = emptyWorld(mode)
  await storeNewKey(world.repository, { key, passphrase }, { ...world.places, host })
  return world
}

async function unlockWorld({ repository, places }: World, passphrase: string): Promise<Unlocked> {
  return unlock(repository, repository.manifest ?? new Uint8Array(0), { keyFiles: places.keyFiles, passphrase })
}

/** The functions that only read take a whole reader; keys need three members of it. */
function reader(world: World): RepositoryReader {
  return world.repository as unknown as RepositoryReader
}

/** The key text, wherever it lies. */
async function keyText({ repository, places }: World): Promise<string> {
  if (repository.key !== '') return repository.key
  return decodeText(await places.keyFiles.store.read(storePath('srv_repo')))
}

describe.each(exports)('what borg exported of a $mode', ({ mode, repository_id, keyfile_export, paperkey }) => {
  async function imported(): Promise<World> {
    const world = emptyWorld(mode)
    expect(toHex(world.repository.id)).toBe(repository_id)
    expect(await importKey(world.repository, keyfile_export, world.places)).toBe(
      mode.startsWith('keyfile') ? '/keys/srv_repo' : '/srv/repo',
    )
    return world
  }

  test('is what we export after importing it, as text and on paper', async () => {
    const world = await imported()
    const { keyFiles } = world.places
    expect(await exportKey(reader(world), { keyFiles })).toBe(keyfile_export)
    expect(await exportKey(reader(world), { keyFiles, format: 'plain' })).toBe(keyfile_export)
    expect(await exportKey(reader(world), { keyFiles, format: 'paper' })).toBe(paperkey)
    expect(await exportKey(reader(world), { keyFiles, format: 'qr-html' })).toContain(keyfile_export)
  })

  test('comes back from paper to the same text', async () => {
    const fromText = await imported()
    const fromPaper = emptyWorld(mode)
    const lines = paperkey.split('\n').filter((line) => line.includes(' - '))
    const prompts: string[] = []
    const where = await importPaperKey(
      fromPaper.repository,
      {
        ask: async (prompt) => {
          prompts.push(prompt)
          return lines[prompts.length - 1]?.slice(4)
        },
        complain: (complaint) => expect.fail(complaint),
        confirmAbort: () => expect.fail('nothing to abort'),
      },
      fromPaper.places,
    )
    expect(where).toBe(mode.startsWith('keyfile') ? '/keys/srv_repo' : '/srv/repo')
    expect(await keyText(fromPaper)).toBe(await keyText(fromText))
    expect(prompts).toEqual(lines.map((line) => line.slice(0, 4)))
  })
})

describe('exporting', () => {
  test('an unencrypted repository has nothing to export', async () => {
    const world = emptyWorld('none')
    await expect(exportKey(reader(world), world.places)).rejects.toMatchObject({ code: 'UnencryptedRepo' })
  })
  test('a key that is not there says where it was looked for', async () => {
    const inRepository = emptyWorld('repokey')
    await expect(exportKey(reader(inRepository), inRepository.places)).rejects.toMatchObject({
      code: 'RepoKeyNotFoundError',
      args: ['/srv/repo'],
    })
    const inFile = emptyWorld('keyfile')
    await expect(exportKey(reader(inFile), inFile.places)).rejects.toMatchObject({
      code: 'KeyfileNotFoundError',
      args: ['/srv/repo', '/keys'],
    })
  })
  test('a repository without manifest does not say what key it has', async () => {
    const world = { ...emptyWorld('repokey'), repository: new KeyRepository() }
    await expect(exportKey(reader(world), world.places)).rejects.toMatchObject({ code: 'NoManifestError' })
  })
})

describe('importing', () => {
  const blob = Buffer.alloc(30).toString('base64')
  const good = `BORG_KEY ${someRepositoryId}\n${blob}\n`

  test.each([
    ['nothing', '', 'NotABorgKeyFile'],
    ['another magic', good.toLowerCase(), 'NotABorgKeyFile'],
    ['another repository', good.replace('2', '3'), 'RepoIdMismatch'],
    ['an upper-case id', good.replace(someRepositoryId, someRepositoryId.toUpperCase()), 'RepoIdMismatch'],
    ['a blank behind the id', good.replace('\n', ' \n'), 'RepoIdMismatch'],
    ['no line end', `BORG_KEY ${someRepositoryId}`, 'RepoIdMismatch'],
    ['no key behind the first line', `BORG_KEY ${someRepositoryId}\n`, 'NotABorgKeyFile'],
    ['something else behind it', `BORG_KEY ${someRepositoryId}\nabc\n`, 'NotABorgKeyFile'],
  ])('%s is refused and changes nothing', async (_, text, code) => {
    const world = await worldWith('repokey', 'x')
    const before = world.repository.key
    await expect(importKey(world.repository, text, world.places)).rejects.toMatchObject({ code })
    expect(world.repository.key).toBe(before)
  })

  test('a text with Windows line ends is taken, without them', async () => {
    const world = await worldWith('repokey', 'x')
    const text = await exportKey(reader(world), world.places)
    const before = world.repository.key
    await importKey(world.repository, text.replaceAll('\n', '\r\n'), world.places)
    expect(world.repository.key).toBe(before)
  })

  test('replaces the present key file under its name', async () => {
    const world = emptyWorld('keyfile')
    await world.places.keyFiles.store.write(storePath('zzz'), encodeText(good))
    expect(await importKey(world.repository, good.replace('AAAA', 'BBBB'), world.places)).toBe('/keys/zzz')
    expect(decodeText(await world.places.keyFiles.store.read(storePath('zzz')))).toBe(good.replace('AAAA', 'BBBB'))
  })

  test('goes to the file BORG_KEY_FILE names, but not over the key of another repository', async () => {
    const world = emptyWorld('keyfile', 'mine')
    expect(await importKey(world.repository, good, world.places)).toBe('/keys/mine')
    const foreign = good.replace('2', '3')
    await world.places.keyFiles.store.write(storePath('mine'), encodeText(foreign))
    await expect(importKey(world.repository, good, world.places)).rejects.toMatchObject({
      code: 'KeyfileMismatchError',
    })
    expect(decodeText(await world.places.keyFiles.store.read(storePath('mine')))).toBe(foreign)
  })

  test('into an unencrypted repository, or one without manifest, is refused', async () => {
    const world = emptyWorld('none')
    await expect(importKey(world.repository, good, world.places)).rejects.toMatchObject({ code: 'UnencryptedRepo' })
    await expect(importKey(new KeyRepository(), good, world.places)).rejects.toMatchObject({ code: 'NoManifestError' })
  })
})

describe('importing from paper', () => {
  async function dialogue(
    answers: readonly (string | undefined)[],
    abort: readonly boolean[] = [],
  ): Promise<{
    shown: string[]
    where: string | undefined
    world: World
  }> {
    const world = emptyWorld('repokey')
    const shown: string[] = []
    const [left, decisions] = [[...answers], [...abort]]
    const where = await importPaperKey(
      world.repository,
      {
        ask: async (prompt) => {
          shown.push(prompt)
          return left.shift()
        },
        complain: (complaint) => shown.push(complaint),
        confirmAbort: async () => {
          shown.push('abort?')
          return decisions.shift() ?? false
        },
      },
      world.places,
    )
    return { shown, where, world }
  }
  const lines = (exports[0]?.paperkey ?? '')
    .split('\n')
    .filter((line) => line.includes(' - '))
    .map((line) => line.slice(4))

  test('complains as borg does, and asks again', async () => {
    const { shown, where } = await dialogue(['abc', lines[0], 'zz - 14', '', ...lines.slice(1)])
    expect(where).toBe('/srv/repo')
    expect(shown.slice(0, 8)).toEqual([
      'id: ',
      "each line must contain exactly one '-', try again",
      'id: ',
      ' 1: ',
      "only characters 0-9 and a-f and '-' are valid, try again [Non-hexadecimal digit found]",
      ' 1: ',
      'abort?',
      "each line must contain exactly one '-', try again",
    ])
  })

  test.each([
    ['an empty line and yes', [lines[0], ''], [true]],
    ['the end of input', [lines[0], lines[1], undefined], []],
  ])('is given up by %s, and nothing has changed', async (_, answers, abort) => {
    const { where, world } = await dialogue(answers, abort)
    expect(where).toBeUndefined()
    expect(world.repository.key).toBe('')
  })
})

describe.each(withKeys)('a stored %s', (mode) => {
  test('opens again, where a new key of its mode belongs', async () => {
    const world = await worldWith(mode, 'secret')
    const unlocked = await unlockWorld(world, 'secret')
    expect(unlocked.key).toEqual(vectorKey(mode))
    expect(unlocked.stored?.where).toBe(mode.startsWith('keyfile') ? '/keys/srv_repo' : '/srv/repo')
    expect(world.repository.key === '').toBe(mode.startsWith('keyfile'))
  })

  test('changes its passphrase and nothing else', async () => {
    const world = await worldWith(mode, 'old')
    const before = await keyText(world)
    const where = await changePassphrase(world.repository, await unlockWorld(world, 'old'), {
      newPassphrase: 'new ✓',
      keyFiles: world.places.keyFiles,
      host,
    })
    expect(where).toBe(mode.startsWith('keyfile') ? '/keys/srv_repo' : '/srv/repo')
    await expect(unlockWorld(world, 'old')).rejects.toMatchObject({ code: 'PassphraseWrong' })
    expect((await unlockWorld(world, 'new ✓')).key).toEqual(vectorKey(mode))
    expect(await keyText(world)).not.toBe(before)
  })

  test('keeps its passphrase where checking takes a feature that we do not have', async () => {
    const world = await worldWith(mode, 'old')
    const flags = new Map([['feature_flags', new Map([['check', new Map([['mandatory', ['unknown-feature']]])]])]])
    const demanding = new KeyRepository({ manifest: sealedManifest(mode, flags), key: world.repository.key })
    const before = await keyText(world)
    const change = changePassphrase(demanding, await unlockWorld(world, 'old'), {
      newPassphrase: 'new',
      keyFiles: world.places.keyFiles,
      host,
    })
    await expect(change).rejects.toMatchObject({ code: 'MandatoryFeatureUnsupported' })
    expect(await keyText({ ...world, repository: demanding })).toBe(before)
  })

  test('is written anew with a changed field', async () => {
    const world = await worldWith(mode, 'x')
    const { key, stored, passphrase } = await unlockWorld(world, 'x')
    if (stored === undefined) return expect.fail('no key stored')
    const changed = { key: { ...key, tamRequired: false }, stored, passphrase }
    await rewriteKey(world.repository, changed, { keyFiles: world.places.keyFiles, host })
    expect((await unlockWorld(world, 'x')).key).toEqual({ ...key, tamRequired: false })
  })

  test('is replaced only by a text that opens', async () => {
    const world = await worldWith(mode, 'x')
    const before = await keyText(world)
    const { key, stored, passphrase } = await unlockWorld(world, 'x')
    if (stored === undefined) return expect.fail('no key stored')
    // Both still pack, but one is taken by no reader, and one reads as another seed.
    for (const fault of [{ encryptionKey: new Uint8Array(5) }, { chunkSeed: 2 ** 31 }]) {
      const broken = { key: { ...key, ...fault }, stored, passphrase }
      await expect(rewriteKey(world.repository, broken, { keyFiles: world.places.keyFiles, host })).rejects.toThrow()
    }
    expect(await keyText(world)).toBe(before)
  })
})

test('mode none stores no key and has no passphrase to change', async () => {
  const world = emptyWorld('none')
  const { repository, places } = world
  expect(await storeNewKey(repository, { key: vectorKey('none'), passphrase: '' }, { ...places, host })).toBeUndefined()
  const unlocked = await unlockWorld(world, '')
  await expect(
    changePassphrase(repository, unlocked, { newPassphrase: 'x', keyFiles: places.keyFiles, host }),
  ).rejects.toMatchObject({
    code: 'CommandError',
    args: ['This repository is not encrypted, cannot change the passphrase.'],
  })
})

test('a new key never goes over the file BORG_KEY_FILE names', async () => {
  const world = emptyWorld('keyfile', 'mine')
  await world.places.keyFiles.store.write(storePath('mine'), encodeText('precious'))
  await expect(
    storeNewKey(world.repository, { key: vectorKey('keyfile'), passphrase: '' }, { ...world.places, host }),
  ).rejects.toThrow('Aborting because key in "/keys/mine" already exists.')
  expect(decodeText(await world.places.keyFiles.store.read(storePath('mine')))).toBe('precious')
})

describe('leaving the ancient passphrase mode', () => {
  const legacy = legacyPassphraseKey(objectIdFromHex(someRepositoryId), 'old words')
  function legacyWorld(): KeyRepository {
    const manifest = sealPayload(legacy, new Uint8Array(40), 0n)
    manifest[0] = 0x01
    return new KeyRepository({ manifest })
  }

  test('stores the derived secrets as a repokey', async () => {
    const repository = legacyWorld()
    await migrateToRepokey(repository, { passphrase: 'old words', newPassphrase: async () => 'new words', host })
    const names = { location: '', where: '' }
    expect(openKeyBlob(repository.key, 'new words', { mode: 'repokey', tamRequiredDefault: true, ...names })).toEqual(
      legacy,
    )
  })
  test('does nothing with a wrong passphrase, nor asks for a new one', async () => {
    const repository = legacyWorld()
    const options = { passphrase: 'wrong', newPassphrase: () => expect.fail('too early'), host }
    await expect(migrateToRepokey(repository, options)).rejects.toMatchObject({ code: 'PassphraseWrong' })
    expect(repository.key).toBe('')
  })
  test('is refused where a key is stored already, or another mode is in use', async () => {
    const { repository } = await worldWith('repokey', 'old words')
    const options = { passphrase: 'old words', newPassphrase: async () => 'x', host }
    await expect(migrateToRepokey(repository, options)).rejects.toMatchObject({ code: 'Error' })
    await expect(migrateToRepokey(emptyWorld('keyfile').repository, options)).rejects.toMatchObject({ code: 'Error' })
  })
})

describe('related secrets', () => {
  const fresh = (mode: KeyMode): KeyMaterial =>
    generateKey(mode, objectIdFromHex(someRepositoryId), (length) => host.randomBytes(length))

  test.each(withKeys)('of a %s make ids and cuts alike in every mode of its family, and nothing else', (mode) => {
    const key = vectorKey(mode)
    const text = exportRelatedSecrets(key)
    for (const other of withKeys) {
      const target = fresh(other)
      const related = (): KeyMaterial => importRelatedSecrets(target, { text, path: 'f' })
      if (other.endsWith('blake2') !== mode.endsWith('blake2')) {
        expect(related).toThrow('You must keep the same ID hash (HMAC-SHA256 or BLAKE2b) or deduplication will break.')
        continue
      }
      expect(related()).toEqual({ ...target, idKey: key.idKey, chunkSeed: key.chunkSeed })
    }
  })

  test('look as borg writes them', () => {
    const key = vectorKey('repokey')
    expect(exportRelatedSecrets(key)).toBe(
      `{\n    "version": 1,\n    "id_key": "${toHex(key.idKey)}",\n    "chunk_seed": ${key.chunkSeed},\n    "key_name": "repokey"\n}\n`,
    )
    expect(() => exportRelatedSecrets(vectorKey('none'))).toThrow(expect.objectContaining({ code: 'UnencryptedRepo' }))
  })

  const fields = JSON.parse(exportRelatedSecrets(vectorKey('repokey'))) as Record<string, unknown>
  test.each([
    ['no JSON', 'x', 'Command Error: Invalid JSON in related secrets file: f'],
    ['no object', '[1]', 'Command Error: Invalid JSON in related secrets file: f'],
    [
      'another version',
      JSON.stringify({ ...fields, version: 2 }),
      'Command Error: Unsupported related secrets version: 2',
    ],
    ['no hex', JSON.stringify({ ...fields, id_key: 'xx' }), 'Command Error: Invalid id_key in related secrets file: f'],
    [
      'a short key',
      JSON.stringify({ ...fields, id_key: '00' }),
      'Command Error: Invalid id_key in related secrets file: f',
    ],
    [
      'no seed',
      JSON.stringify({ ...fields, chunk_seed: null }),
      'Command Error: Invalid chunk_seed in related secrets file: f',
    ],
    [
      'an unkeyed family',
      JSON.stringify({ ...fields, key_name: 'plaintext' }),
      'Error: You must keep the same ID hash (HMAC-SHA256 or BLAKE2b) or deduplication will break.',
    ],
  ])('%s is refused', (_, text, message) => {
    expect(() => importRelatedSecrets(fresh('repokey'), { text, path: 'f' })).toThrow(message)
  })
})
