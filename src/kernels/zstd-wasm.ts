/** zstd by @bokuweb/zstd-wasm: libzstd itself, compiled; any level, any size borg has, on every Node. */
import type { BlockCodec } from './kernel.ts'
import { checkedZstd } from './zstd-frame.ts'

let loading: Promise<BlockCodec> | undefined

export function loadZstdWasm(): Promise<BlockCodec> {
  // Once: a second `init` swaps the module's memory while calls are under way, and they fail from then on.
  loading ??= load()
  return loading
}

async function load(): Promise<BlockCodec> {
  const zstd = await import('@bokuweb/zstd-wasm')
  await zstd.init()
  return checkedZstd({
    compress: (plain, level) => zstd.compress(plain, level),
    decompress: (body) => zstd.decompress(body),
  })
}
