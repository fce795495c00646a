/** CRC-32 in plain TypeScript, eight bytes a step by eight tables ("slicing-by-8"): cheap to enter, good for headers. */
import type { Crc32 } from './kernel.ts'

const polynomial = 0xedb88320

let tables: readonly Int32Array[] | undefined

export const crc32Portable: Crc32 = (bytes, seed = 0) => {
  tables ??= makeTables()
  return crcOver(tables, bytes, ~seed)
}

function crcOver(tables: readonly Int32Array[], bytes: Uint8Array, start: number): number {
  const [t0, t1, t2, t3] = [tables[0]!, tables[1]!, tables[2]!, tables[3]!]
  const [t4, t5, t6, t7] = [tables[4]!, tables[5]!, tables[6]!, tables[7]!]
  const size = bytes.length
  let crc = start
  let at = 0
  for (; at + 8 <= size; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      t7[crc & 255]! ^
      t6[(crc >>> 8) & 255]! ^
      t5[(crc >>> 16) & 255]! ^
      t4[crc >>> 24]! ^
      t3[bytes[at + 4]!]! ^
      t2[bytes[at + 5]!]! ^
      t1[bytes[at + 6]!]! ^
      t0[bytes[at + 7]!]!
  }
  for (; at < size; at++) crc = t0[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** Table k: the CRC of a byte followed by k zero bytes. */
function makeTables(): readonly Int32Array[] {
  const made = Array.from({ length: 8 }, () => new Int32Array(256))
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0)
    made[0]![byte] = crc
  }
  for (let k = 1; k < 8; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = made[k - 1]![byte]!
      made[k]![byte] = made[0]![before & 255]! ^ (before >>> 8)
    }
  }
  return made
}
