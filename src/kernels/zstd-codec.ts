/**
 * zstd by zstd-codec: libzstd compiled with a fixed heap of 16 MiB. Within what that carries it compresses faster than
 * @bokuweb/zstd-wasm (2 times at 8 KiB, 1.1 to 1.7 times at 1 MiB); beyond it the module aborts and is of no more use. It
 * decompresses slower, so it is not asked to.
 */
import type { BlockCodec } from './kernel.ts'
import { checkedZstd } from './zstd-frame.ts'

/** The part of the package that is used; it has no types. */
interface ZstdCodecPackage {
  readonly ZstdCodec: {
    run(ready: (zstd: { readonly Simple: new () => Simple }) => void): void
  }
}
interface Simple {
  compress(plain: Uint8Array, level: number): Uint8Array | null
}

/** Aborts were seen from 6 MiB at level 3 and from 1 MiB at level 10. */
const plainSizeMax = 1024 * 1024
const levelMax = 6

interface State {
  readonly simple: Simple
  failed: boolean
}

let starting: Promise<State> | undefined

/** `other` does what lies outside the envelope, and everything once zstd-codec has failed. */
export async function loadZstdCodec(other: BlockCodec): Promise<BlockCodec> {
  // Once for all: each start takes another heap.
  starting ??= start()
  const state = await starting
  const inside = checkedZstd({
    compress(plain, level) {
      const body = state.simple.compress(plain, level)
      if (body === null) throw new Error('zstd: zstd-codec gave nothing')
      return body
    },
    decompress: (body, size) => other.decompress(body, size),
  })
  return {
    compress(plain, level) {
      if (state.failed || plain.length === 0 || plain.length > plainSizeMax || level > levelMax) {
        return other.compress(plain, level)
      }
      try {
        return inside.compress(plain, level)
      } catch (error) {
        if (error instanceof RangeError) throw error
        state.failed = true
        return other.compress(plain, level)
      }
    },
    decompress: (body, maxSize) => other.decompress(body, maxSize),
  }
}

async function start(): Promise<State> {
  // @ts-expect-error: the package has no types
  const { default: zstdCodec }: { default: ZstdCodecPackage } = await import('zstd-codec')
  const simple = await new Promise<Simple>((resolve) => {
    zstdCodec.ZstdCodec.run(({ Simple }) => resolve(new Simple()))
  })
  return { simple, failed: false }
}
