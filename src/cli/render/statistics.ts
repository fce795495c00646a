/**
 * Statistics blocks: what create, delete, prune, recreate and info print.
 * Source: CLI contract, commands §2, §5, §8; fixtures/cli/format-vectors.json.
 */
import type { Nanoseconds } from '../../parsing.ts'
import { joinShellWords } from '../shell-words.ts'
import { formatPercent, formatSize } from '../../parsing.ts'
import { archiveTimeText, durationText } from './times.ts'

export const dashes = '-'.repeat(78)

export interface ThreeSizes {
  readonly originalSize: number
  readonly compressedSize: number
  readonly deduplicatedSize: number
}

/** Sums over a repository, as the engine's CacheStatistics has them; undefined sizes where the cache does not know. */
export interface RepositoryTotals {
  readonly totalSize: number | undefined
  readonly totalStoredSize: number | undefined
  readonly uniqueStoredSize: number | undefined
  readonly uniqueChunks: number
  readonly totalChunks: number | undefined
}

export interface BlockStyle {
  readonly iec: boolean
}

export const sizesHeader = columns('', ['Original size', 'Compressed size', 'Deduplicated size'])

/** 'This archive:              300.01 kB            300.23 kB                  0 B' */
export function sizesLine(label: string, sizes: ThreeSizes, { iec }: BlockStyle): string {
  const { originalSize, compressedSize, deduplicatedSize } = sizes
  return columns(
    label,
    [originalSize, compressedSize, deduplicatedSize].map((bytes) => formatSize(bytes, { iec })),
  )
}

/** 'All archives:' and the chunk index, with the blank line between them. */
export function repositoryLines(totals: RepositoryTotals, { iec }: BlockStyle): string[] {
  const known = (bytes: number | undefined): string => (bytes === undefined ? 'unknown' : formatSize(bytes, { iec }))
  return [
    columns('All archives:', [known(totals.totalSize), known(totals.totalStoredSize), known(totals.uniqueStoredSize)]),
    '',
    columns('', ['Unique chunks', 'Total chunks']),
    columns('Chunk index:', [
      String(totals.uniqueChunks),
      totals.totalChunks === undefined ? 'unknown' : String(totals.totalChunks),
    ]),
  ]
}

/** The block of delete and prune; `quick` leaves the repository out. Sizes of what is gone are negative. */
export function deletedLines(sizes: ThreeSizes, totals: RepositoryTotals | 'quick', style: BlockStyle): string[] {
  const rest = totals === 'quick' ? [] : repositoryLines(totals, style)
  return [dashes, sizesHeader, sizesLine('Deleted data:', sizes, style), ...rest, dashes]
}

export interface CreatedArchive {
  /** Canonical location of the repository. */
  readonly repository: string
  readonly name: string
  readonly id: string
  readonly start: Nanoseconds
  readonly end: Nanoseconds
  readonly durationSeconds: number
  readonly files: number
  /** Share of the largest archive there can be, 0 to 1. */
  readonly utilization: number
  readonly sizes: ThreeSizes
}

/** The block of create and import-tar; `quick` leaves the repository out. */
export function createdLines(archive: CreatedArchive, totals: RepositoryTotals | 'quick', style: BlockStyle): string[] {
  return createdBlock(archive, totals, [sizesHeader], style)
}

/** The block of recreate: without the header over the sizes. */
export function recreatedLines(archive: CreatedArchive, totals: RepositoryTotals, style: BlockStyle): string[] {
  return createdBlock(archive, totals, [], style)
}

function createdBlock(
  archive: CreatedArchive,
  totals: RepositoryTotals | 'quick',
  header: readonly string[],
  style: BlockStyle,
): string[] {
  const rest = totals === 'quick' ? [] : repositoryLines(totals, style)
  return [
    dashes,
    `Repository: ${archive.repository}`,
    `Archive name: ${archive.name}`,
    `Archive fingerprint: ${archive.id}`,
    `Time (start): ${archiveTimeText(archive.start)}`,
    `Time (end):   ${archiveTimeText(archive.end)}`,
    `Duration: ${durationText(archive.durationSeconds)}`,
    `Number of files: ${archive.files}`,
    `Utilization of max. archive size: ${formatPercent(archive.utilization)}`,
    dashes,
    ...header,
    sizesLine('This archive:', archive.sizes, style),
    ...rest,
    dashes,
  ]
}

export interface DescribedArchive extends Omit<CreatedArchive, 'repository'> {
  readonly comment: string
  readonly hostname: string
  readonly username: string
  /** '' for archives of versions that did not store it. */
  readonly currentFolder: string
  readonly commandLine: readonly string[]
}

/** `info` about an archive. */
export function archiveInfoLines(archive: DescribedArchive, totals: RepositoryTotals, style: BlockStyle): string[] {
  return [
    `Archive name: ${archive.name}`,
    `Archive fingerprint: ${archive.id}`,
    `Comment: ${archive.comment}`,
    `Hostname: ${archive.hostname}`,
    `Username: ${archive.username}`,
    `Time (start): ${archiveTimeText(archive.start)}`,
    `Time (end): ${archiveTimeText(archive.end)}`,
    `Duration: ${durationText(archive.durationSeconds)}`,
    `Number of files: ${archive.files}`,
    `Working Directory: ${archive.currentFolder}`,
    `Command line: ${joinShellWords(archive.commandLine)}`,
    `Utilization of maximum supported archive size: ${formatPercent(archive.utilization)}`,
    dashes,
    sizesHeader,
    sizesLine('This archive:', archive.sizes, style),
    ...repositoryLines(totals, style),
  ]
}

export interface DescribedRepository {
  readonly id: string
  readonly location: string
  /** Name of the key type ('repokey', 'key file BLAKE2b'), or undefined where nothing is encrypted. */
  readonly encryption: string | undefined
  readonly keyFile: string | undefined
  readonly cache: string
  readonly securityFolder: string
}

/** `info` about a repository. */
export function repositoryInfoLines(
  repository: DescribedRepository,
  totals: RepositoryTotals,
  style: BlockStyle,
): string[] {
  return [
    `Repository ID: ${repository.id}`,
    `Location: ${repository.location}`,
    `Encrypted: ${repository.encryption === undefined ? 'No' : `Yes (${repository.encryption})`}`,
    ...(repository.keyFile === undefined ? [] : [`Key file: ${repository.keyFile}`]),
    `Cache: ${repository.cache}`,
    `Security dir: ${repository.securityFolder}`,
    dashes,
    sizesHeader,
    ...repositoryLines(totals, style),
  ]
}

function columns(label: string, fields: readonly string[]): string {
  return [label.padEnd(15), ...fields.map((field) => field.padStart(20))].join(' ')
}
