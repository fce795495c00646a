/**
 * What `createArchive` can be told.
 */
import type { Nanoseconds } from '../base/ids.ts'
import type { Cache, CacheStatistics } from '../cache/cache.ts'
import type { FilesCacheMode } from '../cache/files-cache.ts'
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import type { ArchiveMetadata } from '../archive/metadata.ts'
import type { Statistics } from '../archive/statistics.ts'
import type { ChunkerParams } from '../chunker/chunker.ts'
import type { Pattern } from '../patterns/pattern.ts'
import type { ChangeDetection } from '../source/entry.ts'
import type { MetadataOptions } from '../source/metadata.ts'
import type { StdinOptions } from '../source/stdin.ts'

/** Which things are found, and which of them are left out. */
export interface SourceOptions {
  /** Paths to walk, in order; '-' stands for `content`. */
  readonly roots: Iterable<string> | AsyncIterable<string>
  /** Archive just these paths: no descent, no patterns, and '-' is a name like any other. */
  readonly exactPaths?: boolean | undefined
  /** Rules in borg's syntax ('- fm:*.o') or parsed; the first that matches decides. */
  readonly patterns?: readonly (string | Pattern)[] | undefined
  readonly oneFileSystem?: boolean | undefined
  readonly excludeCaches?: boolean | undefined
  /** Leave out folders that hold something of such a name. */
  readonly excludeIfPresent?: readonly string[] | undefined
  readonly keepExcludeTags?: boolean | undefined
  readonly excludeNodump?: boolean | undefined
  /** Archive the content of devices and FIFOs as regular files. */
  readonly readSpecial?: boolean | undefined
}

/** The one file that comes from a stream. */
export interface StreamContent extends StdinOptions {
  readonly bytes: AsyncIterable<Uint8Array>
}

/** What every new archive can be told. */
export interface NewArchiveOptions {
  /** Placeholders like {hostname} and {now} are expanded by the caller's `expandPlaceholders`. */
  readonly name: string
  readonly comment?: string | undefined
  readonly chunkerParams?: ChunkerParams | undefined
  /** Save what is done so far every so many seconds; 0: never. Default 1800. */
  readonly checkpointSeconds?: number | undefined
  /** Recorded as the archive's time instead of now. */
  readonly start?: Nanoseconds | undefined
  /** Asked when everything is read: a failure here means that there will be no archive. */
  readonly beforeSaving?: (() => Promise<void>) | undefined
  /** Recorded in the archive; default empty. */
  readonly commandLine?: readonly string[] | undefined
  /** Recorded in the archive; default the machine's. */
  readonly hostname?: string | undefined
  readonly username?: string | undefined
  /** Measure all archives afterwards: reads every archive's record. */
  readonly wantCacheStatistics?: boolean | undefined
}

export interface CreateOptions extends NewArchiveOptions, SourceOptions, MetadataOptions {
  /** What '-' among the roots stands for. */
  readonly content?: StreamContent | undefined
  /** Do not read holes; only with the fixed chunker. */
  readonly sparse?: boolean | undefined
  readonly filesCache?: FilesCacheMode | undefined
  /** Which time tells that a file changed while it was read. Default 'ctime'. */
  readonly filesChanged?: ChangeDetection | undefined
  /** Do not synchronise a stale cache first. */
  readonly noCacheSync?: boolean | undefined
}

export interface CreateResult {
  readonly archive: ArchiveEntry
  readonly metadata: Omit<ArchiveMetadata, 'itemChunks'>
  /** Content only; `deduplicatedSize` is what this run added. */
  readonly statistics: Readonly<Statistics>
  /** Stored bytes of the archive's own record, which has an upper limit. */
  readonly recordStoredSize: number
  readonly durationSeconds: number
  readonly cacheStatistics?: CacheStatistics | undefined
  /** 'ad-hoc': `noCacheSync` took effect, and sizes of older chunks are not known. */
  readonly cacheKind: Cache['kind']
}
