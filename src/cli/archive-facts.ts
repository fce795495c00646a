/**
 * What the engine says about archives and repositories, in the words of the printed blocks and JSON documents.
 */
import type { ArchiveMetadata, Cache, CacheStatistics, ReadSession } from '../index.ts'
import { dataSizeMax, type Nanoseconds, parseTimestamp, toHex } from '../parsing.ts'
import type { CacheFacts, RepositoryFacts } from './render/documents.ts'
import type { RepositoryTotals } from './render/statistics.ts'

export function knownTotals(statistics: CacheStatistics | undefined): RepositoryTotals {
  return statistics ?? unknownTotals(undefined)
}

/** What a cache made for one run can say: which chunks there are, not how large or how much used. */
export function unknownTotals(statistics: CacheStatistics | undefined): RepositoryTotals {
  return {
    totalSize: undefined,
    totalStoredSize: undefined,
    uniqueStoredSize: undefined,
    uniqueChunks: statistics?.uniqueChunks ?? 0,
    totalChunks: undefined,
  }
}

export function cacheFacts(cache: Pick<Cache, 'path'>, statistics: CacheStatistics | undefined): CacheFacts {
  return { ...knownTotals(statistics), path: cache.path, uniqueSize: statistics?.uniqueSize }
}

export function repositoryFacts(session: ReadSession): RepositoryFacts {
  const { repository, location, manifest, key, keyFile } = session
  const lastModified = parseTimestamp(manifest.timestamp ?? '') ?? (0n as Nanoseconds)
  return { id: toHex(repository.id), location, lastModified, mode: key.mode, keyFile }
}

/** Share of the largest record an archive can have. */
export function utilization(recordStoredSize: number): number {
  return recordStoredSize / dataSizeMax
}

/** What both the text block and the JSON object of an archive need from its record. */
export function recordFacts(metadata: Omit<ArchiveMetadata, 'itemChunks'>): {
  readonly start: Nanoseconds
  readonly end: Nanoseconds
  readonly commandLine: readonly string[]
  readonly comment: string
  readonly hostname: string
  readonly username: string
  readonly currentFolder: string
  readonly chunkerParams: readonly (string | number)[]
} {
  const { start, end, commandLine, comment, hostname, username, cwd, chunkerParams } = metadata
  return {
    start,
    end,
    commandLine,
    comment,
    hostname,
    username,
    currentFolder: cwd ?? '',
    chunkerParams: chunkerParams ?? [],
  }
}
