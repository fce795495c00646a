/**
 * `borg key ...`: export, import, new passphrases, and where new keys are stored.
 *
 * Keys at rest are text under a passphrase: exporting and importing never opens them, and needs no passphrase.
 * Source: CLI contract commands.md section 12, format sheet crypto.md sections 4-6; tried out with borg 1.2.4.
 */
import { decodeManifest, requireFeatures } from '../archive/manifest.ts'
import { equalSecrets, toHex } from '../base/bytes.ts'
import { BorgError, isBorgError } from '../base/errors.ts'
import type { Host } from '../base/host.ts'
import { dataSizeMax } from '../base/limits.ts'
import { encodeText } from '../base/text.ts'
import { decompress } from '../compress/registry.ts'
import { openPayload } from '../crypto/envelope.ts'
import {
  keyBlobBytes,
  keyBlobSaltSize,
  keyFileMagic,
  keyFileText,
  legacyPassphraseKey,
  openKeyBlob,
  sealKeyBlob,
} from '../crypto/key-blob.ts'
import { keyPage } from '../crypto/key-page.ts'
import type { KeyMaterial, KeyMode } from '../crypto/key-material.ts'
import { modes } from '../crypto/modes.ts'
import { PaperKeyReader, paperKeyText } from '../crypto/paper-key.ts'
import type { PassphraseSource } from '../crypto/passphrase.ts'
import { parseRelatedSecrets, relatedSecretsText, withRelatedSecrets } from '../crypto/related-secrets.ts'
import type { Location } from '../location/location.ts'
import type { Repository, RepositoryReader } from '../repository/repository.ts'
import { type KeyFiles, keyFileForImport, newKeyFile, saveKeyFile, whereIs } from '../session/keyfiles.ts'
import {
  loadManifest,
  loadStoredKey,
  modeOfManifest,
  type StoredKey,
  tryPassphrases,
  type Unlocked,
} from '../session/unlock.ts'

export type KeyExportFormat = 'plain' | 'paper' | 'qr-html'

export interface KeyPlaces {
  readonly keyFiles: KeyFiles
  /** Where the repository is: names a new key file. */
  readonly location: Location
}

/** What opening a repository for a key command needs of it. */
type KeyRepository = Pick<Repository, 'id' | 'location' | 'loadKey' | 'saveKey' | 'get'>

/**
 * The key as text to keep somewhere else; it stays protected by its passphrase.
 * @throws BorgError 'NoManifestError' | 'UnencryptedRepo' | 'RepoKeyNotFoundError' and what `findKeyFile` throws.
 */
export async function exportKey(
  repository: RepositoryReader,
  options: { readonly keyFiles: KeyFiles; readonly format?: KeyExportFormat | undefined },
): Promise<string> {
  const mode = await keyModeOf(repository)
  const stored = await loadStoredKey(repository, mode, options.keyFiles)
  const text = keyFileText(repository.id, stored.blob)
  switch (options.format ?? 'plain') {
    case 'plain':
      return text
    case 'paper':
      return paperKeyText(
        repository.id,
        keyBlobBytes(stored.blob, { location: repository.location, where: stored.where }),
      )
    case 'qr-html':
      return keyPage(text, toHex(repository.id))
  }
}

/**
 * Puts back what `exportKey` gave in format 'plain'. A present key is replaced, so what is certainly no key is refused,
 * where borg would take it. Returns where the key is now.
 * @throws BorgError 'NotABorgKeyFile' | 'RepoIdMismatch' | 'NoManifestError' | 'UnencryptedRepo'
 */
export async function importKey(repository: KeyRepository, text: string, places: KeyPlaces): Promise<string> {
  const mode = await keyModeOf(repository)
  if (!text.startsWith(keyFileMagic)) throw new BorgError('NotABorgKeyFile', [])
  const lineEnd = text.indexOf('\n')
  const [header, blob] = [text.slice(0, lineEnd).replace(/\r$/, ''), text.slice(lineEnd + 1)]
  if (lineEnd < 0 || header !== keyFileMagic + toHex(repository.id)) throw new BorgError('RepoIdMismatch', [])
  try {
    keyBlobBytes(blob, { location: repository.location, where: '' })
  } catch (error) {
    if (isBorgError(error, 'KeyfileInvalidError')) throw new BorgError('NotABorgKeyFile', [], { cause: error })
    throw error
  }
  return storeImported(repository, mode, blob.replaceAll('\r\n', '\n').trimEnd(), places)
}

