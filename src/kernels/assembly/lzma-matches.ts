/**
 * Where the bytes at a position have been before: hash tables for two, three and four bytes, the last with a chain of all
 * earlier positions in the window. The nearest and the longest matches come out.
 */

export const MATCH_MAX: u32 = 273

const HASH2_BITS: u32 = 16
const HASH3_BITS: u32 = 16

let input: usize = 0
let inputEnd: usize = 0
/** Tables of offsets from the input's start, plus one; 0 is none. */
let hash2At: usize = 0
let hash3At: usize = 0
let hash4At: usize = 0
let hash4Bits: u32 = 0
/** For each position, mod the window, the one before it with the same hash of four bytes. */
let chainAt: usize = 0
let windowMask: usize = 0
let depthMax: u32 = 0
let niceLength: u32 = 0
/** Positions before this one are in the tables. */
let inserted: usize = 0

/** The matches found last: longer ones are farther away. Pairs of length and distance. */
let matches: usize = 0
export let matchCount: u32 = 0
/** Where they start: a look-ahead is often the next question. */
let matchesOf: usize = 0

/** Bytes of tables that `startMatching` needs at `tables`. */
export function tablesSize(hashBits: u32, windowBits: u32): usize {
  return ((1 << HASH2_BITS) + (1 << HASH3_BITS) + (1 << hashBits) + (1 << windowBits)) * 4 + 2 * 4 * MATCH_MAX
}

/** `depth`: how many candidates are tried; `nice`: the length that ends the search. */
export function startMatching(
  start: usize, end: usize, tables: usize, hashBits: u32, windowBits: u32, depth: u32, nice: u32,
): void {
  input = start
  inputEnd = end
  hash2At = tables
  hash3At = hash2At + (4 << HASH2_BITS)
  hash4At = hash3At + (4 << HASH3_BITS)
  hash4Bits = hashBits
  chainAt = hash4At + (4 << hashBits)
  windowMask = (1 << windowBits) - 1
  matches = chainAt + (4 << windowBits)
  memory.fill(tables, 0, chainAt - tables)
  depthMax = depth
  niceLength = nice
  inserted = start
  matchesOf = 0
}

/** Bytes that agree at `at` and `distance` + 1 before it, at most `limit`. */
// @ts-ignore: decorator
@inline
export function agreeing(at: usize, distance: u32, start: u32, limit: u32): u32 {
  const from = at - <usize>distance - 1
  let length = start
  while (length + 8 <= limit) {
    const difference = load<u64>(at + <usize>length) ^ load<u64>(from + <usize>length)
    if (difference) return length + <u32>(ctz<u64>(difference) >> 3)
    length += 8
  }
  while (length < limit && load<u8>(at + <usize>length) == load<u8>(from + <usize>length)) length++
  return length
}

// @ts-ignore: decorator
@inline
export function matchLengthAt(i: u32): u32 {
  return load<u32>(matches + (<usize>i << 3))
}

// @ts-ignore: decorator
@inline
export function matchDistanceAt(i: u32): u32 {
  return load<u32>(matches + (<usize>i << 3), 4)
}

// @ts-ignore: decorator
@inline
function addMatch(length: u32, distance: u32): void {
  const place = matches + (<usize>matchCount << 3)
  store<u32>(place, length)
  store<u32>(place, distance, 4)
  matchCount++
}

// @ts-ignore: decorator
@inline
function slot2(at: usize): usize {
  return hash2At + (<usize>load<u16>(at) << 2)
}

// @ts-ignore: decorator
@inline
function slot3(word: u32): usize {
  return hash3At + (<usize>(((word & 0xffffff) * 506832829) >> (32 - HASH3_BITS)) << 2)
}

// @ts-ignore: decorator
@inline
function slot4(word: u32): usize {
  return hash4At + (<usize>((word * 2654435761) >> (32 - hash4Bits)) << 2)
}

/** Puts all positions before `at` into the tables. The last three bytes of the input have no hash. */
function insertUpTo(at: usize): void {
  const end = min<usize>(at, inputEnd >= input + 3 ? inputEnd - 3 : input)
  while (inserted < end) {
    const word = load<u32>(inserted)
    const place = <u32>(inserted - input) + 1
    store<u32>(slot2(inserted), place)
    store<u32>(slot3(word), place)
    const slot = slot4(word)
    store<u32>(chainAt + ((<usize>place & windowMask) << 2), load<u32>(slot))
    store<u32>(slot, place)
    inserted++
  }
}

/** Fills `matches` for `at`: each longer than the one before, the nearest of its length. */
export function findMatches(at: usize, available: u32): void {
  if (matchesOf == at) return
  insertUpTo(at)
  matchesOf = at
  matchCount = 0
  if (available < 4) return
  const place = <u32>(at - input) + 1
  const word = load<u32>(at)
  const window = <u32>windowMask
  let best: u32 = 1
  const near2 = load<u32>(slot2(at))
  if (near2 != 0 && place - near2 <= window && load<u16>(at - <usize>(place - near2)) == <u16>word) {
    best = agreeing(at, place - near2 - 1, 2, available)
    addMatch(best, place - near2 - 1)
  }
  const near3 = load<u32>(slot3(word))
  if (best < available && near3 != 0 && near3 != near2 && place - near3 <= window) {
    const length = agreeing(at, place - near3 - 1, 0, available)
    if (length > best) {
      best = length
      addMatch(best, place - near3 - 1)
    }
  }
  let from = load<u32>(slot4(word))
  for (let tries = depthMax; tries > 0 && from != 0 && place - from <= window && best < available && best < niceLength; tries--) {
    const other = input + <usize>from - 1
    // Only a match that also agrees one byte past the best can be longer.
    if (load<u8>(other + <usize>best) == load<u8>(at + <usize>best) && load<u32>(other) == word) {
      const length = agreeing(at, place - from - 1, 4, available)
      if (length > best) {
        best = length
        addMatch(best, place - from - 1)
      }
    }
    from = load<u32>(chainAt + ((<usize>from & windowMask) << 2))
  }
}
