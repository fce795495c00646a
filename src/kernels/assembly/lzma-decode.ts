/**
 * LZMA and LZMA2 decoding into one contiguous buffer, which is its own dictionary. The host sees to containers
 * (lzma-xz.ts, lzma-alone.ts). Facts: LZMA specification; LZMA2 chunks as in the xz format's reference decoder.
 *
 * Every read of input past its end lands in the slack the host leaves, and is noticed at the next symbol.
 */
import {
  IS_MATCH, IS_REP, IS_REP_G0, IS_REP_G1, IS_REP_G2, IS_REP0_LONG, POS_SLOT, POS_SPECIAL, POS_ALIGN, LENGTH, REP_LENGTH,
  LEN_LOW, LEN_MID, LEN_HIGH, resetModel, afterLiteral, literalProbs,
} from './lzma-model'

/** Results below zero. */
const TRUNCATED: isize = -1
const TOO_LARGE: isize = -2
const DAMAGED: isize = -3

const END_MARKER: isize = -100

let range: u32 = 0
let code: u32 = 0
let inAt: usize = 0
let inEnd: usize = 0

let outAt: usize = 0
let dictionaryAt: usize = 0

let state: u32 = 0
let rep0: u32 = 0
let rep1: u32 = 0
let rep2: u32 = 0
let rep3: u32 = 0

let lc: u32 = 0
let lpMask: u32 = 0
let pbMask: u32 = 0
let literalBits: u32 = 0

/** Where the last decoding stopped reading. */
export function inputEnd(): usize {
  return inAt
}

// @ts-ignore: decorator
@inline
function normalise(): void {
  if (range < 0x1000000) {
    range <<= 8
    code = (code << 8) | <u32>load<u8>(inAt++)
  }
}

// @ts-ignore: decorator
@inline
function bit(prob: usize): u32 {
  normalise()
  const p = <u32>load<u16>(prob)
  const bound = (range >> 11) * p
  if (code < bound) {
    range = bound
    store<u16>(prob, <u16>(p + ((2048 - p) >> 5)))
    return 0
  }
  range -= bound
  code -= bound
  store<u16>(prob, <u16>(p - (p >> 5)))
  return 1
}

function bitTree(probs: usize, limit: u32): u32 {
  let symbol: u32 = 1
  do symbol = (symbol << 1) | bit(probs + (<usize>symbol << 1))
  while (symbol < limit)
  return symbol - limit
}

function reverseBitTree(probs: usize, bits: u32): u32 {
  let symbol: u32 = 1
  let value: u32 = 0
  for (let i: u32 = 0; i < bits; i++) {
    const b = bit(probs + (<usize>symbol << 1))
    symbol = (symbol << 1) | b
    value |= b << i
  }
  return value
}

function directBits(bits: u32): u32 {
  let value: u32 = 0
  for (let i: u32 = 0; i < bits; i++) {
    normalise()
    range >>= 1
    const b: u32 = code >= range ? 1 : 0
    if (b) code -= range
    value = (value << 1) | b
  }
  return value
}

function matchLength(coder: usize, posState: usize): u32 {
  if (!bit(coder)) return 2 + bitTree(coder + LEN_LOW + (posState << 4), 8)
  if (!bit(coder + 2)) return 10 + bitTree(coder + LEN_MID + (posState << 4), 8)
  return 18 + bitTree(coder + LEN_HIGH, 256)
}

function distance(length: u32): u32 {
  const lengthState: usize = length < 6 ? <usize>(length - 2) : 3
  const slot = bitTree(POS_SLOT + (lengthState << 7), 64)
  if (slot < 4) return slot
  const bits = (slot >> 1) - 1
  const base = (2 | (slot & 1)) << bits
  if (slot < 14) return base + reverseBitTree(POS_SPECIAL + (<usize>(base - slot) << 1), bits)
  const high = directBits(bits - 4) << 4
  return base + high + reverseBitTree(POS_ALIGN, 4)
}

