/**
 * LZMA2 encoding: hash chains to find matches, one position of look-ahead to choose among them (the "fast" mode of
 * liblzma's presets 0 to 3; an optimal parse would save another 5 to 10 %). lc 3, lp 0, pb 2, as every preset has.
 * The plaintext lies whole in memory and is its own window.
 */
import {
  IS_MATCH, IS_REP, IS_REP_G0, IS_REP_G1, IS_REP_G2, IS_REP0_LONG, POS_SLOT, POS_SPECIAL, POS_ALIGN, LENGTH, REP_LENGTH,
  LEN_LOW, LEN_MID, LEN_HIGH, MODEL_SIZE, resetModel, afterLiteral, literalProbs,
} from './lzma-model'
import { MATCH_MAX, agreeing, findMatches, matchCount, matchDistanceAt, matchLengthAt, startMatching } from './lzma-matches'
import { startCoding, endCoding, codedEnd, putBit, putDirectBits, putBitTree, putReverseBitTree } from './lzma-range'

const LC: u32 = 3
const POS_MASK: usize = 3
const PROPERTIES: u8 = 93
/** A chunk holds at most 2 MiB plain and 64 KiB coded; one more symbol must always fit. */
const PLAIN_LIMIT: usize = (2 << 20) - MATCH_MAX
const CODED_LIMIT: usize = (64 << 10) - 64

let input: usize = 0
let inputEnd: usize = 0
let niceLength: u32 = 0

let state: u32 = 0
let rep0: u32 = 0
let rep1: u32 = 0
let rep2: u32 = 0
let rep3: u32 = 0

/** What `choose` decided: `back` is a rep index, or a distance plus 4. A literal has length 1. */
let back: u32 = 0

export function modelSize(): usize {
  return MODEL_SIZE
}

/** LZMA2 stream of memory[at, at + size) at `out`, end chunk included; its size. Room needed: size + size / 1000 + 64 KiB. */
export function encode(
  at: usize, size: usize, out: usize, tables: usize, hashBits: u32, windowBits: u32, depth: u32, nice: u32,
): usize {
  input = at
  inputEnd = at + size
  niceLength = nice
  startMatching(at, inputEnd, tables, hashBits, windowBits, depth, nice)
  resetState()

  let from = at
  let to = out
  // What the next chunk's header must say: dictionary (3), properties (2), state (1), nothing (0).
  let reset: u32 = 3
  while (from < inputEnd) {
    const body = to + 6
    startCoding(body)
    const end = encodeChunk(from, body)
    const coded = endCoding() - body
    const plain = end - from
    if (coded + 6 < plain) {
      to = putChunkHeader(to, plain, coded, reset, body)
      reset = 0
    } else {
      to = putPlainChunks(to, from, end, reset == 3)
      resetState()
      // The reader resets on the next coded chunk; it has no properties yet if there was none.
      reset = reset >= 2 ? 2 : 1
    }
    from = end
  }
  store<u8>(to, 0)
  return to + 1 - out
}

function putChunkHeader(to: usize, plain: usize, coded: usize, reset: u32, body: usize): usize {
  store<u8>(to, <u8>(0x80 | (reset << 5) | <u32>((plain - 1) >> 16)))
  store<u16>(to, bswap<u16>(<u16>(plain - 1)), 1)
  store<u16>(to, bswap<u16>(<u16>(coded - 1)), 3)
  let start = to + 5
  if (reset >= 2) store<u8>(start++, PROPERTIES)
  // Room was left for the properties; close the gap where there are none.
  if (start != body) memory.copy(start, body, coded)
  return start + coded
}

function putPlainChunks(to: usize, from: usize, end: usize, resetDictionary: bool): usize {
  let control: u8 = resetDictionary ? 1 : 2
  while (from < end) {
    const size = min<usize>(end - from, 1 << 16)
    store<u8>(to, control)
    store<u16>(to, bswap<u16>(<u16>(size - 1)), 1)
    memory.copy(to + 3, from, size)
    to += size + 3
    from += size
    control = 2
  }
  return to
}

