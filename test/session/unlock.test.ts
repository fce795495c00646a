import { describe, expect, test } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import { encodeText } from '../../src/base/text.ts'
import { sealPayload } from '../../src/crypto/envelope.ts'
import { sealKeyBlob } from '../../src/crypto/key-blob.ts'
import type { KeyMode } from '../../src/crypto/key-material.ts'
import { modes } from '../../src/crypto/modes.ts'
import type { KeyFiles } from '../../src/session/keyfiles.ts'
import { loadManifest, type Unlocked, unlock, type UnlockOptions } from '../../src/session/unlock.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { allModes, keyOf, modeVectors, title, vectorKey } from '../crypto/key-vectors.ts'
import { KeyRepository } from '../support/key-repository.ts'

const noKeyFiles: KeyFiles = { store: new MemoryStore(), directory: '/keys' }

/** A repository of `mode` whose key is under `passphrase`. */
async function repositoryWith(
  mode: KeyMode,
  passphrase: string,
): Promise<{ repository: KeyRepository; keyFiles: KeyFiles }> {
  const key = vectorKey(mode)
  const manifest = sealPayload(key, new Uint8Array(4), 0n)
  const keyFiles = { store: new MemoryStore(), directory: '/keys' }
  if (mode === 'none') return { repository: new KeyRepository({ manifest }), keyFiles }
  const blob = sealKeyBlob(key, passphrase, new Uint8Array(32))
  if (modes[mode].storage === 'repository') return { repository: new KeyRepository({ manifest, key: blob }), keyFiles }
  const repository = new KeyRepository({ manifest })
  await keyFiles.store.write(
    storePath('k'),
    encodeText(`BORG_KEY ${Buffer.from(repository.id).toString('hex')}\n${blob}\n`),
  )
  return { repository, keyFiles }
}

async function unlockWith(mode: KeyMode, passphrase: string, options: Partial<UnlockOptions>): Promise<Unlocked> {
  const { repository, keyFiles } = await repositoryWith(mode, passphrase)
  return unlock(repository, await loadManifest(repository), { keyFiles, ...options })
}

/** Answers one after the other, then gives up; remembers how it was asked. */
function asked(...answers: string[]): {
  source: (attempt: number, where: string) => Promise<string | undefined>
  calls: unknown[]
} {
  const calls: unknown[] = []
  const source = async (attempt: number, where: string): Promise<string | undefined> => {
    calls.push([attempt, where])
    return answers[attempt - 1]
  }
  return { source, calls }
}

describe.each(modeVectors.filter(({ samples }) => samples !== undefined))('$mode', (vector) => {
  test(`unlocks what borg wrote: ${title(vector)}`, async () => {
    const key = keyOf(vector)
    const manifest = sealPayload(key, new Uint8Array(4), 0n)
    const store = new MemoryStore()
    const inFile = key.mode.startsWith('keyfile')
    if (inFile) await store.write(storePath('some'), encodeText(vector.key_text ?? ''))
    const repository = new KeyRepository({
      manifest,
      key: inFile ? '' : (vector.key_text ?? '').replaceAll('\n', '\n\t'),
    })

    const unlocked = await unlock(repository, manifest, {
      keyFiles: { store, directory: '/keys' },
      passphrase: vector.passphrase,
    })

    expect(unlocked.key).toEqual(key)
    expect(unlocked.stored?.where).toBe(key.mode === 'none' ? undefined : inFile ? '/keys/some' : '/srv/repo')
  })
})

describe('passphrases', () => {
  test('a configured one is tried once; when it is wrong nobody is asked', async () => {
    await expect(unlockWith('repokey', 'right', { passphrase: 'wrong' })).rejects.toMatchObject({
      code: 'PassphraseWrong',
    })
    await expect(unlockWith('repokey', '', { passphrase: 'wrong' })).rejects.toMatchObject({ code: 'PassphraseWrong' })
    await expect(unlockWith('repokey', 'right', { passphrase: '' })).rejects.toMatchObject({ code: 'PassphraseWrong' })
    expect((await unlockWith('repokey', 'right', { passphrase: 'right' })).passphrase).toBe('right')
  })

  test('the empty one is tried before anybody is asked', async () => {
    const { source, calls } = asked('x')
    expect((await unlockWith('repokey', '', { passphrase: source })).passphrase).toBe('')
    expect(calls).toEqual([])
    expect((await unlockWith('repokey', '', {})).passphrase).toBe('')
  })

  test('three are asked for, told where the key is', async () => {
    const { source, calls } = asked('a', 'b', 'right')
    expect((await unlockWith('keyfile', 'right', { passphrase: source })).passphrase).toBe('right')
    expect(calls).toEqual([
      [1, '/keys/k'],
      [2, '/keys/k'],
      [3, '/keys/k'],
    ])
  })

  test('and no fourth', async () => {
    const { source, calls } = asked('a', 'b', 'c', 'right')
    await expect(unlockWith('repokey', 'right', { passphrase: source })).rejects.toMatchObject({
      code: 'PasswordRetriesExceeded',
    })
    expect(calls).toHaveLength(3)
  })

  test('nobody to ask, or somebody who gives up, ends it', async () => {
    await expect(unlockWith('repokey', 'right', {})).rejects.toMatchObject({ code: 'NoPassphraseFailure' })
    const { source, calls } = asked('a')
    await expect(unlockWith('repokey', 'right', { passphrase: source })).rejects.toMatchObject({
      code: 'NoPassphraseFailure',
    })
    expect(calls).toHaveLength(2)
  })

  test('mode none asks for nothing', async () => {
    const { source, calls } = asked()
    const unlocked = await unlockWith('none', '', { passphrase: source })
    expect(unlocked.key).toEqual(vectorKey('none'))
    expect(unlocked.stored).toBeUndefined()
    expect(calls).toEqual([])
  })
})

