/**
 * The record framing of segment files.
 *
 * A segment is the magic 'BORG_SEG' followed by entries, back to back:
 *   crc32 (u32 LE, over all that follows) | size (u32 LE, of the whole entry) | tag (u8) | id (32, not in commits) | data
 * Source: format/repository.md §4; frozen since borg 1.0.
 */
import { dataView } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { type ObjectId, objectIdSize, type SegmentNumber } from '../base/ids.ts'
import { dataSizeMax, objectSizeMax } from '../base/limits.ts'
import { crc32 } from '../kernels/crc32.ts'

export interface EntryPlace {
  readonly segment: SegmentNumber
  readonly offset: number
}

export type SegmentEntry =
  | { tag: 'put'; id: ObjectId; data: Uint8Array }
  | { tag: 'delete'; id: ObjectId }
  | { tag: 'commit' }

export type EntryTag = SegmentEntry['tag']

export const segmentMagic: Uint8Array = new TextEncoder().encode('BORG_SEG')
/** The magic of Attic, borg's ancestor: recognised in order to be refused. */
export const atticMagic: Uint8Array = new TextEncoder().encode('ATTICSEG')
export const magicSize = 8
/** crc32, size and tag: what every entry begins with, and all there is of a commit. */
export const headerSize = 9
/** A header with its id: all there is of a delete, and what precedes the data of a put. */
export const putHeaderSize = headerSize + objectIdSize
/** Size of a segment that holds a commit and nothing else. */
export const commitSegmentSize = magicSize + headerSize

const tags: readonly EntryTag[] = ['put', 'delete', 'commit']

/** The 9 bytes of every commit. */
export const commitEntry: Uint8Array = encodeHeader('commit', undefined, undefined)

/**
 * Header (crc32, size, tag, id) and body as borg writes them: [header, data] so a put copies nothing.
 * @throws BorgError 'IntegrityError' for more data than a segment entry may hold.
 */
export function encodeEntry(entry: SegmentEntry): readonly Uint8Array[] {
  switch (entry.tag) {
    case 'put':
      return [encodeHeader('put', entry.id, entry.data), entry.data]
    case 'delete':
      return [encodeHeader('delete', entry.id, undefined)]
    case 'commit':
      return [commitEntry]
  }
}

/** Size in a segment of a put with `dataSize` bytes. */
export function putSize(dataSize: number): number {
  return putHeaderSize + dataSize
}

/**
 * Writes the header of an entry into `into` at `at`: 41 bytes for a put or delete, 9 for a commit. `data` is only
 * checksummed. @throws BorgError 'IntegrityError' for more data than a segment entry may hold.
 */
export function writeHeader(
  into: Uint8Array,
  at: number,
  tag: EntryTag,
  id: ObjectId | undefined,
  data: Uint8Array | undefined,
): void {
  const dataSize = data?.length ?? 0
  // Clients look for the first words of this text.
  if (dataSize > dataSizeMax) {
    throw new BorgError('IntegrityError', [`More than allowed put data [${dataSize} > ${dataSizeMax}]`])
  }
  const length = id === undefined ? headerSize : putHeaderSize
  const view = new DataView(into.buffer, into.byteOffset + at, length)
  view.setUint32(4, length + dataSize, true)
  view.setUint8(8, tags.indexOf(tag))
  if (id !== undefined) into.set(id, at + headerSize)
  let crc = crc32(into.subarray(at + 4, at + length))
  if (data !== undefined) crc = crc32(data, crc)
  view.setUint32(0, crc, true)
}

function encodeHeader(tag: EntryTag, id: ObjectId | undefined, data: Uint8Array | undefined): Uint8Array {
  const header = new Uint8Array(id === undefined ? headerSize : putHeaderSize)
  writeHeader(header, 0, tag, id, data)
  return header
}

/** What is wrong with an entry, as borg's readers tell them apart. */
export type EntryProblem =
  | 'magic'
  | 'size-too-big'
  | 'size-too-small'
  | 'unknown-tag'
  | 'truncated'
  | 'checksum'
  | 'wrong-id'

/** Size and tag at `offset`, or what is wrong with them. Does not look at the checksum. */
export function readHeader(
  bytes: Uint8Array,
  offset: number,
): { readonly size: number; readonly tag: EntryTag } | EntryProblem {
  const view = dataView(bytes)
  const size = view.getUint32(offset + 4, true)
  if (size > objectSizeMax) return 'size-too-big'
  if (size < headerSize) return 'size-too-small'
  const tag = tags[view.getUint8(offset + 8)]
  if (tag === undefined) return 'unknown-tag'
  // borg's generic reader takes a put that has no room for an id; nothing good can come of one.
  if (tag === 'put' ? size < putHeaderSize : size !== (tag === 'delete' ? putHeaderSize : headerSize)) {
    return size < putHeaderSize && tag !== 'commit' ? 'size-too-small' : 'size-too-big'
  }
  return { size, tag }
}

const explanations: Record<EntryProblem, string> = {
  magic: 'the file does not begin with the segment magic',
  'size-too-big': 'the size of an entry is too big',
  'size-too-small': 'the size of an entry is too small',
  'unknown-tag': 'an entry has an unknown tag',
  truncated: 'an entry is cut short by the end of the file',
  checksum: 'the checksum of an entry does not match',
  'wrong-id': 'the entry is of another kind or for another id than the one asked for',
}

export function entryError(problem: EntryProblem, segment: number, offset: number): BorgError<'IntegrityError'> {
  return new BorgError('IntegrityError', [
    `Segment entry damaged: ${explanations[problem]} [segment ${segment}, offset ${offset}]`,
  ])
}

/**
 * The data of the put at `offset` of `bytes`, a view. `bytes` must hold the whole entry.
 * @returns an EntryProblem when checksum, tag or id disagree with what was asked for.
 */
export function readPut(bytes: Uint8Array, offset: number, id: ObjectId): Uint8Array | EntryProblem {
  if (bytes.length < offset + putHeaderSize) return 'truncated'
  const header = readHeader(bytes, offset)
  if (typeof header === 'string') return header
  const { size, tag } = header
  if (bytes.length < offset + size) return 'truncated'
  if (crc32(bytes.subarray(offset + 4, offset + size)) !== dataView(bytes).getUint32(offset, true)) return 'checksum'
  if (tag !== 'put') return 'wrong-id'
  for (let i = 0; i < objectIdSize; i++) if (bytes[offset + headerSize + i] !== id[i]) return 'wrong-id'
  return bytes.subarray(offset + putHeaderSize, offset + size)
}
