/**
 * Opening a repository: connect, unlock, read and believe the manifest.
 */
import { decodeManifest, emptyManifest, type Manifest } from '../archive/manifest.ts'
import { BorgError, isBorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import { manifestId } from '../base/ids.ts'
import { repositoryFacts } from '../cache/cache.ts'
import { checkSecurity, type SecurityDirectory } from '../cache/security.ts'
import { defaultCompression } from '../compress/spec.ts'
import { nonceOf } from '../crypto/envelope.ts'
import { type KeyMaterial, wipe } from '../crypto/key-material.ts'
import { firstFreeAfter, NonceAllocator, type NonceLedger } from '../crypto/nonces.ts'
import type { Repository } from '../repository/repository.ts'
import { type LanePool, openLanes } from '../workers/lane-pool.ts'
import { connectRepository, placeOf, type RepositoryTarget } from './connect.ts'
import { localKeyFiles } from './keyfiles.ts'
import {
  cacheStore,
  type OpenOptions,
  RepositorySession,
  type SessionContext,
  sessionContext,
} from './repository-session.ts'
import type { ReadSession, WriteSession } from './session.ts'
import { loadManifest, type Unlocked, unlock } from './unlock.ts'

/** Plaintext and stored bytes under way at most. */
const laneBytes = 64 * 1024 * 1024

/** Finds, locks, unlocks and checks. Dispose of the session. @throws BorgError of all the families on that way */
export async function openRepository(
  target: RepositoryTarget,
  options: OpenOptions & { readonly access: 'write' },
  run?: RunOptions,
): Promise<WriteSession>
export async function openRepository(
  target: RepositoryTarget,
  options: OpenOptions & { readonly access: 'read' | 'unlocked' },
  run?: RunOptions,
): Promise<ReadSession>
export async function openRepository(
  target: RepositoryTarget,
  options: OpenOptions,
  run: RunOptions = {},
): Promise<WriteSession> {
  const { location } = placeOf(target)
  const repository = await connectRepository(target, options, run)
  let key: KeyMaterial | undefined
  let lanes: LanePool | undefined
  try {
    const context = sessionContext(repository, location, options)
    const stored = await loadManifest(repository)
    const unlocked = await unlockWith(repository, stored, context, options)
    key = unlocked.key
    lanes = await lanesFor(key, options)
    const packed = await lanes.next().open(undefined, stored)
    const manifest = await believe(packed, key, context, run)
    await checkSecurity(
      context.security,
      repositoryFacts({ location, manifest, ...unlocked }),
      cacheStore(context, repository.id),
      { lockWaitSeconds: context.lockWaitSeconds, host: context.host },
      run,
    )
    const nonces = noncesFor(repository, context.security, stored)
    return new RepositorySession({ repository, context, unlocked, lanes, manifest, nonces })
  } catch (error) {
    await abandon(repository, lanes, key)
    throw error
  }
}

/** Writes the first manifest of a repository that has none, and remembers the repository as known. For `init`. Takes repository and key: on failure they are closed and wiped. */
export async function openFreshRepository(
  repository: Repository,
  unlocked: Unlocked,
  options: OpenOptions,
): Promise<WriteSession> {
  const { key } = unlocked
  let lanes: LanePool | undefined
  try {
    const context = sessionContext(repository, repository.location, options)
    lanes = await lanesFor(key, options)
    const nonces = noncesFor(repository, context.security, undefined)
    const manifest = emptyManifest(key.tamRequired)
    const session = new RepositorySession({ repository, context, unlocked, lanes, manifest, nonces })
    await session.commit()
    await context.security.save(repositoryFacts(session))
    if (key.tamRequired) await context.security.requireTam()
    return session
  } catch (error) {
    await abandon(repository, lanes, key)
    throw error
  }
}

async function abandon(repository: Repository, lanes?: LanePool, key?: KeyMaterial): Promise<void> {
  try {
    await lanes?.[Symbol.asyncDispose]()
  } finally {
    if (key !== undefined) wipe(key)
    await repository[Symbol.asyncDispose]()
  }
}

/** What a check needs of an opened repository whose manifest may be lost: key, lanes and nonces. */
export interface CheckAccess extends AsyncDisposable {
  readonly key: KeyMaterial
  readonly lanes: LanePool
  readonly nonces: NonceAllocator
  readonly host: Host
  readonly security: SecurityDirectory
}

/** Any object tells what kind of key there is: `sample` if given, the manifest if it is there, else the first one found. */
export async function unlockForCheck(
  repository: Repository,
  options: OpenOptions,
  sample?: Uint8Array,
): Promise<CheckAccess> {
  const context = sessionContext(repository, repository.location, options)
  // With a sample nobody looks into the index, which may be what is broken.
  const manifest = sample === undefined ? await storedManifest(repository) : undefined
  const stored = sample ?? manifest ?? (await someObject(repository))
  const { key } = await unlockWith(repository, stored, context, options)
  try {
    const lanes = await lanesFor(key, options)
    return {
      key,
      lanes,
      host: context.host,
      security: context.security,
      nonces: noncesFor(repository, context.security, manifest),
      async [Symbol.asyncDispose]() {
        await lanes[Symbol.asyncDispose]()
        wipe(key)
      },
    }
  } catch (error) {
    wipe(key)
    throw error
  }
}

async function unlockWith(
  repository: Repository,
  stored: Uint8Array,
  context: SessionContext,
  options: OpenOptions,
): Promise<Unlocked> {
  return await unlock(repository, stored, {
    keyFiles: localKeyFiles(context.directories),
    passphrase: options.passphrase,
    tamRequiredDefault: await context.security.tamRequired(),
    authenticatedNoKey: options.authenticatedNoKey,
  })
}

async function lanesFor(key: KeyMaterial, options: OpenOptions): Promise<LanePool> {
  const compression = options.compression ?? defaultCompression
  return await openLanes(key, { threads: options.threads ?? 0, byteLimit: laneBytes, compression, host: options.host })
}

/** Decodes the manifest, and remembers whether it must stay authenticated. */
async function believe(
  packed: Uint8Array,
  key: KeyMaterial,
  context: SessionContext,
  run: RunOptions,
): Promise<Manifest> {
  const required = key.tamRequired && key.withoutSecrets !== true
  if (required && context.options.tamOptional) reportLog(run, 'warning', 'Manifest authentication DISABLED.')
  const tamRequired = required && context.options.tamOptional !== true
  const manifest = decodeManifest(packed, key, { tamRequired })
  if (!manifest.verified) {
    reportLog(run, 'debug', 'Manifest TAM not found and not required')
    return manifest
  }
  reportLog(run, 'debug', 'TAM-verified manifest')
  // Only a manifest whose MAC fits may say what is required of the next.
  if (manifest.config.get('tam_required') === true) await context.security.requireTam()
  else await context.security.forgetTam()
  return manifest
}

function noncesFor(
  repository: Repository,
  security: SecurityDirectory,
  storedManifest: Uint8Array | undefined,
): NonceAllocator {
  const inRepository: NonceLedger = {
    free: () => repository.freeNonce(),
    reserve: (next, expected) => repository.reserveNonce(next, expected),
  }
  const used = storedManifest === undefined ? undefined : nonceOf(storedManifest)
  const firstFree = used === undefined ? 0n : firstFreeAfter(used.nonce, storedManifest?.length ?? 0)
  return new NonceAllocator([inRepository, security.nonceLedger()], firstFree)
}

async function storedManifest(repository: Repository): Promise<Uint8Array | undefined> {
  try {
    return await repository.get(manifestId)
  } catch (error) {
    if (isBorgError(error, 'Repository.ObjectNotFound') || isBorgError(error, 'IntegrityError')) return undefined
    throw error
  }
}

async function someObject(repository: Repository): Promise<Uint8Array> {
  for (const id of await repository.list(1000)) {
    try {
      return await repository.get(id)
    } catch (error) {
      if (!isBorgError(error, 'IntegrityError')) throw error
    }
  }
  throw new BorgError('NoManifestError', [])
}
