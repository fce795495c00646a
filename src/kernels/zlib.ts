/** zlib streams (RFC 1950) by node:zlib, whole buffers, levels 0..9. */
import { constants, deflateSync, inflateSync } from 'node:zlib'
import type { BlockCodec } from './kernel.ts'

/** What `inflateSync` gives when asked for `info`; the types of Node 20 do not know the option. */
interface Inflated {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
}

export async function loadZlib(): Promise<BlockCodec> {
  return zlibNode
}

export const zlibNode: BlockCodec = {
  compress(plain, level) {
    if (!Number.isInteger(level) || level < 0 || level > 9)
      throw new RangeError(`zlib level must be 0..9, got ${level}`)
    return plainArray(deflateSync(plain, { level, chunkSize: outputStep(plain.length) }))
  },

  decompress(body, maxSize) {
    const { buffer, engine } = inflate(body, maxSize)
    if (engine.bytesWritten !== body.length) {
      throw new Error(`zlib: ${body.length - engine.bytesWritten} bytes after the end of the stream`)
    }
    if (buffer.length > maxSize) throw new Error(`zlib: more than the expected ${maxSize} bytes come out`)
    return plainArray(buffer)
  },
}

function inflate(body: Uint8Array, maxSize: number): Inflated {
  // One byte more than allowed, so that a full buffer and an overfull one can be told apart (and 0 is no valid bound).
  const options = {
    maxOutputLength: maxSize + 1,
    info: true,
    finishFlush: constants.Z_FINISH,
    chunkSize: outputStep(4 * body.length),
  }
  try {
    return inflateSync(body, options) as unknown as Inflated
  } catch (error) {
    if (error instanceof RangeError) throw new Error(`zlib: more than the expected ${maxSize} bytes come out`)
    throw new Error(`zlib: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** How much output node:zlib makes at a time: few steps for large results, no large buffers for small ones. */
function outputStep(expected: number): number {
  return Math.min(Math.max(expected, 1024), 1024 * 1024)
}

function plainArray(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
