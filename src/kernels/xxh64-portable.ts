/** XXH64 with bigint arithmetic: readable, slow, the twin of the WebAssembly one. */
import type { Xxh64, Xxh64Stream } from './kernel.ts'
import { round, xxh64Over } from './xxh64-stream.ts'

export const xxh64Portable: Xxh64 = (...parts) => {
  const stream = xxh64StreamPortable()
  for (const part of parts) stream.update(part)
  return stream.digest()
}

export function xxh64StreamPortable(): Xxh64Stream {
  return xxh64Over(eatStripes)
}

function eatStripes(lanes: BigUint64Array, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; at += 8) {
    const lane = (at >> 3) & 3
    lanes[lane] = round(lanes[lane]!, view.getBigUint64(at, true))
  }
}
