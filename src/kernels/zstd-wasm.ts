/** zstd by @bokuweb/zstd-wasm: libzstd itself, compiled; any level, any size borg has, on every Node. */
import type { BlockCodec } from './kernel.ts'
import { zstdContentSize } from './zstd-frame.ts'
import { requireZstdLevel } from './zstd-level.ts'

export async function loadZstdWasm(): Promise<BlockCodec> {
  const zstd = await import('@bokuweb/zstd-wasm')
  await zstd.init()
  return {
    compress(plain, level) {
      requireZstdLevel(level)
      return zstd.compress(plain, level)
    },

    decompress(body, maxSize) {
      const size = zstdContentSize(body, maxSize)
      const plain = decompress(zstd, body)
      if (plain.length !== size) throw new Error(`zstd: frame names ${size} bytes, ${plain.length} came out`)
      return plain
    },
  }
}

function decompress(zstd: { decompress(body: Uint8Array): Uint8Array }, body: Uint8Array): Uint8Array {
  try {
    return zstd.decompress(body)
  } catch (error) {
    throw new Error('zstd: frame is damaged', { cause: error })
  }
}
