/**
 * Cutting a file with holes: only its data is read, holes become chunks of zeros of the same block size.
 *
 * The header is data whatever the file system says; behind it data and holes take turns, each cut by itself. Source:
 * format/chunker sheet section 5.
 */
import type { Chunk, ChunkerParams } from '../chunker/chunker.ts'
import { FixedChunker, type InputRange } from '../chunker/fixed-chunker.ts'
import type { FileLayout, OpenFile } from '../platform/file-system.ts'
import type { ByteSource } from './lane.ts'
import { asSourceReadError } from './source-read-error.ts'

const readSizeMax = 1024 * 1024

/** Undefined where holes are not asked for, cannot be told, or would not matter to the chunker. */
export function sparseCut(source: ByteSource, params: ChunkerParams): Iterable<Iterable<Chunk>> | undefined {
  if (source.kind !== 'file' || source.skipHoles !== true || params.algorithm !== 'fixed') return undefined
  const layout = source.file.layout()
  if (layout === undefined) return undefined
  const ranges = inputRanges(layout, params.headerSize)
  return cut(source.file, ranges, new FixedChunker(params, ranges))
}

/** Header, then data and holes in turn up to the end; nothing of size 0. */
export function inputRanges({ data, size }: FileLayout, headerSize: number): readonly InputRange[] {
  const ranges: InputRange[] = [{ kind: 'data', size: Math.min(headerSize, size) }]
  let at = headerSize
  for (const { start, end } of data) {
    if (end <= at) continue
    if (start > at) ranges.push({ kind: 'hole', size: start - at })
    ranges.push({ kind: 'data', size: end - Math.max(start, at) })
    at = end
  }
  if (size > at) ranges.push({ kind: 'hole', size: size - at })
  return ranges.filter((range) => range.size > 0)
}

function* cut(file: OpenFile, ranges: readonly InputRange[], chunker: FixedChunker): Generator<Iterable<Chunk>> {
  let position = 0
  for (const range of ranges) {
    const end = position + range.size
    while (range.kind === 'data' && position < end) {
      const into = chunker.reserve().subarray(0, Math.min(readSizeMax, end - position))
      const size = readAt(file, into, position)
      // The file has become shorter: what is there counts.
      if (size === 0) return yield chunker.finish()
      yield chunker.accept(size)
      position += size
    }
    position = end
  }
  yield chunker.finish()
}

function readAt(file: OpenFile, into: Uint8Array, position: number): number {
  try {
    return file.readAt(into, position)
  } catch (error) {
    throw asSourceReadError(error)
  }
}