/** How a paper key is asked for: a terminal, or a form. */
export interface PaperDialogue {
  /** One line of input, without its end; undefined when there will be no more. */
  readonly ask: (prompt: string) => Promise<string | undefined>
  /** What is wrong with the last line. */
  readonly complain: (complaint: string) => void
  /** Asked after an empty line. */
  readonly confirmAbort: () => Promise<boolean>
}

/**
 * Asks for the lines of a paper key until they fit together, then stores the key. Returns where, or undefined when the
 * dialogue was given up: then nothing has changed.
 * @throws BorgError 'RepoIdMismatch' | 'NoManifestError' | 'UnencryptedRepo'
 */
export async function importPaperKey(
  repository: KeyRepository,
  dialogue: PaperDialogue,
  places: KeyPlaces,
): Promise<string | undefined> {
  const mode = await keyModeOf(repository)
  const reader = new PaperKeyReader(repository.id)
  while (reader.blob === undefined) {
    const line = await dialogue.ask(reader.prompt)
    if (line === undefined) return undefined
    if (line.trim() === '' && (await dialogue.confirmAbort())) return undefined
    const complaint = reader.feed(line)
    if (complaint !== undefined) dialogue.complain(complaint)
  }
  return storeImported(repository, mode, reader.blob, places)
}

/**
 * Protects the same secrets with another passphrase. Copies of the key under the old one stay valid. Returns where the
 * key is.
 * @throws BorgError 'CommandError' when there is no key.
 */
export async function changePassphrase(
  repository: KeyRepository,
  unlocked: Unlocked,
  options: { readonly newPassphrase: string; readonly keyFiles: KeyFiles; readonly host: Host },
): Promise<string> {
  const { key, stored } = unlocked
  if (stored === undefined) {
    throw new BorgError('CommandError', ['This repository is not encrypted, cannot change the passphrase.'])
  }
  const packed = await decompress(openPayload(key, undefined, await loadManifest(repository)), dataSizeMax)
  requireFeatures(decodeManifest(packed, key, { tamRequired: false }), ['check'])
  return rewriteKey(repository, { key, stored, passphrase: options.newPassphrase }, options)
}

/**
 * Writes a key to where it was found, after a change of its passphrase or its fields. Returns where that is. The old
 * text is replaced only after the new one has been opened again.
 */
export async function rewriteKey(
  repository: KeyRepository,
  changed: { readonly key: KeyMaterial; readonly stored: StoredKey; readonly passphrase: string },
  options: { readonly keyFiles: KeyFiles; readonly host: Host },
): Promise<string> {
  const { stored } = changed
  const blob = sealAndTry(changed.key, changed.passphrase, options.host, stored.where)
  if (stored.file === undefined) await repository.saveKey(encodeText(blob))
  else await saveKeyFile(options.keyFiles, stored.file.path, repository.id, blob)
  return stored.where
}

/**
 * Stores the key of a new repository, beside it or in a new key file, as its mode has it. Returns where; undefined for
 * mode `none`, which has nothing to store.
 * @throws BorgError 'Error' when BORG_KEY_FILE names an existing file.
 */
export async function storeNewKey(
  repository: Pick<Repository, 'id' | 'location' | 'saveKey'>,
  made: { readonly key: KeyMaterial; readonly passphrase: string },
  options: KeyPlaces & { readonly host: Host },
): Promise<string | undefined> {
  const { key, passphrase } = made
  switch (modes[key.mode].storage) {
    case 'none':
      return undefined
    case 'repository':
      await repository.saveKey(encodeText(sealAndTry(key, passphrase, options.host, repository.location)))
      return repository.location
    case 'keyfile': {
      const path = await newKeyFile(options.keyFiles, options.location)
      const where = whereIs(options.keyFiles, path)
      await saveKeyFile(options.keyFiles, path, repository.id, sealAndTry(key, passphrase, options.host, where))
      return where
    }
  }
}

