/**
 * Deleting archives, or the whole repository.
 */
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import { requireFeatures } from '../archive/manifest.ts'
import type { Statistics } from '../archive/statistics.ts'
import { BorgError, isObjectError } from '../base/errors.ts'
import { type RunOptions, reportLog, reportWarning } from '../base/events.ts'
import { idKey, type ObjectId, storePath } from '../base/ids.ts'
import { checkpointIntervalSeconds } from '../base/limits.ts'
import type { Cache, CacheStatistics } from '../cache/cache.ts'
import type { Repository } from '../repository/repository.ts'
import { type Directories, defaultDirectories } from '../session/directories.ts'
import type { WriteSession } from '../session/session.ts'
import { LocalStore } from '../store/local-store.ts'
import { allOrNothing } from './all-or-nothing.ts'
import { openArchive } from './open-archive.ts'
import { type Releaser, releaseArchive } from './release-archive.ts'
import { zeroStatistics } from './zero-statistics.ts'

export interface DeleteOptions {
  /** Commit what was deleted so far every so many seconds; 0: only at the end. */
  readonly checkpointSeconds?: number | undefined
  /** Go on over damaged metadata: what cannot be read keeps its references until a check repairs them. */
  readonly force?: boolean | undefined
  /** Told before each archive; `position` from 1. */
  readonly onArchive?: ((entry: ArchiveEntry, position: number, total: number) => void) | undefined
  /** Measure the cache once all is deleted: reads every archive's record. */
  readonly wantCacheStatistics?: boolean | undefined
}

export interface DeleteResult {
  readonly deleted: readonly ArchiveEntry[]
  readonly missing: readonly string[]
  /** Negative sizes: what went away. */
  readonly statistics: Readonly<Statistics>
  /** With `force`: archives whose references could not all be taken away. */
  readonly damaged: readonly string[]
  readonly cacheStatistics?: CacheStatistics | undefined
}

/** Deletes archives by name, in order. Names that do not exist are warnings. The space comes back with compaction. */
export async function deleteArchives(
  session: WriteSession,
  names: readonly string[],
  options: DeleteOptions = {},
  run: RunOptions = {},
): Promise<DeleteResult> {
  requireFeatures(session.manifest, ['delete'])
  return await allOrNothing(session, run, async () => {
    await using cache = await session.openCache({ files: 'disabled' }, run)
    const outcome = await releaseAll(session, cache, names, options, run)
    const cacheStatistics = options.wantCacheStatistics === true ? await cache.statistics(run) : undefined
    return { ...outcome, cacheStatistics }
  })
}

/** The inner loop, also prune's: releases, commits at intervals and at the end. */
export async function releaseAll(
  session: WriteSession,
  cache: Cache,
  names: readonly string[],
  options: DeleteOptions,
  run: RunOptions,
): Promise<DeleteResult> {
  const statistics = zeroStatistics()
  const releaser: Releaser = { session, cache, statistics }
  const deleted: ArchiveEntry[] = []
  const missing: string[] = []
  const damaged: string[] = []
  const intervalMs = (options.checkpointSeconds ?? checkpointIntervalSeconds) * 1000
  let committedMs = session.host.monotonicMs()
  for (const [index, name] of names.entries()) {
    if (run.stopSoon?.aborted) break
    const entry = session.archives.get(name)
    if (entry === undefined) {
      missing.push(name)
      reportWarning(run, 'GenericWarning', `Archive ${name} not found (${index + 1}/${names.length}).`)
      continue
    }
    options.onArchive?.(entry, index + 1, names.length)
    if (!(await releaseOne(releaser, entry, options.force === true, run))) damaged.push(name)
    deleted.push(entry)
    if (intervalMs > 0 && session.host.monotonicMs() - committedMs >= intervalMs) {
      await commitBoth(session, cache)
      committedMs = session.host.monotonicMs()
    }
  }
  if (deleted.length > 0) await commitBoth(session, cache)
  if (run.stopSoon?.aborted) throw new BorgError('Error', ['Got Ctrl-C / SIGINT.'])
  return { deleted, missing, statistics, damaged }
}

/** Drops archives from the manifest without touching their references: for archives too damaged to read. */
export async function forgetArchives(
  session: WriteSession,
  names: readonly string[],
  run: RunOptions = {},
): Promise<readonly ArchiveEntry[]> {
  return await allOrNothing(session, run, async () => {
    const forgotten: ArchiveEntry[] = []
    for (const name of names) {
      const entry = session.archives.get(name)
      if (entry === undefined) {
        reportWarning(run, 'GenericWarning', `Archive ${name} not found.`)
        continue
      }
      session.archives.delete(name)
      forgotten.push(entry)
    }
    if (forgotten.length > 0) await session.commit()
    return forgotten
  })
}

/** Our memory of the repository may never be ahead of it: the cache commits second. */
async function commitBoth(session: WriteSession, cache: Cache): Promise<void> {
  await cache.commit(await session.commit())
}

async function releaseOne(releaser: Releaser, entry: ArchiveEntry, force: boolean, run: RunOptions): Promise<boolean> {
  try {
    await releaseArchive(releaser, await openArchive(releaser.session, entry), run)
    // A far repository refuses late, and what it refuses has to be known for this archive's.
    if (force) await releaser.session.repository.settled?.()
    return true
  } catch (error) {
    if (!force || !isObjectError(error)) throw error
    releaser.session.archives.delete(entry.name)
    return false
  }
}

export interface DeleteRepositoryOptions {
  /** Keep what this client knows of the repository: location, key type, counters. */
  readonly keepSecurityInfo?: boolean | undefined
  readonly directories?: Directories | undefined
}

/** Removes the repository, and this client's cache and memory of it. Nothing brings it back. */
export async function deleteRepository(
  repository: Repository,
  options: DeleteRepositoryOptions = {},
  run: RunOptions = {},
): Promise<void> {
  await repository.destroy()
  reportLog(run, 'info', 'Repository deleted.')
  await forgetRepository(repository.id, options, run)
}

/** Removes this client's cache of a repository, and unless told otherwise the rest it knows. */
export async function forgetRepository(id: ObjectId, options: DeleteRepositoryOptions, run: RunOptions): Promise<void> {
  const directories = options.directories ?? defaultDirectories()
  if (options.keepSecurityInfo !== true) await new LocalStore(`${directories.security}/${idKey(id)}`).removeAll()
  await deleteCache(id, { directories }, run)
}

/** Removes this client's cache of a repository: it is built anew when needed. */
export async function deleteCache(
  id: ObjectId,
  options: Pick<DeleteRepositoryOptions, 'directories'> = {},
  run: RunOptions = {},
): Promise<void> {
  const directories = options.directories ?? defaultDirectories()
  const cache = new LocalStore(`${directories.cache}/${idKey(id)}`)
  // The config goes first: what remains after a crash is no cache.
  await cache.remove(storePath('config'))
  await cache.removeAll()
  reportLog(run, 'info', 'Cache deleted.')
}
