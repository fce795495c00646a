import type { ObjectId } from '../base/ids.ts'
import type { ChunkSink } from '../archive/chunk-sink.ts'
import type { ChunkRef } from '../archive/item.ts'
import type { Statistics } from '../archive/statistics.ts'
import type { ChunkCache } from '../cache/chunk-cache.ts'
import type { ChunkerParams } from '../chunker/chunker.ts'
import type { NonceAllocator } from '../crypto/nonces.ts'
import type { Repository } from '../repository/repository.ts'
import type { ByteSource } from '../workers/lane.ts'
import type { LanePool } from '../workers/lane-pool.ts'

/** The deduplication decision, and the only one who takes it. */
export declare class ChunkWriter implements ChunkSink {
  constructor(parts: {
    repository: Repository
    cache: ChunkCache
    lanes: LanePool
    nonces: NonceAllocator
    statistics: Statistics
  })
  add(plain: Uint8Array): Promise<ChunkRef>
  /** References in file order; new chunks are already on their way when their reference appears. */
  addStream(source: ByteSource, params: ChunkerParams): AsyncIterable<ChunkRef>
  /** For unchanged files: references all, or none when any chunk is missing. */
  reuse(ids: readonly ObjectId[]): readonly ChunkRef[] | undefined
  /** Resolves when everything added so far was accepted by the repository. */
  flush(): Promise<void>
}
