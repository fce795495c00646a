/** zstd by node:zlib, where Node has it (22.15 and later). */
import * as zlib from 'node:zlib'
import type { BlockCodec } from './kernel.ts'
import { checkedZstd } from './zstd-frame.ts'

/** What newer Nodes add to node:zlib; the types of Node 20 do not know it. */
interface ZlibWithZstd {
  zstdCompressSync(plain: Uint8Array, options: ZstdOptions): Uint8Array
  zstdDecompressSync(body: Uint8Array, options: ZstdOptions): Uint8Array
  readonly constants: { readonly ZSTD_c_compressionLevel: number }
}
interface ZstdOptions {
  readonly chunkSize: number
  readonly params?: Readonly<Record<number, number>>
  readonly pledgedSrcSize?: number
  readonly maxOutputLength?: number
}

/** Undefined where this Node has no zstd. */
export const zstdNode: BlockCodec | undefined = hasZstd(zlib) ? zstdOf(zlib) : undefined

function zstdOf(node: ZlibWithZstd): BlockCodec {
  return checkedZstd({
    compress: (plain, level) =>
      plainArray(
        node.zstdCompressSync(plain, {
          chunkSize: outputStep(plain.length + (plain.length >>> 8) + 128),
          params: { [node.constants.ZSTD_c_compressionLevel]: level },
          // Makes the frame name its content size; borg refuses frames that do not.
          pledgedSrcSize: plain.length,
        }),
      ),

    // One byte more than named, so that a frame which holds more than it says is found out by its size.
    decompress: (body, size) =>
      plainArray(node.zstdDecompressSync(body, { chunkSize: outputStep(size + 1), maxOutputLength: size + 1 })),
  })
}

/** node:zlib accepts no step below 64 bytes. */
function outputStep(expected: number): number {
  return Math.max(64, expected)
}

function hasZstd(module: unknown): module is ZlibWithZstd {
  return typeof (module as Partial<ZlibWithZstd>).zstdCompressSync === 'function'
}

/** A Buffer's `slice` is a view where a Uint8Array's is a copy: never let one out. */
function plainArray(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
