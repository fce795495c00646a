/**
 * Item <-> the map borg packs. Keys are written sorted, unknown keys are kept.
 * Source: format sheet objects.md sections 2 and 6; fixtures/vectors/items.json.
 */
import { compareBytes } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { type Nanoseconds, nanoseconds, objectId } from '../base/ids.ts'
import { clampItemTime } from '../base/time.ts'
import { decodeText, encodeText } from '../base/text.ts'
import { decodeBigInteger, type Unpacked, type UnpackedKey, type UnpackedMap } from '../format/msgpack-decode.ts'
import { type Packable, pack, packSorted } from '../format/msgpack-encode.ts'
import type { ChunkRef, Item } from './item.ts'

/** What this version writes and knows, sorted; manifests list it so that older borgs know what to keep. */
export const itemKeys: readonly string[] = [
  'acl_access',
  'acl_default',
  'acl_extended',
  'acl_nfs4',
  'atime',
  'birthtime',
  'bsdflags',
  'chunks',
  'chunks_healthy',
  'ctime',
  'gid',
  'group',
  'hardlink_master',
  'mode',
  'mtime',
  'part',
  'path',
  'rdev',
  'size',
  'source',
  'uid',
  'user',
  'xattrs',
]
/** Left behind by attic; borg ignores and drops it. */
export const droppedKeys: ReadonlySet<string> = new Set(['acl'])

export function encodeItem(item: Item): Uint8Array {
  const fields = new Map<string, Packable>()
  const put = (key: string, value: Packable | undefined): void => {
    if (value !== undefined) fields.set(key, value)
  }
  // Already in sorted order: packing sorts again only when unknown keys join.
  put('acl_access', item.aclAccess)
  put('acl_default', item.aclDefault)
  put('acl_extended', item.aclExtended)
  put('acl_nfs4', item.aclNfs4)
  put('atime', encodeTime(item.accessed))
  put('birthtime', encodeTime(item.born))
  put('bsdflags', item.bsdflags)
  put('chunks', item.chunks?.map(encodeChunkRef))
  put('chunks_healthy', item.chunksHealthy?.map(encodeChunkRef))
  put('ctime', encodeTime(item.changed))
  put('gid', item.gid)
  put('group', encodeName(item.group))
  put('hardlink_master', item.hardlinkMaster)
  put('mode', item.mode)
  put('mtime', encodeTime(item.modified))
  put('part', item.part)
  put('path', encodeText(item.path))
  put('rdev', item.rawDevice)
  put('size', item.size)
  put('source', item.source === undefined ? undefined : encodeText(item.source))
  put('uid', item.uid)
  put('user', encodeName(item.user))
  put('xattrs', item.xattrs === undefined ? undefined : encodeXattrs(item.xattrs))
  if (item.unknown === undefined || item.unknown.size === 0) return pack(fields)
  for (const [key, value] of item.unknown) fields.set(key, value)
  return packSorted(fields)
}

type FieldDecoder = readonly [field: keyof Item, decode: (value: Unpacked, key: string) => unknown]

/** Which field each key of the map fills, and how. */
const decoders: ReadonlyMap<string, FieldDecoder> = new Map<string, FieldDecoder>([
  ['path', ['path', text]],
  ['mode', ['mode', integer]],
  ['mtime', ['modified', time]],
  ['atime', ['accessed', time]],
  ['ctime', ['changed', time]],
  ['birthtime', ['born', time]],
  ['uid', ['uid', integer]],
  ['gid', ['gid', integer]],
  ['user', ['user', name]],
  ['group', ['group', name]],
  ['source', ['source', text]],
  ['hardlink_master', ['hardlinkMaster', flag]],
  ['chunks', ['chunks', chunkList]],
  ['chunks_healthy', ['chunksHealthy', chunkList]],
  ['size', ['size', integer]],
  ['rdev', ['rawDevice', integer]],
  ['bsdflags', ['bsdflags', integer]],
  ['xattrs', ['xattrs', xattrs]],
  ['acl_access', ['aclAccess', bytes]],
  ['acl_default', ['aclDefault', bytes]],
  ['acl_extended', ['aclExtended', bytes]],
  ['acl_nfs4', ['aclNfs4', bytes]],
  ['part', ['part', integer]],
])

