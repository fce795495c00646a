/** Manifests and archives as old borgs left them: without a MAC, or with one that no longer fits. */
import { encodeManifest } from '../../src/archive/manifest.ts'
import { encodeArchiveMetadata } from '../../src/archive/metadata.ts'
import { manifestId } from '../../src/base/ids.ts'
import { ChunkWriter } from '../../src/dedup/chunk-writer.ts'
import { packWithTam } from '../../src/crypto/tam.ts'
import { metadataLimits, unpack } from '../../src/format/msgpack-decode.ts'
import { type Packable, pack, sortedMap } from '../../src/format/msgpack-encode.ts'
import { putObject } from '../../src/objects/object-writer.ts'
import { openArchive } from '../../src/operations/open-archive.ts'
import { releaseChunk } from '../../src/operations/release-archive.ts'
import { zeroStatistics } from '../../src/operations/zero-statistics.ts'
import type { WriteSession } from '../../src/session/session.ts'

/** Commits a manifest as borg before 1.0.9 wrote it, or somebody without the key. */
export async function dropManifestTam(session: WriteSession): Promise<void> {
  const { manifest, key, host, lanes, nonces, repository } = session
  const { packed } = encodeManifest(manifest, key, host.now(), host.randomBytes(64))
  const fields = new Map(unpack(packed, metadataLimits) as Map<string, Packable>)
  fields.delete('tam')
  await putObject({ repository, lane: lanes.next(), nonces }, manifestId, pack(fields))
  await repository.commit()
}

/** Writes the record of `name` again, with `more` fields, and commits. 'stale': the MAC is that of other fields. */
export async function spoilTam(
  session: WriteSession,
  name: string,
  tam: 'absent' | 'stale',
  more: ReadonlyMap<string, Packable> = new Map(),
): Promise<void> {
  const { repository, lanes, nonces, key, host } = session
  const { entry, metadata } = await openArchive(session, name)
  await using cache = await session.openCache({ files: 'disabled' })
  const statistics = zeroStatistics()
  const sink = new ChunkWriter({ repository, cache: cache.chunks, lanes, nonces, statistics })
  const fields = new Map([...encodeArchiveMetadata(metadata), ...more])
  const packed = tam === 'absent' ? pack(sortedMap(fields)) : packWithTam(key, 'archive', fields, host.randomBytes(64))
  if (tam === 'stale')
    Buffer.from(packed.buffer, packed.byteOffset, packed.length).write('changed', at(packed, metadata))
  const { id } = await sink.add(packed)
  await sink.flush()
  await releaseChunk({ session, cache, statistics }, entry.id)
  session.archives.set({ ...entry, id })
  await cache.commit(await session.commit())
}

/** Where the comment is in the packed record: a place to change that decodes as before. */
function at(packed: Uint8Array, { comment }: { readonly comment: string }): number {
  const found = Buffer.from(packed).indexOf(comment)
  if (comment.length < 7 || found < 0) throw new Error('an archive with a comment of 7 letters is needed')
  return found
}