function resetState(): void {
  resetModel(LC)
  state = 0
  rep0 = 0
  rep1 = 0
  rep2 = 0
  rep3 = 0
}

/** Encodes from `from` until the chunk is full; where it stopped. */
function encodeChunk(from: usize, body: usize): usize {
  const limit = from + PLAIN_LIMIT
  let at = from
  while (at < inputEnd && at < limit && codedEnd() - body < CODED_LIMIT) {
    const posState = (at - input) & POS_MASK
    const length = choose(at)
    if (length == 1) {
      putLiteral(at, posState)
    } else if (back < 4) {
      putBit(IS_MATCH + (<usize>state << 5) + (posState << 1), 1)
      putBit(IS_REP + (<usize>state << 1), 1)
      putRep(back, posState)
      putLength(REP_LENGTH, length, posState)
      state = state < 7 ? 8 : 11
    } else {
      putBit(IS_MATCH + (<usize>state << 5) + (posState << 1), 1)
      putBit(IS_REP + (<usize>state << 1), 0)
      state = state < 7 ? 7 : 10
      putLength(LENGTH, length, posState)
      putDistance(back - 4, length)
    }
    at += <usize>length
  }
  return at
}

function putLiteral(at: usize, posState: usize): void {
  const symbol = <u32>load<u8>(at)
  const matchable = at > input
  // A single byte at the last distance is far cheaper than a literal.
  if (matchable && <usize>rep0 < at - input && state >= 7 && <u32>load<u8>(at - <usize>rep0 - 1) == symbol) {
    putBit(IS_MATCH + (<usize>state << 5) + (posState << 1), 1)
    putBit(IS_REP + (<usize>state << 1), 1)
    putBit(IS_REP_G0 + (<usize>state << 1), 0)
    putBit(IS_REP0_LONG + (<usize>state << 5) + (posState << 1), 0)
    state = state < 7 ? 9 : 11
    return
  }
  putBit(IS_MATCH + (<usize>state << 5) + (posState << 1), 0)
  const probs = literalProbs(at - input, matchable ? <u32>load<u8>(at - 1) : 0, LC, 0)
  if (state < 7) {
    putBitTree(probs, 8, symbol)
  } else {
    let matched = <u32>load<u8>(at - <usize>rep0 - 1)
    let offset: u32 = 0x100
    let node: u32 = 1
    for (let i: u32 = 8; i > 0; ) {
      matched <<= 1
      const matchBit = matched & offset
      const b = (symbol >> --i) & 1
      putBit(probs + (<usize>(offset + matchBit + node) << 1), b)
      node = (node << 1) | b
      offset = b ? matchBit : offset & ~matchBit
    }
  }
  state = afterLiteral(state)
}

function putRep(rep: u32, posState: usize): void {
  if (rep == 0) {
    putBit(IS_REP_G0 + (<usize>state << 1), 0)
    putBit(IS_REP0_LONG + (<usize>state << 5) + (posState << 1), 1)
    return
  }
  putBit(IS_REP_G0 + (<usize>state << 1), 1)
  const found = rep == 1 ? rep1 : rep == 2 ? rep2 : rep3
  if (rep == 1) {
    putBit(IS_REP_G1 + (<usize>state << 1), 0)
  } else {
    putBit(IS_REP_G1 + (<usize>state << 1), 1)
    putBit(IS_REP_G2 + (<usize>state << 1), rep - 2)
    if (rep == 3) rep3 = rep2
    rep2 = rep1
  }
  rep1 = rep0
  rep0 = found
}

function putLength(coder: usize, length: u32, posState: usize): void {
  let rest = length - 2
  if (rest < 8) {
    putBit(coder, 0)
    putBitTree(coder + LEN_LOW + (posState << 4), 3, rest)
  } else if (rest < 16) {
    putBit(coder, 1)
    putBit(coder + 2, 0)
    putBitTree(coder + LEN_MID + (posState << 4), 3, rest - 8)
  } else {
    putBit(coder, 1)
    putBit(coder + 2, 1)
    putBitTree(coder + LEN_HIGH, 8, rest - 16)
  }
}

