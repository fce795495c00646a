/** xz containers (and, reading, the older lzma-alone form), presets 0..9. */
import type { BlockCodec } from './kernel.ts'
import { lzmaWasm } from './lzma-wasm.ts'

export async function loadLzma(): Promise<BlockCodec> {
  return lzmaWasm
}
