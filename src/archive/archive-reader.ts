/**
 * Reading an archive: its record, its items, their content.
 */
import { BorgError } from '../base/errors.ts'
import type { ObjectId } from '../base/ids.ts'
import type { KeyMaterial } from '../crypto/key-material.ts'
import { verifyTam } from '../crypto/tam.ts'
import { metadataLimits, unpack } from '../format/msgpack-decode.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import type { ArchiveEntry } from './archive-directory.ts'
import type { Item } from './item.ts'
import { decodeItems } from './item-stream.ts'
import { type ArchiveMetadata, decodeArchiveMetadata } from './metadata.ts'

export interface ArchiveReader {
  readonly entry: ArchiveEntry
  readonly metadata: ArchiveMetadata
  /** Whether the record carries a MAC that fits. */
  readonly tam: 'verified' | 'absent' | 'unsupported'
  /** Plaintext bytes of the record. */
  readonly recordSize: number
  /** In archive order; parts of interrupted files included: `item.part` tells. */
  items(options?: ReadItemsOptions): AsyncIterable<Item>
  /** The item's own chunks, in order. @throws BorgError 'Repository.ObjectNotFound' | 'IntegrityError' */
  content(item: Item): AsyncIterable<Uint8Array>
  /** Lazy ids across items: read-ahead without a preload call. */
  contents(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncIterable<Uint8Array>
}

export interface ReadItemsOptions {
  readonly select?: ((path: string) => boolean) | undefined
  /** Called for each of `metadata.itemChunks` as it arrives, before its items. */
  readonly onChunk?: (() => void) | undefined
}

export interface ReadArchiveOptions {
  /** Take an archive whose MAC is wrong as one without (workaround for records rewritten by borg 1.2.4). */
  readonly ignoreInvalidTam?: boolean
}

/** @throws BorgError 'ArchiveTAMInvalid' | 'IntegrityError' | 'Repository.ObjectNotFound' */
export async function readArchive(
  entry: ArchiveEntry,
  objects: ObjectReader,
  key: KeyMaterial,
  options: ReadArchiveOptions = {},
): Promise<ArchiveReader> {
  const record = decodeArchiveRecord(await objects.read(entry.id), key, options)
  const contents = (ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncIterable<Uint8Array> =>
    objects.readMany(ids)
  return {
    entry,
    ...record,
    contents,
    content: (item) => contents((item.chunks ?? []).map((chunk) => chunk.id)),
    async *items({ select, onChunk } = {}) {
      const chunks = counted(objects.readMany(record.metadata.itemChunks), onChunk)
      for await (const item of decodeItems(chunks)) {
        if (select === undefined || select(item.path)) yield item
      }
    },
  }
}

async function* counted(chunks: AsyncIterable<Uint8Array>, onChunk?: () => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onChunk?.()
    yield chunk
  }
}

export interface ArchiveRecord {
  readonly metadata: ArchiveMetadata
  readonly tam: ArchiveReader['tam']
  readonly recordSize: number
}

/** @throws BorgError 'ArchiveTAMInvalid' | 'IntegrityError' */
export function decodeArchiveRecord(
  packed: Uint8Array,
  key: KeyMaterial,
  options: ReadArchiveOptions = {},
): ArchiveRecord {
  const map = unpack(packed, metadataLimits)
  if (!(map instanceof Map)) throw new BorgError('IntegrityError', ['archive metadata: not a map'])
  const tam = options.ignoreInvalidTam ? tamOrAbsent(packed, key, map) : verifyTam(key, 'archive', packed, map).tam
  return { metadata: decodeArchiveMetadata(map), tam, recordSize: packed.length }
}

function tamOrAbsent(packed: Uint8Array, key: KeyMaterial, map: Parameters<typeof verifyTam>[3]): ArchiveReader['tam'] {
  try {
    return verifyTam(key, 'archive', packed, map).tam
  } catch {
    return 'absent'
  }
}
