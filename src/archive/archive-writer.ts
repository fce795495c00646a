/**
 * Writing an archive: its item stream, then the record that lists it.
 */
import type { Host } from '../base/host.ts'
import type { KeyMaterial } from '../crypto/key-material.ts'
import { packWithTam, tamSaltSize } from '../crypto/tam.ts'
import type { ArchiveEntry } from './archive-directory.ts'
import type { ChunkSink } from './chunk-sink.ts'
import type { Item } from './item.ts'
import { ItemStreamWriter } from './item-stream.ts'
import { type ArchiveMetadata, encodeArchiveMetadata } from './metadata.ts'

export interface ArchiveWriter {
  add(item: Item): Promise<void>
  /** May be called more than once (checkpoints); each call stores a complete archive of the items so far. */
  save(metadata: Omit<ArchiveMetadata, 'itemChunks'>): Promise<SavedArchive>
}

export interface SavedArchive {
  readonly entry: ArchiveEntry
  /** Stored bytes of the record itself: what "utilization" is measured by. */
  readonly storedSize: number
}

export interface ArchiveWriterParts {
  readonly sink: ChunkSink
  readonly key: KeyMaterial
  readonly host: Host
}

export function writeArchive(parts: ArchiveWriterParts): ArchiveWriter {
  const stream = new ItemStreamWriter(parts.sink, parts.key.chunkSeed)
  return {
    add: (item) => stream.add(item),
    async save(metadata) {
      const itemChunks = await stream.flush()
      return await saveArchiveRecord(parts, { ...metadata, itemChunks })
    },
  }
}

/** Stores the record alone: for archives whose item stream is already in the repository (rename). */
export async function saveArchiveRecord(parts: ArchiveWriterParts, metadata: ArchiveMetadata): Promise<SavedArchive> {
  const fields = encodeArchiveMetadata(metadata)
  const packed = packWithTam(parts.key, 'archive', fields, parts.host.randomBytes(tamSaltSize))
  const { id, storedSize } = await parts.sink.add(packed)
  return { entry: { name: metadata.name, id, time: metadata.start }, storedSize }
}
