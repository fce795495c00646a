/**
 * The scan of buzhash-wasm.ts. Memory: table (256 u32) | the same, each turned by the window | bytes to scan.
 * Rules: chunker format, section 2.
 */

const tableAt: usize = 0
const turnedAt: usize = 1024
export const DATA_AT: usize = 2048

/** Hash after the last scan; the host reads it and gives it back. */
let hash: u32 = 0

export function hashNow(): u32 {
  return hash
}

/** Fills the second table from the first. */
export function turnTable(window: u32): void {
  for (let at: usize = 0; at < 1024; at += 4) store<u32>(turnedAt + at, rotl<u32>(load<u32>(tableAt + at), window))
}

// @ts-ignore: decorator
@inline
function rolled(hash: u32, leaving: usize, entering: usize, step: usize): u32 {
  return (
    rotl<u32>(hash, 1) ^
    load<u32>((<usize>load<u8>(leaving + step)) << 2, turnedAt) ^
    load<u32>((<usize>load<u8>(entering + step)) << 2, tableAt)
  )
}

/** Rolls over memory[from, to); offset just past the first window that matches `mask`, or 0. */
export function scan(start: u32, window: usize, mask: u32, from: usize, to: usize): usize {
  let h = start
  let at = from
  const unrolledEnd = to - 8
  // Signed: `to` may be less than 8.
  for (; <isize>at <= <isize>unrolledEnd; at += 8) {
    const leaving = at - window
    h = rolled(h, leaving, at, 0)
    if (!(h & mask)) { hash = h; return at + 1 }
    h = rolled(h, leaving, at, 1)
    if (!(h & mask)) { hash = h; return at + 2 }
    h = rolled(h, leaving, at, 2)
    if (!(h & mask)) { hash = h; return at + 3 }
    h = rolled(h, leaving, at, 3)
    if (!(h & mask)) { hash = h; return at + 4 }
    h = rolled(h, leaving, at, 4)
    if (!(h & mask)) { hash = h; return at + 5 }
    h = rolled(h, leaving, at, 5)
    if (!(h & mask)) { hash = h; return at + 6 }
    h = rolled(h, leaving, at, 6)
    if (!(h & mask)) { hash = h; return at + 7 }
    h = rolled(h, leaving, at, 7)
    if (!(h & mask)) { hash = h; return at + 8 }
  }
  for (; at < to; at++) {
    h = rolled(h, at - window, at, 0)
    if (!(h & mask)) { hash = h; return at + 1 }
  }
  hash = h
  return 0
}
