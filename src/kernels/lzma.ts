/** xz containers (and, reading, the older lzma-alone form), presets 0..9. */
import type { BlockCodec } from './kernel.ts'
import { lzmaWasm } from './lzma-wasm.ts'
import { requireWasm } from './wasm-instance.ts'

/** @throws BorgError 'Error' where there is no WebAssembly */
export async function loadLzma(): Promise<BlockCodec> {
  requireWasm('lzma')
  return lzmaWasm
}
