/** Ways to feed a chunker, all giving copies of what came out. */
import { createHash } from 'node:crypto'
import { concatBytes, copyBytes } from '../../src/base/bytes.ts'
import type { Chunk, Chunker } from '../../src/chunker/chunker.ts'

export interface Cut {
  readonly size: number
  readonly zeros: boolean
  readonly bytes: Uint8Array
}

export function cutWhole(chunker: Chunker, content: Uint8Array): Cut[] {
  return [...collect(chunker.push(content)), ...collect(chunker.finish())]
}

/** In slices of the given sizes, over and over. */
export function pushSliced(chunker: Chunker, content: Uint8Array, sizes: readonly number[]): Cut[] {
  const cuts: Cut[] = []
  for (let from = 0, i = 0; from < content.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    // A slice of its own, overwritten afterwards: a chunker must not keep what was pushed.
    const slice = copyBytes(content.subarray(from, from + size))
    cuts.push(...collect(chunker.push(slice)))
    slice.fill(0xee)
    from += size
  }
  return [...cuts, ...collect(chunker.finish())]
}

/** As a lane does it: at most `readSize` bytes at a time straight into the chunker's room. */
export function readInto(chunker: Chunker, content: Uint8Array, readSize: number): Cut[] {
  const cuts: Cut[] = []
  for (let from = 0; from < content.length; ) {
    const room = chunker.reserve()
    const part = content.subarray(from, from + Math.min(readSize, room.length))
    room.set(part)
    cuts.push(...collect(chunker.accept(part.length)))
    from += part.length
  }
  return [...cuts, ...collect(chunker.finish())]
}

/** Comparable and cheap to compare: one line a chunk, with its digest. */
export function listed(cuts: readonly Cut[]): readonly string[] {
  return cuts.map(({ size, zeros, bytes }) => `${size} ${zeros} ${createHash('sha1').update(bytes).digest('hex')}`)
}

export function joined(cuts: readonly Cut[]): Uint8Array {
  return concatBytes(...cuts.map((cut) => cut.bytes))
}

function collect(chunks: Iterable<Chunk>): Cut[] {
  const cuts: Cut[] = []
  for (const chunk of chunks) {
    const bytes = chunk.kind === 'zeros' ? new Uint8Array(chunk.size) : copyBytes(chunk.bytes)
    cuts.push({ size: bytes.length, zeros: chunk.kind === 'zeros', bytes })
  }
  return cuts
}
