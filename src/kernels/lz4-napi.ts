/** LZ4 raw blocks by lz4-napi (lz4_flex), which puts the plain size (u32 LE) before each block and wants it there. */
import type { BlockCodec } from './kernel.ts'
import { measureBlock } from './lz4-portable.ts'

const prefixSize = 4

export async function loadLz4Napi(): Promise<BlockCodec> {
  const { default: lz4 } = await import('lz4-napi')
  return {
    compress(plain) {
      const prefixed = lz4.compressSync(Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength))
      return new Uint8Array(prefixed.buffer, prefixed.byteOffset + prefixSize, prefixed.length - prefixSize)
    },

    decompress(body, maxSize) {
      // The package allocates what the prefix says: give it the exact size, found by walking the block.
      const size = measureBlock(body, maxSize)
      const prefixed = new Uint8Array(prefixSize + body.length)
      new DataView(prefixed.buffer).setUint32(0, size, true)
      prefixed.set(body, prefixSize)
      const plain = decompress(lz4.uncompressSync, prefixed)
      if (plain.length !== size) throw new Error(`lz4: ${plain.length} bytes came out of a block of ${size}`)
      return plain
    },
  }
}

function decompress(uncompressSync: (prefixed: Uint8Array) => Uint8Array, prefixed: Uint8Array): Uint8Array {
  try {
    const plain = uncompressSync(prefixed)
    return new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength)
  } catch (error) {
    throw new Error(`lz4: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
