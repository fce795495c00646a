/**
 * zstd frames (RFC 8878) that name their content size, levels 1..22. node:zlib where it has zstd; on Node 20 compiled
 * libzstd, for small chunks the faster build.
 */
import type { BlockCodec } from './kernel.ts'
import { requireWasm } from './wasm-instance.ts'
import { loadZstdCodec } from './zstd-codec.ts'
import { zstdNode } from './zstd-node.ts'
import { loadZstdWasm } from './zstd-wasm.ts'

/** @throws BorgError 'Error' on Node 20 without WebAssembly */
export async function loadZstd(): Promise<BlockCodec> {
  if (zstdNode !== undefined) return zstdNode
  requireWasm('zstd on this Node')
  return await loadZstdCodec(await loadZstdWasm())
}
