/**
 * From a text, a place, a Store or a connection to a repository of ciphertext. No key is asked for.
 */
import { BorgError } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import { type Host, systemHost } from '../base/host.ts'
import { lockWaitSecondsDefault } from '../base/limits.ts'
import { decodeText, printableText } from '../base/text.ts'
import { absoluteLocation, canonicalLocation, type Location, parseLocation } from '../location/location.ts'
import { currentFolder } from '../platform/current-folder.ts'
import { type InitialiseOptions, initialiseRepository } from '../repository/initialise.ts'
import type { Repository } from '../repository/repository.ts'
import { openStoreRepository, type StoreRepository } from '../repository/segment-repository.ts'
import type { Transport } from '../rpc/transport.ts'
import { lentStore } from '../store/lent-store.ts'
import { LocalStore } from '../store/local-store.ts'
import type { Store } from '../store/store.ts'
import type { RemoteOptions } from './server.ts'

export type { RemoteOptions } from './server.ts'

/**
 * Text and Location for people; a Store for embedders with their own, which stays open and theirs; a Transport for those
 * with their own connection to a `borg serve`, which is used up: it carries one repository, and ends with it.
 */
export type RepositoryTarget =
  | string
  | Location
  /** `typed` is what error messages call a repository on a server. */
  | { readonly location: Location; readonly typed: string }
  | { readonly store: Store }
  | { readonly transport: Transport; readonly path: string }

export interface ConnectOptions {
  /** read: others may read too. write: nobody else may. unlocked: take no lock, and hope (--bypass-lock). */
  readonly access: 'read' | 'write' | 'unlocked'
  readonly lockWaitSeconds?: number | 'forever' | undefined
  readonly host?: Host | undefined
  /** For repositories on a server. */
  readonly remote?: RemoteOptions | undefined
}

/** Where a target is, and what it is called. Nothing has been touched yet. */
export interface TargetPlace {
  /** As borg prints and remembers it: an absolute path, or the canonical URL. */
  readonly location: string
  /** What messages about a repository on a server call it: its URL as typed. */
  readonly named: string
  /** Undefined for a Store or a connection somebody brought. */
  readonly parsed: Location | undefined
}

/** Ciphertext only: enough for compact, check --repository-only, break-lock, debug. @throws BorgError of borg's Repository and lock families */
export async function connectRepository(
  target: RepositoryTarget,
  options: ConnectOptions,
  run: RunOptions = {},
): Promise<Repository> {
  const place = placeOf(target)
  const way = await wayTo(target, place, options, run)
  if (way.kind === 'store') return await openStore(way.store, place, options, run)
  return await openOverRpc(way, place, options, run)
}

/** As `connectRepository`, with what only a repository on a Store can do. @throws BorgError 'CommandError' for one on a server */
export async function openStoreOf(
  target: RepositoryTarget,
  options: ConnectOptions,
  run: RunOptions = {},
): Promise<StoreRepository> {
  const place = placeOf(target)
  const way = await wayTo(target, place, options, run)
  if (way.kind === 'store') return await openStore(way.store, place, options, run)
  throw new BorgError('CommandError', [`"${place.named}": Repository must be local`])
}

export type CreateOptions = Omit<InitialiseOptions, 'location'> & Omit<ConnectOptions, 'access'>

/** Lays out a new, empty repository and opens it for writing: without key and manifest it is not usable yet. */
export async function createRepository(
  target: RepositoryTarget,
  options: CreateOptions,
  run: RunOptions = {},
): Promise<Repository> {
  const place = placeOf(target)
  const way = await wayTo(target, place, options, run)
  const opened = { ...options, access: 'write' } as const
  if (way.kind !== 'store') return await openOverRpc(way, place, { ...opened, create: true }, run)
  const { location } = place
  await initialiseRepository(way.store, { ...options, location }, options.host ?? systemHost, run)
  return await openStore(way.store, place, { ...opened, isNew: true }, run)
}

/** @throws BorgError 'CommandError' for a location that cannot be parsed */
export function placeOf(target: RepositoryTarget): TargetPlace {
  if (typeof target === 'string') {
    const { location, typed } = parseLocation(target)
    return placeNamed(location, typed)
  }
  if ('store' in target) return { location: target.store.name, named: target.store.name, parsed: undefined }
  if ('transport' in target) return { location: target.path, named: target.path, parsed: undefined }
  return 'typed' in target ? placeNamed(target.location, target.typed) : placeNamed(target, undefined)
}

