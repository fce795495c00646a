import type { ChunkRef } from './item.ts'

/** Stores plaintext once and says where. Declared by the one who needs it, implemented by dedup/chunk-writer.ts. */
export interface ChunkSink {
  add(plain: Uint8Array): Promise<ChunkRef>
}
