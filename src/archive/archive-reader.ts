import type { ItemPath } from '../base/ids.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import type { ArchiveEntry } from './archive-directory.ts'
import type { ChunkRef, Item } from './item.ts'
import type { ArchiveMetadata } from './metadata.ts'

export interface ArchiveReader {
  readonly entry: ArchiveEntry
  readonly metadata: ArchiveMetadata
  items(select?: (path: ItemPath) => boolean): AsyncIterable<Item>
  content(item: Item): AsyncIterable<Uint8Array>
  /** Lazy ids across items: read-ahead without a preload call. */
  contents(chunks: AsyncIterable<readonly ChunkRef[]>): AsyncIterable<Uint8Array>
}
export declare function readArchive(entry: ArchiveEntry, objects: ObjectReader): Promise<ArchiveReader>