/**
 * From the ancient passphrase mode, where the key was derived from the passphrase, to a stored repokey with the same
 * secrets. Objects stay as they are. `newPassphrase` is asked for only once the old one has proved right.
 * @throws BorgError 'Error' when the repository has a stored key, and what `tryPassphrases` throws.
 */
export async function migrateToRepokey(
  repository: KeyRepository,
  options: {
    readonly passphrase?: PassphraseSource | undefined
    readonly newPassphrase: (old: string) => Promise<string>
    readonly host: Host
  },
): Promise<void> {
  const manifest = await loadManifest(repository)
  if (modeOfManifest(manifest) !== 'repokey' || (await repository.loadKey()).length > 0) {
    throw new BorgError('Error', ['This repository does not use the passphrase mode, there is nothing to migrate.'])
  }
  const found = await tryPassphrases(options.passphrase, repository.location, (passphrase) => {
    const key = legacyPassphraseKey(repository.id, passphrase)
    return decrypts(key, manifest) ? { key, passphrase } : undefined
  })
  const blob = sealAndTry(found.key, await options.newPassphrase(found.passphrase), options.host, repository.location)
  await repository.saveKey(encodeText(blob))
}

/** What related repositories must share to deduplicate alike: for `key export-related-secrets`. */
export function exportRelatedSecrets(key: KeyMaterial): string {
  return relatedSecretsText(key)
}

/** A fresh key with the shared secrets of a related repository: for `init --import-related-secrets`. */
export function importRelatedSecrets(
  fresh: KeyMaterial,
  secrets: { readonly text: string; readonly path: string },
): KeyMaterial {
  return withRelatedSecrets(fresh, parseRelatedSecrets(secrets.text, secrets.path))
}

/** @throws BorgError 'NoManifestError' | 'UnencryptedRepo' */
async function keyModeOf(repository: Pick<RepositoryReader, 'get'>): Promise<KeyMode> {
  const mode = modeOfManifest(await loadManifest(repository))
  if (mode === 'none') throw new BorgError('UnencryptedRepo', [])
  return mode
}

async function storeImported(
  repository: KeyRepository,
  mode: KeyMode,
  blob: string,
  { keyFiles, location }: KeyPlaces,
): Promise<string> {
  if (modes[mode].storage === 'repository') {
    await repository.saveKey(encodeText(blob))
    return repository.location
  }
  const path = await keyFileForImport(keyFiles, repository.id, { location, shown: repository.location })
  await saveKeyFile(keyFiles, path, repository.id, blob)
  return whereIs(keyFiles, path)
}

/** The text that replaces the only other copy: it has to open to the same secrets, or nothing is written. */
function sealAndTry(key: KeyMaterial, passphrase: string, host: Host, where: string): string {
  const blob = sealKeyBlob(key, passphrase, host.randomBytes(keyBlobSaltSize))
  const names = { location: where, where }
  const opened = openKeyBlob(blob, passphrase, { mode: key.mode, tamRequiredDefault: !key.tamRequired, ...names })
  if (opened === undefined || !sameSecrets(opened, key)) throw new TypeError('a key just sealed does not open again')
  return blob
}

function sameSecrets(a: KeyMaterial, b: KeyMaterial): boolean {
  return (
    equalSecrets(a.encryptionKey, b.encryptionKey) &&
    equalSecrets(a.macKey, b.macKey) &&
    equalSecrets(a.idKey, b.idKey) &&
    a.chunkSeed === b.chunkSeed &&
    a.tamRequired === b.tamRequired
  )
}

function decrypts(key: KeyMaterial, manifest: Uint8Array): boolean {
  try {
    openPayload(key, undefined, manifest)
    return true
  } catch (error) {
    if (isBorgError(error, 'IntegrityError')) return false
    throw error
  }
}
