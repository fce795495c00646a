/**
 * From a text, a place or a Store to a repository of ciphertext. No key is asked for.
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
import { lentStore } from '../store/lent-store.ts'
import { LocalStore } from '../store/local-store.ts'
import type { Store } from '../store/store.ts'

/** Text and Location for people; a Store for embedders with their own, which stays open and theirs. */
export type RepositoryTarget = string | Location | { readonly store: Store }

export interface ConnectOptions {
  /** read: others may read too. write: nobody else may. unlocked: take no lock, and hope (--bypass-lock). */
  readonly access: 'read' | 'write' | 'unlocked'
  readonly lockWaitSeconds?: number | 'forever' | undefined
  readonly host?: Host | undefined
}

/** Where a target is, and what it is called in messages. */
export interface OpenedTarget {
  readonly store: Store
  /** As borg prints and remembers it: an absolute path, or the canonical URL. */
  readonly location: string
  /** Undefined for a Store somebody brought. */
  readonly parsed: Location | undefined
}

/** Ciphertext only: enough for compact, check --repository-only, break-lock, debug. @throws BorgError of borg's Repository and lock families */
export async function connectRepository(
  target: RepositoryTarget,
  options: ConnectOptions,
  run: RunOptions = {},
): Promise<Repository> {
  return await openStoreOf(target, options, run)
}

/** As `connectRepository`, with what only a repository on a Store can do. */
export async function openStoreOf(
  target: RepositoryTarget,
  options: ConnectOptions,
  run: RunOptions = {},
): Promise<StoreRepository> {
  const { store, location } = openTarget(target)
  const { access, lockWaitSeconds = lockWaitSecondsDefault, host = systemHost } = options
  try {
    return await openStoreRepository(store, { access, lockWaitSeconds, location }, host, run)
  } catch (error) {
    await store[Symbol.asyncDispose]()
    throw error
  }
}

/** Lays out a new, empty repository: without key and manifest it is not usable yet. */
export async function createRepository(
  target: RepositoryTarget,
  options: Omit<InitialiseOptions, 'location'> & { readonly host?: Host | undefined },
  run: RunOptions = {},
): Promise<void> {
  const { store, location } = openTarget(target)
  await initialiseRepository(store, { ...options, location }, options.host ?? systemHost, run)
}

/** Touches nothing yet. @throws BorgError 'CommandError' for a location that cannot be parsed or reached by this version. */
export function openTarget(target: RepositoryTarget): OpenedTarget {
  if (typeof target === 'object' && 'store' in target) {
    return { store: lentStore(target.store), location: target.store.name, parsed: undefined }
  }
  const given = typeof target === 'string' ? parseLocation(target).location : target
  const parsed = absoluteLocation(given, decodeText(currentFolder()))
  // Shown, and kept where borg reads it, which fails on bytes that are not UTF-8.
  const location = printableText(canonicalLocation(parsed))
  switch (parsed.scheme) {
    case 'file':
      return { store: new LocalStore(parsed.path), location, parsed }
    case 'ssh':
    case 'sftp':
    case 's3':
    case 'rclone':
      throw new BorgError('CommandError', [`${location}: this version opens repositories on local file systems only`])
  }
}