test.each<[KeyMode, string, boolean]>([
  ['none', '', false],
  ['authenticated', 'x', false],
  ['authenticated-blake2', 'x', false],
  ['repokey', 'x', true],
  ['repokey', '', false],
  ['repokey-blake2', '', false],
  ['keyfile', '', true],
  ['keyfile-blake2', 'x', true],
])('%s under passphrase "%s": logically encrypted %s', async (mode, passphrase, expected) => {
  expect((await unlockWith(mode, passphrase, { passphrase })).logicallyEncrypted).toBe(expected)
})

describe('keys that are not there', () => {
  test('in the repository', async () => {
    const manifest = sealPayload(vectorKey('repokey'), new Uint8Array(4), 0n)
    const repository = new KeyRepository({ manifest })
    await expect(unlock(repository, manifest, { keyFiles: noKeyFiles })).rejects.toMatchObject({
      code: 'RepoKeyNotFoundError',
      args: ['/srv/repo'],
    })
  })
  test('as a key file', async () => {
    const manifest = sealPayload(vectorKey('keyfile'), new Uint8Array(4), 0n)
    const repository = new KeyRepository({ manifest })
    await expect(unlock(repository, manifest, { keyFiles: noKeyFiles })).rejects.toMatchObject({
      code: 'KeyfileNotFoundError',
      args: ['/srv/repo', '/keys'],
    })
  })
  test('because the text is none', async () => {
    const manifest = sealPayload(vectorKey('repokey'), new Uint8Array(4), 0n)
    const repository = new KeyRepository({ manifest, key: 'abcdefgh' })
    await expect(unlock(repository, manifest, { keyFiles: noKeyFiles, passphrase: 'x' })).rejects.toMatchObject({
      code: 'KeyfileInvalidError',
      args: ['/srv/repo', '/srv/repo'],
    })
  })
})

describe('the manifest decides', () => {
  test('an unknown first byte is a newer repository', async () => {
    const manifest = Uint8Array.of(0x10, 0, 0)
    await expect(unlock(new KeyRepository(), manifest, { keyFiles: noKeyFiles })).rejects.toMatchObject({
      code: 'UnsupportedPayloadError',
      args: ['16'],
    })
    await expect(unlock(new KeyRepository(), new Uint8Array(0), { keyFiles: noKeyFiles })).rejects.toMatchObject({
      code: 'IntegrityError',
    })
  })
  test('the legacy type means a repokey', async () => {
    const { repository, keyFiles } = await repositoryWith('repokey', 'x')
    const unlocked = await unlock(repository, Uint8Array.of(0x01), { keyFiles, passphrase: 'x' })
    expect(unlocked.key).toEqual(vectorKey('repokey'))
  })
  test('without a manifest there is none to decide', async () => {
    await expect(loadManifest(new KeyRepository())).rejects.toMatchObject({ code: 'NoManifestError' })
  })
})

test('a lost key of an authenticated repository can be done without, of others not', async () => {
  for (const mode of allModes) {
    const manifest = sealPayload(vectorKey(mode), new Uint8Array(4), 0n)
    const attempt = unlock(new KeyRepository({ manifest }), manifest, {
      keyFiles: noKeyFiles,
      authenticatedNoKey: true,
    })
    if (mode.startsWith('authenticated')) {
      expect((await attempt).key).toMatchObject({ mode, withoutSecrets: true, tamRequired: false })
    } else if (mode === 'none') {
      expect((await attempt).key.withoutSecrets).toBeUndefined()
    } else {
      const code = mode.startsWith('keyfile') ? 'KeyfileNotFoundError' : 'RepoKeyNotFoundError'
      await expect(attempt).rejects.toMatchObject({ code })
    }
  }
})
