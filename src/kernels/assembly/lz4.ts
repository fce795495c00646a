/**
 * LZ4 raw blocks, both ways, in linear memory. Format: lz4 project, doc/lz4_Block_format.md; see lz4-portable.ts for the
 * readable twin. The host lays the input at an offset and leaves `SLACK` bytes after input and output, which copies in
 * whole words may touch.
 */

const MIN_MATCH: usize = 4
const LAST_LITERALS: usize = 5
const MATCH_LIMIT: usize = 12
const HASH_BITS: u32 = 12

/** Memory before this belongs to the hash table (u32 offsets from the input's start, plus one). */
export const TABLE_SIZE: usize = 1 << (HASH_BITS + 2)
export const SLACK: usize = 32

/** What went wrong, as a negative result. */
const TRUNCATED: isize = -1
const TOO_LARGE: isize = -2
const BAD_OFFSET: isize = -3

// @ts-ignore: decorator
@inline
function slotOf(word: u64, shift: u64): usize {
  return <usize>(((word << shift) * 889523592379) >> (64 - HASH_BITS)) << 2
}

// @ts-ignore: decorator
@inline
function copyWords(to: usize, from: usize, size: usize): void {
  const end = to + size
  do {
    store<u64>(to, load<u64>(from))
    store<u64>(to, load<u64>(from, 8), 8)
    to += 16
    from += 16
  } while (to < end)
}

function putLength(to: usize, length: usize): usize {
  while (length >= 255) {
    store<u8>(to++, 255)
    length -= 255
  }
  store<u8>(to++, <u8>length)
  return to
}

// @ts-ignore: decorator
@inline
function putLiterals(to: usize, anchor: usize, literals: usize): usize {
  if (literals >= 15) {
    store<u8>(to++, 0xf0)
    to = putLength(to, literals - 15)
  } else {
    store<u8>(to++, <u8>(literals << 4))
  }
  // Most runs are short: no loop for them.
  store<u64>(to, load<u64>(anchor))
  store<u64>(to, load<u64>(anchor, 8), 8)
  if (literals > 16) {
    if (literals > 64) memory.copy(to, anchor, literals)
    else copyWords(to + 16, anchor + 16, literals - 16)
  }
  return to + literals
}

/** Bytes equal at `a` and `b`, `a` at most up to `end`. */
// @ts-ignore: decorator
@inline
function sameBytes(a: usize, b: usize, end: usize): usize {
  const start = a
  while (a + 8 <= end) {
    const difference = load<u64>(a) ^ load<u64>(b)
    if (difference) return a - start + <usize>(ctz<u64>(difference) >> 3)
    a += 8
    b += 8
  }
  while (a < end && load<u8>(a) == load<u8>(b)) {
    a++
    b++
  }
  return a - start
}

/** Size of the block written at `out`, which has room for the worst case: size + size / 255 + 16, and slack. */
export function compress(input: usize, size: usize, out: usize): usize {
  memory.fill(0, 0, TABLE_SIZE)
  const end = input + size
  const matchEnd = end - LAST_LITERALS
  let anchor = input
  let to = out
  if (size > MATCH_LIMIT) {
    const last = end - MATCH_LIMIT
    // Offsets are stored plus one, so that an empty slot reads as "none".
    const base = input - 1
    let at = input
    // Five bytes are hashed, but four while the table holds most positions anyway: then short matches count.
    const shift: u64 = size < 1 << 16 ? 32 : 24
    // The longer nothing matches, the larger the steps: incompressible input costs little.
    let misses: usize = 1 << 6
    while (at <= last) {
      const word = load<u64>(at)
      const slot = slotOf(word, shift)
      const stored = <usize>load<u32>(slot)
      store<u32>(slot, <u32>(at - base))
      let from = base + stored
      if (stored == 0 || at - from > 65535 || load<u32>(from) != <u32>word) {
        at += misses++ >> 6
        continue
      }
      while (at > anchor && from > input && load<u8>(at - 1) == load<u8>(from - 1)) {
        at--
        from--
      }
      const token = to
      to = putLiterals(to, anchor, at - anchor)
      store<u16>(to, <u16>(at - from))
      to += 2
      const more = sameBytes(at + MIN_MATCH, from + MIN_MATCH, matchEnd)
      if (more >= 15) {
        store<u8>(token, load<u8>(token) | 15)
        to = putLength(to, more - 15)
      } else {
        store<u8>(token, load<u8>(token) | <u8>more)
      }
      at += MIN_MATCH + more
      anchor = at
      misses = 1 << 6
      // A position inside the match, for the next one to find.
      if (at <= last) store<u32>(slotOf(load<u64>(at - 2), shift), <u32>(at - 2 - base))
    }
  }
  return putLiterals(to, anchor, end - anchor) - out
}

/**
 * Size of the plaintext, written at `out` if it fits in `capacity`; negative on damage. With `capacity` exceeded the
 * result is TOO_LARGE and what was written is of no use.
 */
export function decompress(input: usize, size: usize, out: usize, capacity: usize): isize {
  const end = input + size
  const outEnd = out + capacity
  let at = input
  let to = out
  while (true) {
    if (at >= end) return TRUNCATED
    const token = <usize>load<u8>(at++)
    let literals = token >> 4
    if (literals == 15) {
      let more: usize = 255
      while (more == 255) {
        if (at >= end) return TRUNCATED
        more = <usize>load<u8>(at++)
        literals += more
        // Also keeps the sum from wrapping.
        if (literals > size) return TRUNCATED
      }
    }
    if (literals > end - at) return TRUNCATED
    if (literals > outEnd - to) return TOO_LARGE
    if (literals <= 32) {
      copyWords(to, at, literals)
    } else {
      memory.copy(to, at, literals)
    }
    at += literals
    to += literals
    if (at == end) return <isize>(to - out)
    if (end - at < 2) return TRUNCATED
    const offset = <usize>load<u16>(at)
    at += 2
    if (offset == 0 || offset > to - out) return BAD_OFFSET
    let length = (token & 15) + MIN_MATCH
    if (length == 15 + MIN_MATCH) {
      let more: usize = 255
      while (more == 255) {
        if (at >= end) return TRUNCATED
        more = <usize>load<u8>(at++)
        length += more
        if (length > capacity) return TOO_LARGE
      }
    }
    if (length > outEnd - to) return TOO_LARGE
    const matchEnd = to + length
    let from = to - offset
    if (offset >= 16) {
      copyWords(to, from, length)
    } else if (offset >= 8) {
      let place = to
      do {
        store<u64>(place, load<u64>(from))
        place += 8
        from += 8
      } while (place < matchEnd)
    } else if (offset == 1) {
      memory.fill(to, load<u8>(from), length)
    } else {
      let place = to
      do {
        store<u8>(place++, load<u8>(from++))
      } while (place < matchEnd)
    }
    to = matchEnd
  }
}
