/**
 * What an archive and a repository weigh.
 */
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import type { ArchiveReader } from '../archive/archive-reader.ts'
import { type Item, itemSize } from '../archive/item.ts'
import { requireFeatures } from '../archive/manifest.ts'
import type { ArchiveMetadata } from '../archive/metadata.ts'
import type { Statistics } from '../archive/statistics.ts'
import type { RunOptions } from '../base/events.ts'
import { EventLoopTurns } from '../base/flow.ts'
import type { ObjectId } from '../base/ids.ts'
import { PercentProgress } from '../base/progress.ts'
import type { Cache } from '../cache/cache.ts'
import { HashIndex } from '../format/hash-index.ts'
import type { ReadSession } from '../session/session.ts'
import { openArchive } from './open-archive.ts'

export interface ArchiveInfo {
  readonly entry: ArchiveEntry
  readonly metadata: ArchiveMetadata
  /** `deduplicatedSize`: stored bytes of content that only this archive uses. borg 1.2 and 1.4.0 add metadata, 1.4.5 does not. */
  readonly statistics: Readonly<Statistics>
  /** Stored bytes of the archive's own record. */
  readonly recordStoredSize: number
  readonly durationSeconds: number
}

/** Reads the archive's item stream to learn what only it uses. */
export async function archiveInfo(
  session: ReadSession,
  cache: Cache,
  entry: ArchiveEntry,
  run: RunOptions = {},
): Promise<ArchiveInfo> {
  requireFeatures(session.manifest, ['read'])
  const archive = await openArchive(session, entry)
  const { metadata } = archive
  const use = await chunkUse(session, archive, run)
  const totals = metadata.totals ?? use.totals
  return {
    entry,
    metadata,
    statistics: {
      originalSize: totals.originalSize,
      compressedSize: totals.compressedSize,
      files: totals.files,
      deduplicatedSize: uniqueStoredSize(use.references, cache),
    },
    recordStoredSize: cache.chunks.find(entry.id)?.storedSize ?? 0,
    durationSeconds: Number(metadata.end - metadata.start) / 1e9,
  }
}

interface ChunkUse {
  /** id -> references from this archive. */
  readonly references: HashIndex
  readonly totals: { readonly originalSize: number; readonly compressedSize: number; readonly files: number }
}

async function chunkUse(session: ReadSession, archive: ArchiveReader, run: RunOptions): Promise<ChunkUse> {
  const references = HashIndex.create(2)
  const { itemChunks } = archive.metadata
  const progress = new PercentProgress(
    {
      msgid: 'archive.calc_stats',
      total: itemChunks.length,
      step: 5,
      width: 3,
      decimals: 0,
      text: (percent) => `Calculating statistics for archive ${archive.entry.name} ... ${percent}%`,
    },
    run,
  )
  const turns = new EventLoopTurns(() => session.host.monotonicMs())
  const totals = { originalSize: 0, compressedSize: 0, files: 0 }
  for await (const item of archive.items({ onChunk: () => progress.advance() })) {
    run.signal?.throwIfAborted()
    addItem(totals, references, item)
    await turns.take()
  }
  progress.finish()
  return { references, totals }
}

function addItem(
  totals: { originalSize: number; compressedSize: number; files: number },
  references: HashIndex,
  item: Item,
): void {
  if (item.chunks === undefined) return
  for (const chunk of item.chunks) count(references, chunk.id)
  if (item.part !== undefined) return
  totals.files += 1
  totals.originalSize += itemSize(item)
  for (const chunk of item.chunks) totals.compressedSize += chunk.storedSize
}

function count(references: HashIndex, id: ObjectId): void {
  const found = references.find(id)
  if (found >= 0) references.setWord(found, 0, references.word(found, 0) + 1)
  else references.setWord(references.insert(id), 0, 1)
}

function uniqueStoredSize(references: HashIndex, cache: Cache): number {
  let total = 0
  for (let slot = references.nextSlot(-1); slot >= 0; slot = references.nextSlot(slot)) {
    const known = cache.chunks.find(references.keyAt(slot))
    if (known !== undefined && known.references === references.word(slot, 0)) total += known.storedSize
  }
  return total
}
