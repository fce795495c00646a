/** The encoding half of LZMA's range coder, over the probabilities of lzma-model.ts. Facts: LZMA specification. */

let low: u64 = 0
let range: u32 = 0
let cache: u8 = 0
/** The cached byte and the 0xff bytes after it that a carry may still change. */
let cacheSize: u32 = 0
let outAt: usize = 0

export function startCoding(at: usize): void {
  low = 0
  range = 0xffffffff
  cache = 0
  cacheSize = 1
  outAt = at
}

/** Writes out what is pending; where the output ends. */
export function endCoding(): usize {
  for (let i = 0; i < 5; i++) shiftLow()
  return outAt
}

/** Where the output would end if it ended now. */
export function codedEnd(): usize {
  return outAt + <usize>cacheSize + 4
}

function shiftLow(): void {
  if (low < 0xff000000 || low > 0xffffffff) {
    const carry = <u8>(low >> 32)
    let byte = cache
    do {
      store<u8>(outAt++, byte + carry)
      byte = 0xff
    } while (--cacheSize > 0)
    cache = <u8>(low >> 24)
  }
  cacheSize++
  low = (low & 0x00ffffff) << 8
}

export function putBit(prob: usize, bit: u32): void {
  const p = <u32>load<u16>(prob)
  const bound = (range >> 11) * p
  if (bit) {
    low += <u64>bound
    range -= bound
    store<u16>(prob, <u16>(p - (p >> 5)))
  } else {
    range = bound
    store<u16>(prob, <u16>(p + ((2048 - p) >> 5)))
  }
  if (range < 0x1000000) {
    range <<= 8
    shiftLow()
  }
}

export function putDirectBits(value: u32, bits: u32): void {
  while (bits > 0) {
    range >>= 1
    if ((value >> --bits) & 1) low += <u64>range
    if (range < 0x1000000) {
      range <<= 8
      shiftLow()
    }
  }
}

export function putBitTree(probs: usize, bits: u32, symbol: u32): void {
  let node: u32 = 1
  while (bits > 0) {
    const b = (symbol >> --bits) & 1
    putBit(probs + (<usize>node << 1), b)
    node = (node << 1) | b
  }
}

export function putReverseBitTree(probs: usize, bits: u32, symbol: u32): void {
  let node: u32 = 1
  for (; bits > 0; bits--) {
    const b = symbol & 1
    symbol >>= 1
    putBit(probs + (<usize>node << 1), b)
    node = (node << 1) | b
  }
}
