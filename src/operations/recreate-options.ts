/**
 * What recreating archives can be told, and what it tells.
 */
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import type { Statistics } from '../archive/statistics.ts'
import type { Nanoseconds } from '../base/ids.ts'
import type { CacheStatistics } from '../cache/cache.ts'
import type { ChunkerParams } from '../chunker/chunker.ts'
import type { Pattern } from '../patterns/pattern.ts'
import type { TagOptions } from './archived-tags.ts'

/** Which chunks are compressed again: none, those of another algorithm than the session's, or all. */
export type Recompress = 'never' | 'if-different' | 'always'

export interface RecreateOptions extends TagOptions {
  /** Rules, then PATH arguments as include rules; with any of those the rest is left out. */
  readonly patterns?: readonly Pattern[] | undefined
  /** Say what would be kept and left out, and change nothing. */
  readonly dryRun?: boolean | undefined
  /** Default: the archive's own. */
  readonly comment?: string | undefined
  /** Recorded as the archive's time. Default: its own times stay. */
  readonly start?: Nanoseconds | undefined
  /** Into what the session was opened with. Default 'never'. */
  readonly recompress?: Recompress | undefined
  /** Cut the content of archives anew that were made with others. Default: nothing is cut anew. */
  readonly chunkerParams?: ChunkerParams | undefined
  /** While content is rewritten, save what is done so far every so many seconds; 0: never. Default 1800. */
  readonly checkpointSeconds?: number | undefined
  /** Recorded beside the archive's own; default empty. */
  readonly commandLine?: readonly string[] | undefined
  /** Recorded in the archive; default the machine's. */
  readonly hostname?: string | undefined
  readonly username?: string | undefined
  /** Measure all archives afterwards: reads every archive's record. */
  readonly wantCacheStatistics?: boolean | undefined
}

export interface RecreateOneOptions extends RecreateOptions {
  /** Make a new archive of that name, and leave the old one. */
  readonly target?: string | undefined
}

export interface RecreateAllOptions extends RecreateOptions {
  /** Told before each archive. */
  readonly onArchive?: ((entry: ArchiveEntry) => void) | undefined
  /** Told after each. */
  readonly onResult?: ((entry: ArchiveEntry, result: RecreateResult) => void) | undefined
}

export type RecreateResult =
  | RecreatedArchive
  /** A dry run. */
  | { readonly kind: 'previewed' }
  /** No rule, comment or target was given, and neither compression nor cutting would change. */
  | { readonly kind: 'nothing-to-do' }

export interface RecreatedArchive {
  readonly kind: 'recreated'
  readonly archive: ArchiveEntry
  /** Content only; `deduplicatedSize` is what this run added. */
  readonly statistics: Readonly<Statistics>
  /** Stored bytes of the archive's own record, which has an upper limit. */
  readonly recordStoredSize: number
  /** When the work began and ended: not the archive's times. */
  readonly begun: Nanoseconds
  readonly ended: Nanoseconds
  readonly durationSeconds: number
  readonly cacheStatistics?: CacheStatistics | undefined
}
