/**
 * Makes a new repository: layout, key, first manifest.
 */
import { BorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { systemHost } from '../base/host.ts'
import type { ObjectId } from '../base/ids.ts'
import { parseCompressionSpec } from '../compress/spec.ts'
import { generateKey } from '../crypto/key-blob.ts'
import type { KeyMode } from '../crypto/key-material.ts'
import { type RelatedSecrets, withRelatedSecrets } from '../crypto/related-secrets.ts'
import type { Repository } from '../repository/repository.ts'
import { createRepository, placeOf, type RepositoryTarget } from '../session/connect.ts'
import { defaultDirectories } from '../session/directories.ts'
import { localKeyFiles } from '../session/keyfiles.ts'
import { openFreshRepository } from '../session/open.ts'
import type { OpenOptions } from '../session/repository-session.ts'
import { isLogicallyEncrypted, type Unlocked } from '../session/unlock.ts'
import { storeNewKey } from './keys.ts'

export interface InitOptions extends Omit<OpenOptions, 'access' | 'passphrase'> {
  readonly encryption: KeyMode
  /** Asked for only when the mode has a key; may be empty. */
  readonly passphrase?: string | (() => Promise<string>) | undefined
  readonly appendOnly?: boolean | undefined
  /** Bytes; 0 or absent: none. */
  readonly quotaBytes?: number | undefined
  readonly makeParents?: boolean | undefined
  /** Deduplicate as another repository does: its id key and chunk seed. */
  readonly relatedSecrets?: RelatedSecrets | undefined
}

export interface InitResult {
  readonly id: ObjectId
  /** Where the key is: a path, or the repository's location. Undefined without a key. */
  readonly keyPlace: string | undefined
}

/** @throws BorgError 'Repository.AlreadyExists' | 'Repository.PathAlreadyExists' | 'Repository.ParentPathDoesNotExist' ... */
export async function initRepository(
  target: RepositoryTarget,
  options: InitOptions,
  run: RunOptions = {},
): Promise<InitResult> {
  const { location } = placeOf(target)
  // Before anything is made: half a repository would be in the way of the next attempt.
  if (options.compression !== undefined) parseCompressionSpec(options.compression)
  if (options.relatedSecrets !== undefined && options.encryption === 'none') {
    throw new BorgError('CommandError', ['A repository without encryption has no key that could take secrets over'])
  }
  reportLog(run, 'info', `Initializing repository at "${location}"`)
  // One connection for all of it: over ssh each may ask for a password.
  const repository = await createRepository(target, options, run)
  const connection = { ...options, access: 'write', passphrase: undefined } as const
  const { unlocked, ...made } = await makeKey(target, repository, options, run)
  await using session = await openFreshRepository(repository, unlocked, connection)
  await using cache = await session.openCache({ files: 'disabled' }, run)
  void cache // made now, so that the first backup does not have to
  return made
}

type MadeKey = InitResult & { readonly unlocked: Unlocked }

async function makeKey(
  target: RepositoryTarget,
  repository: Repository,
  options: InitOptions,
  run: RunOptions,
): Promise<MadeKey> {
  try {
    return await storeKey(target, repository, options, run)
  } catch (error) {
    await removeAgain(repository)
    throw error
  }
}

/** Nothing is in it yet: a repository without key and manifest would only be in the way. */
async function removeAgain(repository: Repository): Promise<void> {
  try {
    await repository.destroy()
  } finally {
    await repository[Symbol.asyncDispose]()
  }
}

async function storeKey(
  target: RepositoryTarget,
  repository: Repository,
  options: InitOptions,
  run: RunOptions,
): Promise<MadeKey> {
  const host = options.host ?? systemHost
  const { encryption: mode, relatedSecrets } = options
  const fresh = generateKey(mode, repository.id, (length) => host.randomBytes(length))
  if (mode === 'none') {
    reportLog(run, 'info', 'Encryption NOT enabled.\nUse the "--encryption=repokey|keyfile" to enable encryption.')
    const unlocked = { key: fresh, passphrase: '', logicallyEncrypted: false }
    return { unlocked, id: repository.id, keyPlace: undefined }
  }
  const key = relatedSecrets === undefined ? fresh : withRelatedSecrets(fresh, relatedSecrets)
  const passphrase = typeof options.passphrase === 'function' ? await options.passphrase() : (options.passphrase ?? '')
  const keyFiles = localKeyFiles(options.directories ?? defaultDirectories())
  const { parsed, location: name } = placeOf(target)
  const location = parsed ?? { scheme: 'file', path: name }
  const keyPlace = await storeNewKey(repository, { key, passphrase }, { keyFiles, host, location })
  reportLog(run, 'info', `Key in "${keyPlace}" created.`)
  reportLog(run, 'info', 'Keep this key safe. Your data will be inaccessible without it.')
  const unlocked = { key, passphrase, logicallyEncrypted: isLogicallyEncrypted(mode, passphrase) }
  return { unlocked, id: repository.id, keyPlace }
}
