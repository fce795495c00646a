/**
 * zstd frames (RFC 8878) that name their content size, levels 1..22. node:zlib where it has zstd; on Node 20 compiled
 * libzstd, for small chunks the faster build.
 */
import type { BlockCodec } from './kernel.ts'
import { loadZstdCodec } from './zstd-codec.ts'
import { zstdNode } from './zstd-node.ts'
import { loadZstdWasm } from './zstd-wasm.ts'

export async function loadZstd(): Promise<BlockCodec> {
  return zstdNode ?? (await loadZstdCodec(await loadZstdWasm()))
}
