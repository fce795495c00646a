/** xz containers (and, reading, the older lzma-alone form), presets 0..9. */
import type { BlockCodec } from './kernel.ts'

export async function loadLzma(): Promise<BlockCodec> {
  throw new Error('lzma: codec is still being built')
}
