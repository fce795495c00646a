/** The stripes of xxh64-wasm.ts. Memory: 4 lanes (u64) | input. */

const PRIME1: u64 = 0x9e3779b185ebca87
const PRIME2: u64 = 0xc2b2ae3d27d4eb4f

export const INPUT_AT: usize = 64

// @ts-ignore: decorator
@inline
function round(lane: u64, input: u64): u64 {
  return rotl<u64>(lane + input * PRIME2, 31) * PRIME1
}

/** `size` is a multiple of 32. */
export function stripes(size: usize): void {
  let a = load<u64>(0)
  let b = load<u64>(8)
  let c = load<u64>(16)
  let d = load<u64>(24)
  const end = INPUT_AT + size
  for (let at: usize = INPUT_AT; at < end; at += 32) {
    a = round(a, load<u64>(at))
    b = round(b, load<u64>(at, 8))
    c = round(c, load<u64>(at, 16))
    d = round(d, load<u64>(at, 24))
  }
  store<u64>(0, a)
  store<u64>(8, b)
  store<u64>(16, c)
  store<u64>(24, d)
}
