/**
 * One archive of an opened repository, for browsing and streaming.
 */
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import { type ArchiveReader, readArchive } from '../archive/archive-reader.ts'
import { requireFeatures } from '../archive/manifest.ts'
import { BorgError } from '../base/errors.ts'
import type { ReadSession } from '../session/session.ts'

/** @throws BorgError 'Archive.DoesNotExist' */
export function findArchive(session: ReadSession, name: string): ArchiveEntry {
  const entry = session.archives.get(name)
  if (entry === undefined) throw new BorgError('Archive.DoesNotExist', [name])
  return entry
}

/** @throws BorgError 'Archive.DoesNotExist' | 'ArchiveTAMInvalid' | 'IntegrityError' | 'MandatoryFeatureUnsupported' */
export async function openArchive(session: ReadSession, archive: string | ArchiveEntry): Promise<ArchiveReader> {
  requireFeatures(session.manifest, ['read'])
  const entry = typeof archive === 'string' ? findArchive(session, archive) : archive
  return await readArchive(entry, session.objects, session.key, {
    ignoreInvalidTam: session.ignoreInvalidArchiveTam,
  })
}
