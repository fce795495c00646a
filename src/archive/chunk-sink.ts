import type { ChunkRef } from './item.ts'

/** Stores plaintext once and says where. Declared by the one who needs it, implemented by dedup/chunk-writer.ts. */
export interface ChunkSink {
  /** For metadata: not counted in an archive's statistics. `plain` may be reused by the caller once this resolves. */
  add(plain: Uint8Array): Promise<ChunkRef>
}
