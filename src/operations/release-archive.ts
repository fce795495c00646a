/**
 * Taking an archive's references away: what nobody refers to any more is deleted from the repository.
 */
import type { ArchiveReader } from '../archive/archive-reader.ts'
import type { Item } from '../archive/item.ts'
import type { Statistics } from '../archive/statistics.ts'
import type { RunOptions } from '../base/events.ts'
import { EventLoopTurns } from '../base/flow.ts'
import type { ObjectId } from '../base/ids.ts'
import { PercentProgress } from '../base/progress.ts'
import type { Cache } from '../cache/cache.ts'
import type { WriteSession } from '../session/session.ts'

export interface Releaser {
  readonly session: WriteSession
  readonly cache: Cache
  /** Counts down: sizes are what the repository lost. */
  readonly statistics: Statistics
}

/** One reference less; the last one deletes the object. */
export async function releaseChunk(releaser: Releaser, id: ObjectId): Promise<void> {
  const { session, cache, statistics } = releaser
  const known = cache.chunks.find(id)
  if (known === undefined) return
  const left = cache.chunks.release(id)
  statistics.originalSize -= known.size
  statistics.compressedSize -= known.storedSize
  if (left > 0) return
  statistics.deduplicatedSize -= known.storedSize
  await session.repository.delete(id)
}

/** Every reference of an archive: content, item stream, record. The archive leaves the directory, not yet the manifest. */
export async function releaseArchive(releaser: Releaser, archive: ArchiveReader, run: RunOptions): Promise<void> {
  const { session } = releaser
  const { itemChunks } = archive.metadata
  const turns = new EventLoopTurns(() => session.host.monotonicMs())
  const progress = new PercentProgress(
    {
      msgid: 'archive.delete',
      total: itemChunks.length,
      step: 5,
      width: 3,
      decimals: 0,
      text: (percent) => `Decrementing references ${percent}%`,
    },
    run,
  )
  for await (const item of archive.items({ onChunk: () => progress.advance() })) {
    run.signal?.throwIfAborted()
    await releaseItem(releaser, item)
    await turns.take()
  }
  for (const id of itemChunks) await releaseChunk(releaser, id)
  progress.finish()
  await releaseChunk(releaser, archive.entry.id)
  session.archives.delete(archive.entry.name)
}

async function releaseItem(releaser: Releaser, item: Item): Promise<void> {
  for (const chunk of item.chunks ?? []) await releaseChunk(releaser, chunk.id)
}