/** @throws BorgError 'IntegrityError' when path or mtime is missing or a field is of the wrong kind. */
export function decodeItem(map: UnpackedMap): Item {
  const fields: { [field: string]: unknown } = {}
  let unknown: Map<string, Packable> | undefined
  for (const [key, value] of map) {
    if (typeof key !== 'string' || droppedKeys.has(key)) continue
    const decoder = decoders.get(key)
    if (decoder !== undefined) {
      const content = decoder[1](value, key)
      if (content !== undefined) fields[decoder[0]] = content
    } else {
      unknown ??= new Map()
      unknown.set(key, value as Packable)
    }
  }
  if (fields['path'] === undefined || fields['modified'] === undefined) throw broken('path or mtime missing')
  fields['mode'] ??= 0
  if (unknown !== undefined) fields['unknown'] = unknown
  return fields as unknown as Item
}

function encodeChunkRef(chunk: ChunkRef): readonly Packable[] {
  return [chunk.id, chunk.size, chunk.storedSize]
}

function encodeTime(value: Nanoseconds | undefined): bigint | undefined {
  return value === undefined ? undefined : clampItemTime(value)
}

function encodeName(value: string | null | undefined): Packable | undefined {
  return typeof value === 'string' ? encodeText(value) : value
}

function encodeXattrs(attributes: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Packable> {
  const keyed = [...attributes].map(([key, value]) => ({ key, bytes: encodeText(key), value }))
  keyed.sort((a, b) => compareBytes(a.bytes, b.bytes))
  return new Map(keyed.map(({ key, value }) => [key, value.length === 0 ? null : value]))
}

function broken(what: string): BorgError {
  return new BorgError('IntegrityError', [`item metadata: ${what}`])
}

function text(value: Unpacked, key: string): string {
  if (!(value instanceof Uint8Array)) throw broken(`${key} is not text`)
  return decodeText(value)
}

function name(value: Unpacked, key: string): string | null {
  return value === null ? null : text(value, key)
}

function flag(value: Unpacked): boolean {
  return value !== null && value !== false && value !== 0
}

function bytes(value: Unpacked, key: string): Uint8Array | undefined {
  if (value === null) return undefined
  if (!(value instanceof Uint8Array)) throw broken(`${key} is not a byte string`)
  return value
}

function integer(value: Unpacked, key: string): number | undefined {
  if (value === null) return undefined
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  throw broken(`${key} is not an integer`)
}

function time(value: Unpacked): Nanoseconds | undefined {
  return value === null ? undefined : nanoseconds(decodeBigInteger(value))
}

function chunkList(value: Unpacked, key: string): readonly ChunkRef[] | undefined {
  if (value === null) return undefined
  if (!Array.isArray(value)) throw broken(`${key} is not a list`)
  return value.map((entry) => chunkRef(entry, key))
}

function chunkRef(entry: Unpacked, key: string): ChunkRef {
  if (!Array.isArray(entry) || entry.length !== 3) throw broken(`${key} holds something that is no chunk`)
  const [id, size, storedSize] = entry
  if (!(id instanceof Uint8Array) || id.length !== 32) throw broken(`${key} holds a malformed id`)
  if (typeof size !== 'number' || typeof storedSize !== 'number') throw broken(`${key} holds a malformed size`)
  return { id: objectId(id), size, storedSize }
}

function xattrs(value: Unpacked): ReadonlyMap<string, Uint8Array> | undefined {
  if (value === null) return undefined
  if (!(value instanceof Map)) throw broken('xattrs is not a map')
  const attributes = new Map<string, Uint8Array>()
  for (const [key, content] of value) {
    if (content !== null && !(content instanceof Uint8Array)) throw broken('an xattr value is not a byte string')
    attributes.set(keyText(key), content ?? new Uint8Array(0))
  }
  return attributes
}

function keyText(key: UnpackedKey): string {
  return key instanceof Uint8Array ? decodeText(key) : String(key)
}
