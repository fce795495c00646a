/**
 * hints.N: the bookkeeping of a repository that its index does not hold, as packed bytes.
 *
 *   {version: 2, segments: {segment: live puts}, compact: {segment: freeable bytes}, storage_quota_use: bytes,
 *    shadow_index: {id: [segments]}}
 * Version 1 (borg 1.0) has for `compact` a list of segments without byte counts, and neither quota nor shadows.
 * Source: format/repository.md §7.
 */
import { BorgError } from '../base/errors.ts'
import { type ObjectId, objectId, type SegmentNumber, segmentNumber } from '../base/ids.ts'
import { decodeText } from '../base/text.ts'
import { Packer } from '../format/msgpack-encode.ts'
import { MsgpackReader } from '../format/msgpack-reader.ts'
import type { Hints } from './ledger.ts'

/** Deep enough for what is read, and for fields of later versions that are stepped over. */
const depthMax = 16

export interface DecodedHints extends Hints {
  /** Version 1 only: these segments are worth compacting, but how much that frees must be found out. */
  readonly unmeasured: readonly SegmentNumber[]
}

export function encodeHints(hints: Hints & { readonly shadowCount: number }): Uint8Array {
  const packer = new Packer(64 * 1024)
  packer.mapHeader(5)
  packer.text('version')
  packer.number(2)
  packer.text('segments')
  packCounts(packer, hints.segments)
  packer.text('compact')
  packCounts(packer, hints.compact)
  packer.text('storage_quota_use')
  packer.number(hints.quotaUsed)
  packer.text('shadow_index')
  packer.mapHeader(hints.shadowCount)
  for (const [id, segments] of hints.shadows) {
    packer.bytes(id)
    packer.arrayHeader(segments.length)
    for (const segment of segments) packer.number(segment)
  }
  return packer.take()
}

/**
 * What is known at transaction `transaction`: shadows of later segments are dropped.
 * @throws BorgError 'IntegrityError' for anything that is no hints file.
 */
export function decodeHints(packed: Uint8Array, transaction: SegmentNumber): DecodedHints {
  const reader = new MsgpackReader(packed, { bytes: packed.length, depth: depthMax, items: packed.length })
  const fields = fieldPositions(reader)
  const at = (name: string): MsgpackReader | undefined => {
    const position = fields.get(name)
    if (position === undefined) return undefined
    reader.position = position
    return reader
  }
  const required = (name: string): MsgpackReader => {
    const found = at(name)
    if (found === undefined) throw damaged(`no '${name}'`)
    return found
  }
  const version = count(required('version'))
  if (version !== 1 && version !== 2) throw damaged(`unknown version ${version}`)
  const segments = counts(required('segments'), integer)
  if (version === 1) {
    const unmeasured = segmentList(required('compact'))
    return {
      segments,
      compact: new Map(unmeasured.map((segment) => [segment, 0])),
      quotaUsed: 0,
      shadows: [],
      unmeasured,
    }
  }
  const compact = counts(required('compact'), integer)
  const quotaReader = at('storage_quota_use')
  const quotaUsed = quotaReader === undefined ? 0 : integer(quotaReader)
  const shadowReader = at('shadow_index')
  const shadows = shadowReader === undefined ? [] : shadowEntries(shadowReader, transaction)
  return { segments, compact, quotaUsed, shadows, unmeasured: [] }
}

function packCounts(packer: Packer, counted: ReadonlyMap<SegmentNumber, number>): void {
  packer.mapHeader(counted.size)
  for (const [segment, value] of counted) {
    packer.number(segment)
    packer.number(value)
  }
}

/** Where the value of each field begins; the bytes must be one map and nothing else. */
function fieldPositions(reader: MsgpackReader): Map<string, number> {
  const fields = new Map<string, number>()
  for (let left = reader.mapHeader(); left > 0; left--) {
    const name = decodeText(reader.raw())
    fields.set(name, reader.position)
    reader.skip()
  }
  if (!reader.atEnd) throw damaged('bytes behind its end')
  return fields
}

function counts(reader: MsgpackReader, value: (reader: MsgpackReader) => number): Map<SegmentNumber, number> {
  const found = new Map<SegmentNumber, number>()
  for (let left = reader.mapHeader(); left > 0; left--) found.set(segment(reader), value(reader))
  return found
}

function segmentList(reader: MsgpackReader): SegmentNumber[] {
  const found: SegmentNumber[] = []
  for (let left = reader.arrayHeader(); left > 0; left--) found.push(segment(reader))
  return found
}

function shadowEntries(reader: MsgpackReader, transaction: SegmentNumber): [ObjectId, SegmentNumber[]][] {
  const found: [ObjectId, SegmentNumber[]][] = []
  for (let left = reader.mapHeader(); left > 0; left--) {
    const raw = reader.raw()
    if (raw.length !== 32) throw damaged(`an id of ${raw.length} bytes`)
    const id = objectId(raw)
    found.push([id, segmentList(reader).filter((segment) => segment <= transaction)])
  }
  return found
}

function segment(reader: MsgpackReader): SegmentNumber {
  const value = reader.integer()
  if (typeof value === 'bigint' || value < 0 || value > 0xffff_ffff) throw damaged(`segment number ${value}`)
  return segmentNumber(value)
}

function count(reader: MsgpackReader): number {
  const value = integer(reader)
  if (value < 0) throw damaged(`a count of ${value}`)
  return value
}

/** Counts can be off, even negative, in repositories with a history; they only steer compaction. */
function integer(reader: MsgpackReader): number {
  const value = reader.integer()
  if (typeof value === 'bigint') throw damaged(`a count of ${value}`)
  return value
}

function damaged(what: string): BorgError<'IntegrityError'> {
  return new BorgError('IntegrityError', [`hints file: ${what}`])
}
