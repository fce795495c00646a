/**
 * The archive's own record: one object that lists the item stream. Source: format sheet objects.md section 4.
 */
import { BorgError } from '../base/errors.ts'
import { type Nanoseconds, type ObjectId, objectId } from '../base/ids.ts'
import { decodeText, encodeText, printableText } from '../base/text.ts'
import { formatTimestamp, parseTimestamp } from '../base/time.ts'
import type { Unpacked, UnpackedMap } from '../format/msgpack-decode.ts'
import type { Packable } from '../format/msgpack-encode.ts'

/** Sums over all content references of the archive, deduplicated or not. Metadata is not counted. */
export interface ArchiveTotals {
  readonly originalSize: number
  readonly compressedSize: number
  readonly files: number
  /** The same over part items (checkpoints inside files). */
  readonly partsOriginalSize: number
  readonly partsCompressedSize: number
  readonly partsFiles: number
}

export interface ArchiveMetadata {
  readonly name: string
  readonly comment: string
  readonly hostname: string
  readonly username: string
  readonly start: Nanoseconds
  readonly end: Nanoseconds
  readonly commandLine: readonly string[]
  /** Since borg 1.4. */
  readonly cwd?: string | undefined
  readonly recreateCommandLine?: readonly string[] | undefined
  /** As stored: ['buzhash', 19, 23, 21, 4095]; absent in very old archives. */
  readonly chunkerParams?: readonly (string | number)[] | undefined
  /** Since borg 1.2. */
  readonly totals?: ArchiveTotals | undefined
  /** Chunks of the item stream, in order. */
  readonly itemChunks: readonly ObjectId[]
  /** Keys we do not know, kept when the record is rewritten. */
  readonly unknown?: ReadonlyMap<string, Packable> | undefined
}

export const archiveKeys: ReadonlySet<string> = new Set([
  'version',
  'name',
  'items',
  'cmdline',
  'hostname',
  'username',
  'time',
  'time_end',
  'comment',
  'chunker_params',
  'recreate_cmdline',
  'recreate_source_id',
  'recreate_args',
  'recreate_partial_chunks',
  'size',
  'csize',
  'nfiles',
  'size_parts',
  'csize_parts',
  'nfiles_parts',
  'cwd',
  'tam',
])

/** What a record must have to count as an archive when a manifest is rebuilt. */
export const requiredArchiveKeys: readonly string[] = ['version', 'name', 'items', 'cmdline', 'time']

/** The fields to pack (with TAM), without 'tam'. */
export function encodeArchiveMetadata(metadata: ArchiveMetadata): ReadonlyMap<string, Packable> {
  const fields = new Map<string, Packable>(metadata.unknown)
  fields.set('version', 1)
  fields.set('name', encodeText(metadata.name))
  fields.set('comment', encodeText(metadata.comment))
  fields.set('items', metadata.itemChunks)
  // Other borgs decode these strictly: bytes that are not UTF-8 would make the archive unreadable for their check.
  fields.set('cmdline', metadata.commandLine.map(printableText))
  fields.set('hostname', encodeText(metadata.hostname))
  fields.set('username', encodeText(metadata.username))
  fields.set('time', formatTimestamp(metadata.start))
  fields.set('time_end', formatTimestamp(metadata.end))
  if (metadata.chunkerParams !== undefined) fields.set('chunker_params', metadata.chunkerParams)
  if (metadata.cwd !== undefined) fields.set('cwd', encodeText(metadata.cwd))
  if (metadata.recreateCommandLine !== undefined) {
    fields.set('recreate_cmdline', metadata.recreateCommandLine.map(printableText))
  }
  if (metadata.totals !== undefined) {
    fields.set('size', metadata.totals.originalSize)
    fields.set('csize', metadata.totals.compressedSize)
    fields.set('nfiles', metadata.totals.files)
    fields.set('size_parts', metadata.totals.partsOriginalSize)
    fields.set('csize_parts', metadata.totals.partsCompressedSize)
    fields.set('nfiles_parts', metadata.totals.partsFiles)
  }
  return fields
}

/** @throws BorgError 'IntegrityError' when a required field is missing or malformed. */
export function decodeArchiveMetadata(map: UnpackedMap): ArchiveMetadata {
  const version = map.get('version')
  if (version !== 1) throw broken(`version ${String(version)} is unknown`)
  const start = timeField(map, 'time')
  if (start === undefined) throw broken('time is missing or malformed')
  return {
    name: requiredText(map, 'name'),
    comment: textField(map, 'comment') ?? '',
    hostname: textField(map, 'hostname') ?? '',
    username: textField(map, 'username') ?? '',
    start,
    end: timeField(map, 'time_end') ?? start,
    commandLine: textList(map, 'cmdline') ?? [],
    cwd: textField(map, 'cwd'),
    recreateCommandLine: textList(map, 'recreate_cmdline'),
    chunkerParams: chunkerParams(map.get('chunker_params')),
    totals: totals(map),
    itemChunks: itemChunks(map.get('items')),
    unknown: unknownFields(map),
  }
}

function totals(map: UnpackedMap): ArchiveTotals | undefined {
  const count = (key: string): number | undefined => {
    const value = map.get(key)
    return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : undefined
  }
  const originalSize = count('size')
  const compressedSize = count('csize')
  const files = count('nfiles')
  if (originalSize === undefined || compressedSize === undefined || files === undefined) return undefined
  return {
    originalSize,
    compressedSize,
    files,
    partsOriginalSize: count('size_parts') ?? 0,
    partsCompressedSize: count('csize_parts') ?? 0,
    partsFiles: count('nfiles_parts') ?? 0,
  }
}

function itemChunks(value: Unpacked | undefined): readonly ObjectId[] {
  if (!Array.isArray(value)) throw broken('items is not a list')
  return value.map((id) => {
    if (!(id instanceof Uint8Array) || id.length !== 32) throw broken('items holds a malformed id')
    return objectId(id)
  })
}

function chunkerParams(value: Unpacked | undefined): readonly (string | number)[] | undefined {
  if (!Array.isArray(value)) return undefined
  return value.map((part) => {
    if (part instanceof Uint8Array) return decodeText(part)
    if (typeof part === 'number') return part
    throw broken('chunker_params is malformed')
  })
}

function unknownFields(map: UnpackedMap): ReadonlyMap<string, Packable> | undefined {
  const unknown = [...map].filter(([key]) => typeof key === 'string' && !archiveKeys.has(key))
  return unknown.length === 0 ? undefined : new Map(unknown.map(([key, value]) => [String(key), value as Packable]))
}

function requiredText(map: UnpackedMap, key: string): string {
  const value = textField(map, key)
  if (value === undefined) throw broken(`${key} is missing`)
  return value
}

function textField(map: UnpackedMap, key: string): string | undefined {
  const value = map.get(key)
  return value instanceof Uint8Array ? decodeText(value) : undefined
}

function textList(map: UnpackedMap, key: string): readonly string[] | undefined {
  const value = map.get(key)
  if (!Array.isArray(value)) return undefined
  return value.map((entry) => (entry instanceof Uint8Array ? decodeText(entry) : String(entry)))
}

function timeField(map: UnpackedMap, key: string): Nanoseconds | undefined {
  return parseTimestamp(textField(map, key) ?? '')
}

function broken(what: string): BorgError {
  return new BorgError('IntegrityError', [`archive metadata: ${what}`])
}
