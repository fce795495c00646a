/**
 * Manifest and archives as they are stored: every field, nothing interpreted. For people who look for what went wrong.
 */
import { itemDecodeLimits } from '../../archive/item-stream.ts'
import { BorgError } from '../../base/errors.ts'
import { manifestId, type ObjectId } from '../../base/ids.ts'
import { decodeText } from '../../base/text.ts'
import { metadataLimits, type Unpacked, Unpacker, type UnpackedMap, unpack } from '../../format/msgpack-decode.ts'
import type { ReadSession } from '../../session/session.ts'
import { openArchive } from '../open-archive.ts'

export async function rawManifest(session: ReadSession): Promise<UnpackedMap> {
  return requireMap(unpack(await session.objects.read(manifestId), metadataLimits), 'manifest')
}

export interface RawArchive {
  /** What the manifest says of it. */
  readonly manifestEntry: UnpackedMap
  readonly metadata: UnpackedMap
  /** In archive order. */
  items(): AsyncIterable<Unpacked>
}

/** Without looking at the archive's MAC. @throws BorgError 'Archive.DoesNotExist' | 'IntegrityError' */
export async function rawArchive(session: ReadSession, name: string): Promise<RawArchive> {
  const entry = session.archives.get(name)
  if (entry === undefined) throw new BorgError('Archive.DoesNotExist', [name])
  const archives = requireMap((await rawManifest(session)).get('archives'), 'archives of the manifest')
  const [, found] = [...archives].find(([key]) => nameOf(key) === name) ?? []
  const metadata = requireMap(unpack(await session.objects.read(entry.id), metadataLimits), 'archive metadata')
  return {
    manifestEntry: requireMap(found, 'archive in the manifest'),
    metadata,
    async *items() {
      const unpacker = new Unpacker(itemDecodeLimits)
      for await (const chunk of session.objects.readMany(itemChunks(metadata))) {
        unpacker.feed(chunk)
        for (let next = unpacker.next(); next !== undefined; next = unpacker.next()) yield next.value
      }
    },
  }
}

/** The chunks of an archive's item stream, in order. @throws BorgError as `openArchive` */
export async function* archiveItemChunks(
  session: ReadSession,
  name: string,
): AsyncGenerator<{ readonly id: ObjectId; readonly plain: Uint8Array }> {
  const { metadata } = await openArchive(session, name)
  let number = 0
  for await (const plain of session.objects.readMany(metadata.itemChunks)) {
    yield { id: metadata.itemChunks[number++] as ObjectId, plain }
  }
}

function itemChunks(metadata: UnpackedMap): readonly ObjectId[] {
  const ids = metadata.get('items')
  if (!Array.isArray(ids)) throw new BorgError('IntegrityError', ['archive metadata: items is not a list'])
  return ids as readonly Unpacked[] as readonly ObjectId[]
}

function nameOf(key: unknown): string {
  return key instanceof Uint8Array ? decodeText(key) : String(key)
}

function requireMap(value: Unpacked | undefined, what: string): UnpackedMap {
  if (value instanceof Map) return value
  throw new BorgError('IntegrityError', [`${what}: not a map`])
}