function literal(): void {
  const position = outAt - dictionaryAt
  const before: u32 = position > 0 ? <u32>load<u8>(outAt - 1) : 0
  const probs = literalProbs(position, before, lc, lpMask)
  let symbol: u32 = 1
  if (state < 7) {
    do symbol = (symbol << 1) | bit(probs + (<usize>symbol << 1))
    while (symbol < 0x100)
  } else {
    let matched = <u32>load<u8>(outAt - <usize>rep0 - 1)
    let offset: u32 = 0x100
    do {
      matched <<= 1
      const matchBit = matched & offset
      const b = bit(probs + (<usize>(offset + matchBit + symbol) << 1))
      symbol = (symbol << 1) | b
      offset = b ? matchBit : offset & ~matchBit
    } while (symbol < 0x100)
  }
  store<u8>(outAt++, <u8>symbol)
  state = afterLiteral(state)
}

function copyMatch(length: usize): void {
  let from = outAt - <usize>rep0 - 1
  const end = outAt + length
  if (rep0 >= 7) {
    // Overshoots by up to seven bytes, into slack or what comes next.
    let to = outAt
    do {
      store<u64>(to, load<u64>(from))
      to += 8
      from += 8
    } while (to < end)
  } else {
    for (let to = outAt; to < end; to++) store<u8>(to, load<u8>(from++))
  }
  outAt = end
}

/** Length of the next repeated match, its distance in rep0; 1 for a short one. */
function repLength(posState: usize): u32 {
  if (!bit(IS_REP_G0 + (<usize>state << 1))) {
    if (!bit(IS_REP0_LONG + (<usize>state << 5) + (posState << 1))) {
      state = state < 7 ? 9 : 11
      return 1
    }
  } else {
    let found: u32
    if (!bit(IS_REP_G1 + (<usize>state << 1))) {
      found = rep1
    } else {
      if (!bit(IS_REP_G2 + (<usize>state << 1))) {
        found = rep2
      } else {
        found = rep3
        rep3 = rep2
      }
      rep2 = rep1
    }
    rep1 = rep0
    rep0 = found
  }
  state = state < 7 ? 8 : 11
  return matchLength(REP_LENGTH, posState)
}

/** Decodes until `outAt` is `end`. 0, END_MARKER, or an error. */
function decodeTo(end: usize): isize {
  while (outAt < end) {
    if (inAt > inEnd) return TRUNCATED
    const posState = (outAt - dictionaryAt) & <usize>pbMask
    if (!bit(IS_MATCH + (<usize>state << 5) + (posState << 1))) {
      literal()
      continue
    }
    let length: u32
    if (bit(IS_REP + (<usize>state << 1))) {
      if (outAt == dictionaryAt) return DAMAGED
      length = repLength(posState)
    } else {
      rep3 = rep2
      rep2 = rep1
      rep1 = rep0
      state = state < 7 ? 7 : 10
      length = matchLength(LENGTH, posState)
      rep0 = distance(length)
      if (rep0 == 0xffffffff) return END_MARKER
    }
    if (<usize>rep0 >= outAt - dictionaryAt) return DAMAGED
    if (<usize>length > end - outAt) return DAMAGED
    copyMatch(<usize>length)
  }
  return 0
}

function resetState(): void {
  resetModel(literalBits)
  state = 0
  rep0 = 0
  rep1 = 0
  rep2 = 0
  rep3 = 0
}

/** The byte (pb * 5 + lp) * 9 + lc. False if it is out of range. */
function setProperties(packed: u32): bool {
  if (packed >= 225) return false
  lc = packed % 9
  const rest = packed / 9
  const lp = rest % 5
  if (lc + lp > 4) return false
  literalBits = lc + lp
  lpMask = (1 << lp) - 1
  pbMask = (1 << (rest / 5)) - 1
  return true
}

/** False if the range coder's first byte is not 0. */
function startRange(): bool {
  range = 0xffffffff
  code = bswap<u32>(load<u32>(inAt, 1))
  const first = load<u8>(inAt)
  inAt += 5
  return first == 0
}

/**
 * Raw LZMA, as after the header of the alone form. `size` known: exactly so much, an end marker may follow; `size`
 * negative: up to the end marker. Plain size at `out`, or an error.
 */
