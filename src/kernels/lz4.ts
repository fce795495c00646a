/** LZ4 raw blocks: borg's default compression. There are no levels. */
import type { BlockCodec } from './kernel.ts'
import { loadLz4Napi } from './lz4-napi.ts'
import { lz4Portable } from './lz4-portable.ts'
import { lz4Wasm } from './lz4-wasm.ts'
import { runsWasm } from './wasm-instance.ts'

export async function loadLz4(): Promise<BlockCodec> {
  if (runsWasm) return lz4Wasm
  try {
    return await loadLz4Napi()
  } catch {
    // The package has no binary for this machine.
    return lz4Portable
  }
}
