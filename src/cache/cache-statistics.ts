/**
 * The figures of "All archives" and "Chunk index".
 *
 * Sizes of all archives come from the archives' own records. Records written before borg 1.2 have none: theirs are counted
 * once from the items and kept in the cache's pre12-meta file.
 * Source: contract sheet common.md §7.1; format sheet cache.md §1; checked against borg 1.2.4 info.
 */
import { toHex } from '../base/bytes.ts'
import type { ObjectId } from '../base/ids.ts'
import { decodeArchiveRecord } from '../archive/archive-reader.ts'
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import { decodeItems } from '../archive/item-stream.ts'
import type { ArchiveTotals } from '../archive/metadata.ts'
import { stringifyPython } from '../format/python-json.ts'
import type { ArchiveSource } from './archive-index.ts'
import type { ChunkSums } from './chunk-cache.ts'

export interface CacheStatistics {
  /** Content of all archives, each reference counted. */
  readonly totalSize: number
  readonly totalStoredSize: number
  /** All chunks of the repository, metadata included, each counted once. */
  readonly uniqueSize: number
  readonly uniqueStoredSize: number
  readonly uniqueChunks: number
  readonly totalChunks: number
}

/** Totals of archives that do not say, by hex id. */
export type KnownTotals = Map<string, ArchiveTotals>

/** Reads every archive's record. What had to be counted is added to `known`. */
export async function measureArchives(
  source: ArchiveSource,
  archives: readonly ArchiveEntry[],
  known: KnownTotals,
  signal?: AbortSignal,
): Promise<{ readonly size: number; readonly storedSize: number }> {
  const sums = { size: 0, storedSize: 0 }
  for (const { id } of archives) {
    signal?.throwIfAborted()
    const totals = await totalsOf(source, id, known)
    sums.size += totals.originalSize
    sums.storedSize += totals.compressedSize
  }
  return sums
}

export function cacheStatistics(
  archives: { readonly size: number; readonly storedSize: number },
  chunks: ChunkSums,
): CacheStatistics {
  return {
    totalSize: archives.size,
    totalStoredSize: archives.storedSize,
    uniqueSize: chunks.size,
    uniqueStoredSize: chunks.storedSize,
    uniqueChunks: chunks.chunks,
    totalChunks: chunks.references,
  }
}

/** Anything unreadable counts as unknown: it is only a shortcut. */
export function parseKnownTotals(text: string): KnownTotals {
  const known: KnownTotals = new Map()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return known
  }
  if (typeof value !== 'object' || value === null) return known
  for (const [id, entry] of Object.entries(value)) {
    const totals = totalsFrom(entry)
    if (totals !== undefined) known.set(id, totals)
  }
  return known
}

export function formatKnownTotals(known: KnownTotals): string {
  return stringifyPython(
    new Map(
      [...known].map(([id, totals]) => [
        id,
        {
          size: totals.originalSize,
          csize: totals.compressedSize,
          nfiles: totals.files,
          size_parts: totals.partsOriginalSize,
          csize_parts: totals.partsCompressedSize,
          nfiles_parts: totals.partsFiles,
        },
      ]),
    ),
  )
}

async function totalsOf(source: ArchiveSource, id: ObjectId, known: KnownTotals): Promise<ArchiveTotals> {
  const remembered = known.get(toHex(id))
  if (remembered !== undefined) return remembered
  const plain = await source.lanes.next().open(id, await source.repository.get(id))
  const { metadata } = decodeArchiveRecord(plain, source.key, { ignoreInvalidTam: true })
  if (metadata.totals !== undefined) return metadata.totals
  const counted = await countTotals(source, metadata.itemChunks)
  known.set(toHex(id), counted)
  return counted
}

async function countTotals(source: ArchiveSource, itemChunks: readonly ObjectId[]): Promise<ArchiveTotals> {
  const whole = { size: 0, storedSize: 0, files: 0 }
  const parts = { size: 0, storedSize: 0, files: 0 }
  for await (const item of decodeItems(opened(source, itemChunks))) {
    if (item.chunks === undefined) continue
    const sums = item.part === undefined ? whole : parts
    sums.files += 1
    for (const chunk of item.chunks) {
      sums.size += chunk.size
      sums.storedSize += chunk.storedSize
    }
  }
  return {
    originalSize: whole.size,
    compressedSize: whole.storedSize,
    files: whole.files,
    partsOriginalSize: parts.size,
    partsCompressedSize: parts.storedSize,
    partsFiles: parts.files,
  }
}

async function* opened(source: ArchiveSource, ids: readonly ObjectId[]): AsyncGenerator<Uint8Array> {
  let i = 0
  for await (const stored of source.repository.getMany(ids)) {
    yield await source.lanes.next().open(ids[i], stored)
    i += 1
  }
}

function totalsFrom(entry: unknown): ArchiveTotals | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const fields = new Map<string, unknown>(Object.entries(entry))
  const numbers = ['size', 'csize', 'nfiles', 'size_parts', 'csize_parts', 'nfiles_parts'].map((key) => fields.get(key))
  const [size, csize, files, partsSize, partsCsize, partsFiles] = numbers.map((n) => (typeof n === 'number' ? n : -1))
  const complete = numbers.every((n) => typeof n === 'number' && n >= 0)
  if (!complete) return undefined
  return {
    originalSize: size ?? 0,
    compressedSize: csize ?? 0,
    files: files ?? 0,
    partsOriginalSize: partsSize ?? 0,
    partsCompressedSize: partsCsize ?? 0,
    partsFiles: partsFiles ?? 0,
  }
}
