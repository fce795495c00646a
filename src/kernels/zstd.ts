/** zstd frames (RFC 8878) that name their content size, levels 1..22. */
import type { BlockCodec } from './kernel.ts'
import { zstdNode } from './zstd-node.ts'
import { loadZstdWasm } from './zstd-wasm.ts'

export async function loadZstd(): Promise<BlockCodec> {
  return zstdNode ?? (await loadZstdWasm())
}
