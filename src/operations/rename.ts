/**
 * Giving an archive another name: a new record over the same items.
 */
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import { saveArchiveRecord } from '../archive/archive-writer.ts'
import { requireFeatures } from '../archive/manifest.ts'
import type { RunOptions } from '../base/events.ts'
import { ChunkWriter } from '../dedup/chunk-writer.ts'
import type { WriteSession } from '../session/session.ts'
import { allOrNothing } from './all-or-nothing.ts'
import { requireFreeName } from './free-name.ts'
import { openArchive } from './open-archive.ts'
import { releaseChunk } from './release-archive.ts'
import { zeroStatistics } from './zero-statistics.ts'

/** @throws BorgError 'CommandError' for a name that cannot be one, 'Archive.AlreadyExists' | 'Archive.DoesNotExist' */
export async function renameArchive(
  session: WriteSession,
  name: string,
  newName: string,
  run: RunOptions = {},
): Promise<ArchiveEntry> {
  requireFeatures(session.manifest, ['check'])
  const archive = await openArchive(session, name)
  requireFreeName(session, newName)
  return await allOrNothing(session, run, async () => {
    await using cache = await session.openCache({ files: 'disabled' }, run)
    const { key, host, repository, lanes, nonces } = session
    const statistics = zeroStatistics()
    const sink = new ChunkWriter({ repository, cache: cache.chunks, lanes, nonces, statistics })
    const { entry } = await saveArchiveRecord({ sink, key, host }, { ...archive.metadata, name: newName })
    await sink.flush()
    session.archives.set(entry)
    await releaseChunk({ session, cache, statistics }, archive.entry.id)
    session.archives.delete(name)
    await cache.commit(await session.commit())
    return entry
  })
}
