import type { ArchiveEntry } from './archive-directory.ts'
import type { ChunkSink } from './chunk-sink.ts'
import type { Item } from './item.ts'
import type { ArchiveMetadata } from './metadata.ts'

export interface ArchiveWriter {
  add(item: Item): Promise<void>
  /** May be called more than once (checkpoints); each call stores a complete archive of the items so far. */
  save(metadata: ArchiveMetadata): Promise<ArchiveEntry>
}
export declare function writeArchive(sink: ChunkSink): ArchiveWriter