function placeNamed(given: Location, typed: string | undefined): TargetPlace {
  const parsed = absoluteLocation(given, decodeText(currentFolder()))
  // Shown, and kept where borg reads it, which fails on bytes that are not UTF-8.
  const location = printableText(canonicalLocation(parsed))
  return { parsed, location, named: parsed.scheme === 'file' ? location : (typed ?? location) }
}

/** What reaches a repository: its files, or a server that has them. */
type Way =
  | { readonly kind: 'store'; readonly store: Store }
  | { readonly kind: 'transport'; readonly transport: Transport; readonly path: string }
  | { readonly kind: 'ssh'; readonly server: Extract<Location, { scheme: 'ssh' }> }

/** Touches nothing far away yet. @throws BorgError 'CommandError' for a place this version does not reach */
async function wayTo(
  target: RepositoryTarget,
  { parsed, location }: TargetPlace,
  options: Pick<ConnectOptions, 'remote' | 'host'>,
  run: RunOptions,
): Promise<Way> {
  if (typeof target === 'object' && 'store' in target) return { kind: 'store', store: lentStore(target.store) }
  if (typeof target === 'object' && 'transport' in target) return { kind: 'transport', ...target }
  switch (parsed?.scheme) {
    case 'file':
      return { kind: 'store', store: new LocalStore(parsed.path) }
    case 'ssh':
      return { kind: 'ssh', server: parsed }
    case 's3':
    case 'rclone': {
      // Loaded when wanted: a backup to a disk shall not wait for it.
      const { farStore } = await import('./far-store.ts')
      return { kind: 'store', store: await farStore(parsed, options.remote ?? {}, options.host ?? systemHost, run) }
    }
    case 'sftp':
    case undefined:
      throw new BorgError('CommandError', [`${location}: this version does not reach repositories of this kind`])
  }
}

async function openStore(
  store: Store,
  { location }: TargetPlace,
  options: ConnectOptions & { readonly isNew?: boolean },
  run: RunOptions,
): Promise<StoreRepository> {
  const { access, lockWaitSeconds = lockWaitSecondsDefault, host = systemHost, isNew = false } = options
  let repository: StoreRepository
  try {
    repository = await openStoreRepository(store, { access, lockWaitSeconds, location }, host, run)
  } catch (error) {
    await store[Symbol.asyncDispose]()
    throw error
  }
  try {
    if (access === 'write') await confirmAdvisoryLock(store, location, run)
  } catch (error) {
    // Nothing is in it yet: without key and manifest it would only be in the way.
    if (isNew) await repository.destroy()
    await repository[Symbol.asyncDispose]()
    throw error
  }
  return repository
}

/** Asked once the lock is there: some places show only then what their locks are worth. */
async function confirmAdvisoryLock(store: Store, location: string, run: RunOptions): Promise<void> {
  if (store.traits.claims === 'atomic') return
  const agreed = await run.ask?.({
    msgid: 'TSBORG_ADVISORY_LOCK_IS_OK',
    text:
      `Warning: The place of ${location} has no way to lock a repository for certain.\n` +
      'Two programs that begin to write within the same moment can destroy what the other stores.\n' +
      'It is also slow: each small step asks across the network.\n' +
      'Are you sure that nothing else writes to it meanwhile? [yN] ',
  })
  if (agreed !== true) throw new BorgError('Cache.RepositoryAccessAborted', [])
}

async function openOverRpc(
  way: Exclude<Way, { kind: 'store' }>,
  { location, named }: TargetPlace,
  options: ConnectOptions & Omit<InitialiseOptions, 'location'> & { readonly create?: boolean },
  run: RunOptions,
): Promise<Repository> {
  const { lockWaitSeconds = lockWaitSecondsDefault, host = systemHost, remote = {} } = options
  const { access, create, appendOnly, makeParents, quotaBytes } = options
  const { uploadBytesPerSecond, uploadBufferBytes } = remote
  const [{ openRemoteRepository }, { connectServer }] = await Promise.all([
    import('../rpc/remote-repository.ts'),
    import('./server.ts'),
  ])
  const transport =
    way.kind === 'transport' ? way.transport : await connectServer(way.server, remote, quotaBytes, host, run)
  const path = way.kind === 'transport' ? way.path : way.server.path
  return await openRemoteRepository(
    transport,
    {
      ...{ path, named, location, access, lockWaitSeconds, create, appendOnly, makeParents },
      ...{ uploadBytesPerSecond, uploadBufferBytes },
    },
    run,
    host,
  )
}