function putDistance(distance: u32, length: u32): void {
  const lengthState: usize = length < 6 ? <usize>(length - 2) : 3
  let slot = distance
  if (distance >= 4) {
    const top = 31 - <u32>clz<u32>(distance)
    slot = (top << 1) | ((distance >> (top - 1)) & 1)
  }
  putBitTree(POS_SLOT + (lengthState << 7), 6, slot)
  if (slot >= 4) {
    const bits = (slot >> 1) - 1
    const base = (2 | (slot & 1)) << bits
    const rest = distance - base
    if (slot < 14) {
      putReverseBitTree(POS_SPECIAL + (<usize>(base - slot) << 1), bits, rest)
    } else {
      putDirectBits(rest >> 4, bits - 4)
      putReverseBitTree(POS_ALIGN, 4, rest & 15)
    }
  }
  rep3 = rep2
  rep2 = rep1
  rep1 = rep0
  rep0 = distance
}

// @ts-ignore: decorator
@inline
function isFarCheaper(near: u32, far: u32): bool {
  return far >> 7 > near
}

/** Rep `i`'s distance. */
// @ts-ignore: decorator
@inline
function repAt(i: u32): u32 {
  return i == 0 ? rep0 : i == 1 ? rep1 : i == 2 ? rep2 : rep3
}

/** Length of the next symbol; its `back`. */
function choose(at: usize): u32 {
  const available = <u32>min<usize>(inputEnd - at, MATCH_MAX)
  findMatches(at, available)
  if (available < 2) return 1
  let repLength: u32 = 0
  let rep: u32 = 0
  for (let i: u32 = 0; i < 4; i++) {
    const distance = repAt(i)
    if (<usize>distance >= at - input) continue
    const length = agreeing(at, distance, 0, available)
    if (length > repLength) {
      repLength = length
      rep = i
    }
  }
  if (repLength >= niceLength) {
    back = rep
    return repLength
  }
  let length: u32 = 0
  let distance: u32 = 0
  if (matchCount > 0) {
    let i = matchCount - 1
    length = matchLengthAt(i)
    distance = matchDistanceAt(i)
    if (length >= niceLength) {
      back = distance + 4
      return length
    }
    // One byte shorter but much nearer is cheaper.
    while (i > 0 && length == matchLengthAt(i - 1) + 1 && isFarCheaper(matchDistanceAt(i - 1), distance)) {
      i--
      length = matchLengthAt(i)
      distance = matchDistanceAt(i)
    }
    if (length == 2 && distance >= 0x80) length = 1
  }
  if (repLength >= 2) {
    if (
      repLength + 1 >= length ||
      (repLength + 2 >= length && distance >= 1 << 9) ||
      (repLength + 3 >= length && distance >= 1 << 15)
    ) {
      back = rep
      return repLength
    }
  }
  if (length < 2 || available <= 2) return 1
  if (isNextBetter(at + 1, available - 1, length, distance)) return 1
  back = distance + 4
  return length
}

/** Whether a literal now and a match at `next` beats the match of `length` and `distance` now. */
function isNextBetter(next: usize, available: u32, length: u32, distance: u32): bool {
  findMatches(next, <u32>min<usize>(inputEnd - next, MATCH_MAX))
  if (matchCount > 0) {
    const nextLength = matchLengthAt(matchCount - 1)
    const nextDistance = matchDistanceAt(matchCount - 1)
    if (
      (nextLength >= length && nextDistance < distance) ||
      (nextLength == length + 1 && !isFarCheaper(distance, nextDistance)) ||
      nextLength > length + 1 ||
      (nextLength + 1 >= length && length >= 3 && isFarCheaper(nextDistance, distance))
    ) {
      return true
    }
  }
  const limit = max<u32>(length - 1, 2)
  if (limit > available) return false
  for (let i: u32 = 0; i < 4; i++) {
    const distance = repAt(i)
    if (<usize>distance < next - input && agreeing(next, distance, 0, limit) == limit) return true
  }
  return false
}
