/**
 * Sparse files: where the stored bytes belong. What lies between is zeros.
 *
 * Source: GNU tar manual, "Storing Sparse Files": the old GNU format (type 'S', maps in headers) and the PAX formats 0.0
 * (a record for each number), 0.1 (one record) and 1.0 (in front of the content).
 */
import type { BlockReader } from './block-reader.ts'
import { blockSize, readSize } from './header.ts'
import { type PaxRecords, wholeNumber } from './pax.ts'

export interface SparseMap {
  readonly parts: readonly SparsePart[]
  /** With all holes. */
  readonly size: number
}

interface SparsePart {
  readonly offset: number
  readonly size: number
}

const partsMax = 1_000_000
const old = {
  inHeader: 4,
  inBlock: 21,
  offset: 386,
  size: 24,
  extended: 482,
  realSize: 483,
  blockExtended: 504,
} as const

/** Reads the blocks that continue the map of `header`. @throws RangeError, TarFormatError */
export async function readOldGnuMap(header: Uint8Array, reader: BlockReader): Promise<SparseMap> {
  const parts = oldParts(header, old.offset, old.inHeader)
  const size = readSize(header.subarray(old.realSize, old.realSize + 12), 'size of a sparse file')
  for (let more = header[old.extended] !== 0; more; ) {
    const block = await reader.readExactly(blockSize, 'the map of a sparse file')
    parts.push(...oldParts(block, 0, old.inBlock))
    limit(parts)
    more = block[old.blockExtended] !== 0
  }
  return { parts, size }
}

function oldParts(block: Uint8Array, start: number, count: number): SparsePart[] {
  const parts: SparsePart[] = []
  for (let at = start; at < start + count * old.size; at += old.size) {
    if (block[at] === 0) break
    const [offset, size] = [block.subarray(at, at + 12), block.subarray(at + 12, at + 24)]
    parts.push({ offset: readSize(offset, 'sparse map'), size: readSize(size, 'sparse map') })
  }
  return parts
}

export interface PaxSparse {
  /** Undefined: the map comes in front of the content. */
  readonly parts: readonly SparsePart[] | undefined
  readonly size: number
  readonly name: string | undefined
}

/** Undefined when the records are not of a sparse file. @throws RangeError */
export function paxSparse(records: PaxRecords): PaxSparse | undefined {
  const single = new Map(records.map(([keyword, value]) => [keyword.replace(/^GNU\.sparse\./, 'sparse '), value]))
  const size = single.get('sparse realsize') ?? single.get('sparse size')
  if (size === undefined) return undefined
  const name = single.get('sparse name')
  const known = { size: wholeNumber('GNU.sparse.size', size), name }
  const major = single.get('sparse major') ?? '0'
  if (major === '1' && single.get('sparse minor') === '0') return { ...known, parts: undefined }
  if (major !== '0') throw new RangeError(`unknown kind of sparse file: ${major}`)
  const map = single.get('sparse map')
  const repeated = records.filter(([keyword]) => /^GNU\.sparse\.(offset|numbytes)$/.test(keyword))
  const numbers = map === undefined ? repeated.map(([, value]) => value) : map.split(',')
  return { ...known, parts: pairs(numbers) }
}

/** The map in front of the content, and how many bytes it took. @throws RangeError, TarFormatError */
export async function readMapInContent(
  reader: BlockReader,
): Promise<{ readonly parts: readonly SparsePart[]; readonly size: number }> {
  const start = reader.position
  const numbers: string[] = []
  let line = ''
  const wanted = (): number => 1 + 2 * Number(numbers[0] ?? 0)
  while (numbers.length === 0 || numbers.length < wanted()) {
    for (const byte of await reader.readExactly(blockSize, 'the map of a sparse file')) {
      if (numbers.length > 0 && numbers.length >= wanted()) break
      if (byte !== 0x0a) line += String.fromCharCode(byte)
      else if (numbers.push(line) > 0) line = ''
      if (line.length > 20) throw new RangeError('malformed sparse map')
    }
    if (numbers[0] !== undefined && wholeNumber('sparse map', numbers[0]) > partsMax) limit({ length: partsMax + 1 })
  }
  return { parts: pairs(numbers.slice(1)), size: reader.position - start }
}

function pairs(numbers: readonly string[]): SparsePart[] {
  const parts: SparsePart[] = []
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const [offset = '', size = ''] = numbers.slice(i, i + 2)
    parts.push({ offset: wholeNumber('sparse map', offset), size: wholeNumber('sparse map', size) })
  }
  return limit(parts)
}

function limit<T extends { readonly length: number }>(parts: T): T {
  if (parts.length > partsMax) throw new RangeError(`a sparse file in more than ${partsMax} pieces`)
  return parts
}

/** @throws RangeError unless the parts are in order, within the file, and as many bytes as are stored */
export function requireFitting(map: SparseMap, storedSize: number): void {
  let end = 0
  let stored = 0
  for (const part of map.parts) {
    if (part.offset < end) throw new RangeError('sparse map: pieces overlap')
    end = part.offset + part.size
    stored += part.size
  }
  if (end > map.size || stored !== storedSize) throw new RangeError('sparse map: does not fit the content')
}

const zeros = new Uint8Array(256 * 1024)

/** The whole content, holes as zeros. The views are lent until the next. */
export async function* expanded(map: SparseMap, reader: BlockReader, what: string): AsyncGenerator<Uint8Array> {
  let at = 0
  for (const { offset, size } of map.parts) {
    yield* hole(offset - at)
    yield* reader.stream(size, what)
    at = offset + size
  }
  yield* hole(map.size - at)
}

function* hole(size: number): Generator<Uint8Array> {
  for (let left = size; left > 0; left -= zeros.length) yield zeros.subarray(0, Math.min(left, zeros.length))
}
