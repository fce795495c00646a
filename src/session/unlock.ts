/**
 * From a repository and somebody who knows the passphrase to the key.
 *
 * The manifest's first byte says what kind of key there is and where it lies. A configured passphrase is tried once;
 * without one the empty passphrase is tried silently, then somebody is asked, three times at most.
 * Source: format sheet crypto.md sections 1 and 5, CLI contract common.md section 8.
 */
import { BorgError, isBorgError } from '../base/errors.ts'
import { manifestId } from '../base/ids.ts'
import { decodeText } from '../base/text.ts'
import { generateKey, openKeyBlob } from '../crypto/key-blob.ts'
import type { KeyMaterial, KeyMode } from '../crypto/key-material.ts'
import { modeOfType, modes } from '../crypto/modes.ts'
import type { PassphraseSource } from '../crypto/passphrase.ts'
import type { RepositoryReader } from '../repository/repository.ts'
import { findKeyFile, type FoundKeyFile, type KeyFiles } from './keyfiles.ts'

export interface UnlockOptions {
  readonly keyFiles: KeyFiles
  readonly passphrase?: PassphraseSource | undefined
  /** Whether this client has seen authenticated manifests here: old keys do not say whether they need them. */
  readonly tamRequiredDefault?: boolean | undefined
  /** borg's workaround `authenticated_no_key`: read authenticated repositories whose key is lost, unchecked. */
  readonly authenticatedNoKey?: boolean | undefined
}

/** A key at rest. */
export interface StoredKey {
  readonly mode: KeyMode
  /** What errors and prompts name: the key file's path, or the repository's location. */
  readonly where: string
  readonly blob: string
  readonly file?: FoundKeyFile | undefined
}

export interface Unlocked {
  readonly key: KeyMaterial
  /** Undefined where there is none to be stored: mode `none`, and without secrets. */
  readonly stored?: StoredKey | undefined
  /** What opened it: for writing the key again. */
  readonly passphrase: string
  /** Whether reading the repository takes more than having it. */
  readonly logicallyEncrypted: boolean
}

const attemptsMax = 3

/** `manifest` is the stored object, still sealed. @throws BorgError, see `loadStoredKey` and `unlockStoredKey`. */
export async function unlock(
  repository: Pick<RepositoryReader, 'id' | 'location' | 'loadKey'>,
  manifest: Uint8Array,
  options: UnlockOptions,
): Promise<Unlocked> {
  const mode = modeOfManifest(manifest)
  if (mode === 'none') {
    const key = generateKey(mode, repository.id, () => new Uint8Array(0))
    return { key, passphrase: '', logicallyEncrypted: false }
  }
  if (options.authenticatedNoKey && (mode === 'authenticated' || mode === 'authenticated-blake2')) {
    return { key: withoutSecrets(mode, repository), passphrase: '', logicallyEncrypted: false }
  }
  return unlockStoredKey(repository, await loadStoredKey(repository, mode, options.keyFiles), options)
}

/** @throws BorgError 'NoManifestError' when the repository has none. */
export async function loadManifest(repository: Pick<RepositoryReader, 'get'>): Promise<Uint8Array> {
  try {
    return await repository.get(manifestId)
  } catch (error) {
    if (isBorgError(error, 'Repository.ObjectNotFound')) throw new BorgError('NoManifestError', [], { cause: error })
    throw error
  }
}

/** @throws BorgError 'UnsupportedPayloadError' for a key mode borg 1.x does not have. */
export function modeOfManifest(manifest: Uint8Array): KeyMode {
  const typeByte = manifest[0]
  if (typeByte === undefined) throw new BorgError('IntegrityError', ['the manifest is empty'])
  const mode = modeOfType(typeByte)
  if (mode === undefined) throw new BorgError('UnsupportedPayloadError', [String(typeByte)])
  return mode
}

/** Finds the key without opening it. @throws BorgError 'RepoKeyNotFoundError' and what `findKeyFile` throws. */
export async function loadStoredKey(
  repository: Pick<RepositoryReader, 'id' | 'location' | 'loadKey'>,
  mode: KeyMode,
  keyFiles: KeyFiles,
): Promise<StoredKey> {
  if (modes[mode].storage === 'keyfile') {
    const file = await findKeyFile(keyFiles, repository.id, repository.location)
    return { mode, where: file.where, blob: file.blob, file }
  }
  const blob = decodeText(await repository.loadKey()).trim()
  if (blob === '') throw new BorgError('RepoKeyNotFoundError', [repository.location])
  return { mode, where: repository.location, blob }
}

/** Opens a key. @throws BorgError 'KeyfileInvalidError' and what `tryPassphrases` throws. */
export async function unlockStoredKey(
  repository: Pick<RepositoryReader, 'location'>,
  stored: StoredKey,
  options: Pick<UnlockOptions, 'passphrase' | 'tamRequiredDefault'>,
): Promise<Unlocked> {
  return tryPassphrases(options.passphrase, stored.where, (passphrase) => {
    const key = openKeyBlob(stored.blob, passphrase, {
      mode: stored.mode,
      tamRequiredDefault: options.tamRequiredDefault ?? false,
      location: repository.location,
      where: stored.where,
    })
    if (key === undefined) return undefined
    return { key, stored, passphrase, logicallyEncrypted: isLogicallyEncrypted(stored.mode, passphrase) }
  })
}

/**
 * The passphrase policy: `attempt` answers undefined when the passphrase is wrong.
 * @throws BorgError 'PassphraseWrong' | 'PasswordRetriesExceeded' | 'NoPassphraseFailure'
 */
export async function tryPassphrases<T>(
  source: PassphraseSource | undefined,
  where: string,
  attempt: (passphrase: string) => T | undefined,
): Promise<T> {
  if (typeof source === 'string') {
    const result = attempt(source)
    // Configured and wrong: asking now would hide a mistake, and hang where nobody sits.
    if (result === undefined) throw new BorgError('PassphraseWrong', [])
    return result
  }
  const unprotected = attempt('')
  if (unprotected !== undefined) return unprotected
  if (source === undefined) throw new BorgError('NoPassphraseFailure', ['there is nobody to ask.'])
  for (let number = 1; number <= attemptsMax; number++) {
    const passphrase = await source(number, where)
    if (passphrase === undefined) throw new BorgError('NoPassphraseFailure', ['none was given.'])
    const result = attempt(passphrase)
    if (result !== undefined) return result
  }
  throw new BorgError('PasswordRetriesExceeded', [])
}

/** A key beside the data and under no passphrase protects nobody; a key file is somewhere else. */
export function isLogicallyEncrypted(mode: KeyMode, passphrase: string): boolean {
  const { cipher, storage } = modes[mode]
  return cipher !== 'none' && (storage === 'keyfile' || passphrase !== '')
}

function withoutSecrets(mode: KeyMode, repository: Pick<RepositoryReader, 'id'>): KeyMaterial {
  const zeros = (): Uint8Array => new Uint8Array(modes[mode].idHash === 'blake2b' ? 128 : 32)
  return {
    mode,
    repositoryId: repository.id,
    encryptionKey: new Uint8Array(32),
    macKey: zeros(),
    idKey: zeros(),
    chunkSeed: 0,
    tamRequired: false,
    withoutSecrets: true,
  }
}
