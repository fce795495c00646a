/** LZ4 raw blocks: borg's default compression. There are no levels. */
import type { BlockCodec } from './kernel.ts'
import { lz4Wasm } from './lz4-wasm.ts'

export async function loadLz4(): Promise<BlockCodec> {
  return lz4Wasm
}
