/**
 * What a client remembers of a repository's content: the two kinds of caches, and what they need of the repository.
 *
 * Everything is kept in memory until `commit`, which comes after the repository's commit: a cache that is behind is
 * synchronised at the next opening, a cache that is ahead would lose data. After the repository was rolled back the cache
 * must not be committed any more.
 * Source: format sheet cache.md.
 */
import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import type { ObjectId } from '../base/ids.ts'
import type { ArchiveDirectory } from '../archive/archive-directory.ts'
import type { Manifest } from '../archive/manifest.ts'
import type { LockOptions } from '../repository/lock.ts'
import type { RepositoryReader } from '../repository/repository.ts'
import type { ArchiveSource } from './archive-index.ts'
import type { CacheStatistics } from './cache-statistics.ts'
import type { ChunkCache } from './chunk-cache.ts'
import type { FilesCache, FilesCacheMode } from './files-cache.ts'
import type { RepositoryFacts, SecurityDirectory } from './security.ts'

export type { CacheStatistics } from './cache-statistics.ts'

/** Forgotten unless committed, and committed only after the repository is. Disposal releases the lock. */
export interface Cache extends AsyncDisposable {
  readonly kind: 'local' | 'ad-hoc'
  /** Path of the directory, as `info` shows it. */
  readonly path: string
  readonly chunks: ChunkCache
  readonly files: FilesCache
  /** `manifest` is the id of the one just committed to the repository. May be called again for the next. */
  commit(manifest: ObjectId): Promise<void>
  /** Reads the record of every archive. An ad-hoc cache knows only the sizes of its own run's chunks. */
  statistics(run?: RunOptions): Promise<CacheStatistics>
}

/** What a cache needs of its repository. A session fits. */
export interface CacheSource extends ArchiveSource {
  readonly repository: Pick<RepositoryReader, 'id' | 'count' | 'list' | 'get' | 'getMany'>
  /** Canonical. */
  readonly location: string
  /** As last read or written: looked at again at each commit. */
  readonly manifest: Manifest
  /** Whether reading it takes more than having it. */
  readonly logicallyEncrypted: boolean
  readonly archives: ArchiveDirectory
  readonly host: Host
}

export interface OpenCacheOptions {
  readonly files: FilesCacheMode
  readonly lockWaitSeconds: LockOptions['lockWaitSeconds']
  /** Where what we know of the repository outside the cache is kept. */
  readonly security: SecurityDirectory
  /** A stale cache is not synchronised: an ad-hoc one stands in for it. */
  readonly noSync?: boolean | undefined
  /** Of the files cache's name, for independent ones (BORG_FILES_CACHE_SUFFIX). */
  readonly filesSuffix?: string | undefined
  /** Runs after which an unseen file is forgotten (BORG_FILES_CACHE_TTL). */
  readonly filesAgeMax?: number | undefined
  /** Keep each archive's counts for later synchronisations (BORG_USE_CHUNKS_ARCHIVE); default yes. */
  readonly keepArchiveIndexes?: boolean | undefined
}

/** What is true of the repository now. */
export function repositoryFacts(
  source: Pick<CacheSource, 'location' | 'key' | 'manifest' | 'logicallyEncrypted'>,
): RepositoryFacts {
  const { location, key, manifest, logicallyEncrypted } = source
  return { location, mode: key.mode, logicallyEncrypted, manifestTimestamp: manifest.timestamp }
}
