/** Buzhash in plain TypeScript: the readable one, and the oracle of the fast one. Rules: chunker format, section 2. */
import type { Buzhash, BuzhashScan } from './kernel.ts'

export const buzhashPortable: Buzhash = (table, bytes) => {
  let hash = 0
  for (const byte of bytes) hash = rotateLeft(hash, 1) ^ table[byte]!
  return hash >>> 0
}

/** See BuzhashScan in kernel.ts. */
export const buzhashScanPortable: BuzhashScan = (state, table, window, mask, bytes, from, to) => {
  if (from < window || to > bytes.length) {
    throw new RangeError(
      `buzhash scan of [${from}, ${to}) needs ${window} bytes before it and has ${bytes.length} in all`,
    )
  }
  let hash = state[0]!
  let found = -1
  for (let i = from; i < to && found < 0; i++) {
    hash = rotateLeft(hash, 1) ^ rotateLeft(table[bytes[i - window]!]!, window) ^ table[bytes[i]!]!
    if ((hash & mask) === 0) found = i + 1
  }
  state[0] = hash
  return found
}

/** Shift counts are taken mod 32 by the language, so a turn of 0 or 32 is the identity, as in borg. */
function rotateLeft(value: number, turn: number): number {
  return (value << turn) | (value >>> -turn)
}