export function decodeLzma(input: usize, inputSize: usize, out: usize, capacity: usize, size: isize, properties: u32): isize {
  if (!setProperties(properties)) return DAMAGED
  if (inputSize < 5) return TRUNCATED
  if (size > <isize>capacity) return TOO_LARGE
  inAt = input
  inEnd = input + inputSize
  outAt = out
  dictionaryAt = out
  resetState()
  if (!startRange()) return DAMAGED
  let end = out + (size < 0 ? capacity : <usize>size)
  const result = decodeTo(end)
  if (result != 0 && result != END_MARKER) return result
  if (result == END_MARKER && size >= 0) return DAMAGED
  if (result == 0) {
    normalise()
    // With a known size the marker is optional; without it the code is used up. More output would be too much.
    const finished = size >= 0 && code == 0 && inAt == inEnd
    if (!finished) {
      if (inAt > inEnd) return TRUNCATED
      const after = decodeTo(outAt + 1)
      if (after != END_MARKER) return after == TRUNCATED ? TRUNCATED : size < 0 && after >= 0 ? TOO_LARGE : DAMAGED
    }
  }
  normalise()
  if (inAt > inEnd) return TRUNCATED
  if (code != 0) return DAMAGED
  return <isize>(outAt - out)
}

/** LZMA2 chunks up to and including the end chunk. Plain size at `out`, or an error. */
export function decodeLzma2(input: usize, inputSize: usize, out: usize, capacity: usize): isize {
  const streamEnd = input + inputSize
  const outEnd = out + capacity
  let needsDictionary = true
  let needsProperties = true
  inAt = input
  outAt = out
  dictionaryAt = out
  while (true) {
    if (inAt >= streamEnd) return TRUNCATED
    const control = <u32>load<u8>(inAt++)
    if (control == 0) return <isize>(outAt - out)
    if (control >= 0xe0 || control == 1) {
      needsProperties = true
      needsDictionary = false
      dictionaryAt = outAt
    } else if (needsDictionary) {
      return DAMAGED
    }
    if (control < 0x80) {
      if (control > 2) return DAMAGED
      if (streamEnd - inAt < 2) return TRUNCATED
      const size = <usize>bswap<u16>(load<u16>(inAt)) + 1
      inAt += 2
      if (streamEnd - inAt < size) return TRUNCATED
      if (outEnd - outAt < size) return TOO_LARGE
      memory.copy(outAt, inAt, size)
      inAt += size
      outAt += size
      continue
    }
    if (streamEnd - inAt < (control >= 0xc0 ? 5 : 4)) return TRUNCATED
    const plainSize = (<usize>(control & 0x1f) << 16) + <usize>bswap<u16>(load<u16>(inAt)) + 1
    const packedSize = <usize>bswap<u16>(load<u16>(inAt, 2)) + 1
    inAt += 4
    if (control >= 0xc0) {
      if (!setProperties(<u32>load<u8>(inAt++))) return DAMAGED
      needsProperties = false
    } else if (needsProperties) {
      return DAMAGED
    }
    if (control >= 0xa0) resetState()
    if (streamEnd - inAt < packedSize) return TRUNCATED
    if (outEnd - outAt < plainSize) return TOO_LARGE
    if (packedSize < 5) return DAMAGED
    inEnd = inAt + packedSize
    if (!startRange()) return DAMAGED
    const result = decodeTo(outAt + plainSize)
    if (result != 0) return result == END_MARKER ? DAMAGED : result
    normalise()
    if (inAt != inEnd || code != 0) return DAMAGED
  }
}

/** CRC-64 as xz uses it (ECMA-182, reflected), bit by bit: borg writes none, so it only ever serves strangers' files. */
export function crc64(at: usize, size: usize): u64 {
  let crc: u64 = ~(0 as u64)
  for (const end = at + size; at < end; at++) {
    crc ^= <u64>load<u8>(at)
    for (let i = 0; i < 8; i++) crc = (crc >> 1) ^ (crc & 1 ? 0xc96c5795d7870f42 : 0)
  }
  return ~crc
}
