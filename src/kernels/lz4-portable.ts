/**
 * LZ4 raw blocks (lz4 project, doc/lz4_Block_format.md) in plain TypeScript: no package, no size known beforehand.
 *
 * A block is sequences of: token (literal count in the high nibble, match length - 4 in the low one) | more literal count
 * | literals | match offset (u16 LE, 1..65535) | more match length. The last sequence ends after its literals.
 */
import type { BlockCodec } from './kernel.ts'

const minMatch = 4
/** The last five bytes of a block are literals, and no match starts in the last twelve: fast decoders rely on it. */
const lastLiterals = 5
const matchLimit = 12
const hashBits = 12

export const lz4Portable: BlockCodec = {
  compress: (plain) => compressBlock(plain),
  decompress(body, maxSize) {
    const plain = new Uint8Array(measureBlock(body, maxSize))
    fillFromBlock(body, plain)
    return plain
  },
}

/** Size of what `body` decodes to, all lengths and ends checked; only match offsets are left for the second pass. */
export function measureBlock(body: Uint8Array, maxSize: number): number {
  let at = 0
  let size = 0
  for (;;) {
    if (at >= body.length) throw new Error('lz4: block is truncated')
    const token = body[at++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) {
        if (at >= body.length) throw new Error('lz4: block is truncated')
        more = body[at++]!
        literals += more
      }
    }
    at += literals
    size += literals
    if (at > body.length) throw new Error('lz4: block is truncated')
    if (size > maxSize) throw new Error(`lz4: more than the expected ${maxSize} bytes come out`)
    if (at === body.length) return size
    at += 2
    let length = (token & 15) + minMatch
    if ((token & 15) === 15) {
      let more = 255
      while (more === 255) {
        if (at >= body.length) throw new Error('lz4: block is truncated')
        more = body[at++]!
        length += more
      }
    }
    size += length
    if (size > maxSize) throw new Error(`lz4: more than the expected ${maxSize} bytes come out`)
  }
}

/** `plain` must have the size `measureBlock` gave. */
function fillFromBlock(body: Uint8Array, plain: Uint8Array): void {
  let at = 0
  let to = 0
  for (;;) {
    const token = body[at++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) literals += more = body[at++]!
    }
    if (literals > 32) plain.set(body.subarray(at, at + literals), to)
    else for (let i = 0; i < literals; i++) plain[to + i] = body[at + i]!
    at += literals
    to += literals
    if (at >= body.length) return
    const offset = body[at]! | (body[at + 1]! << 8)
    at += 2
    if (offset === 0 || offset > to) throw new Error(`lz4: match ${offset} bytes back at offset ${to}`)
    let length = (token & 15) + minMatch
    if ((token & 15) === 15) {
      let more = 255
      while (more === 255) length += more = body[at++]!
    }
    if (offset >= length) plain.copyWithin(to, to - offset, to - offset + length)
    else for (let i = to; i < to + length; i++) plain[i] = plain[i - offset]!
    to += length
  }
}

function compressBlock(plain: Uint8Array): Uint8Array {
  const size = plain.length
  const block = new Uint8Array(size + Math.ceil(size / 255) + 16)
  const view = new DataView(plain.buffer, plain.byteOffset, size)
  const table = new Int32Array(1 << hashBits).fill(-1)
  let anchor = 0
  let to = 0
  let at = 0
  // The longer nothing matches, the larger the steps: incompressible input costs little.
  let misses = 1 << 6
  while (at < size - matchLimit) {
    const word = view.getUint32(at, true)
    const slot = Math.imul(word, 2654435761) >>> (32 - hashBits)
    const candidate = table[slot]!
    table[slot] = at
    if (candidate < 0 || at - candidate > 65535 || view.getUint32(candidate, true) !== word) {
      at += misses++ >>> 6
      continue
    }
    misses = 1 << 6
    let start = at
    let from = candidate
    while (start > anchor && from > 0 && plain[start - 1] === plain[from - 1]) {
      start--
      from--
    }
    let end = at + minMatch
    let same = candidate + minMatch
    while (end < size - lastLiterals && plain[end] === plain[same]) {
      end++
      same++
    }
    to = putSequence(block, to, plain, anchor, start, start - from, end - start)
    anchor = end
    at = end
  }
  return block.slice(0, putSequence(block, to, plain, anchor, size, 0, 0))
}

/** Literals plain[anchor, start), then a match unless `length` is 0. Returns where the next sequence goes. */
function putSequence(
  block: Uint8Array,
  at: number,
  plain: Uint8Array,
  anchor: number,
  start: number,
  offset: number,
  length: number,
): number {
  const literals = start - anchor
  const more = length - minMatch
  let to = at
  block[to++] = (Math.min(literals, 15) << 4) | (length === 0 ? 0 : Math.min(more, 15))
  if (literals >= 15) to = putLength(block, to, literals - 15)
  block.set(plain.subarray(anchor, start), to)
  to += literals
  if (length === 0) return to
  block[to++] = offset & 255
  block[to++] = offset >>> 8
  return more >= 15 ? putLength(block, to, more - 15) : to
}

function putLength(block: Uint8Array, at: number, length: number): number {
  let to = at
  let left = length
  for (; left >= 255; left -= 255) block[to++] = 255
  block[to++] = left
  return to
}
