/**
 * Which chunks one archive refers to, and how often: read from its record and its item stream.
 *
 * Items are not decoded: of each only the `chunks` list is looked at. What borg's own parser refuses is refused here,
 * because counts from a misread archive would delete data: keys that are not raw, `chunks` that are not a list of
 * [32-byte raw id, size, stored size], nesting deeper than 16.
 * Source: format sheet cache.md §6, objects.md §2, §9; fixtures/vectors/items.json (reader_acceptance, cache_sync).
 */
import { BorgError, isBorgError } from '../base/errors.ts'
import { mapOrdered } from '../base/flow.ts'
import { type ObjectId, objectIdSize, ownedObjectId } from '../base/ids.ts'
import { type ArchiveRecord, decodeArchiveRecord } from '../archive/archive-reader.ts'
import type { HashIndex } from '../format/hash-index.ts'
import { type DecodeLimits, Unpacker } from '../format/msgpack-decode.ts'
import { MsgpackReader } from '../format/msgpack-reader.ts'
import type { KeyMaterial } from '../crypto/key-material.ts'
import type { RepositoryReader } from '../repository/repository.ts'
import type { Lane } from '../workers/lane.ts'
import { countReference } from './chunk-cache.ts'

/** What is needed to read archives: a session has it all. */
export interface ArchiveSource {
  readonly repository: Pick<RepositoryReader, 'get' | 'getMany'>
  readonly key: KeyMaterial
  readonly lanes: { readonly width: number; next(): Pick<Lane, 'open'> }
}

const itemLimits: DecodeLimits = { bytes: 2 ** 31, depth: 16, items: 2 ** 32 - 1 }
/** Word of an entry that holds the size in the repository. */
const storedSizeWord = 2
/** Objects asked about at a time when sizes are missing. */
const sizeQueries = 32

/**
 * Adds every reference of the archive with this record to `index`. Call `fillStoredSizes` once all are counted.
 * @throws BorgError 'IntegrityError' | 'Repository.ObjectNotFound': an archive that cannot be read whole must not be counted.
 */
export async function countArchive(
  source: ArchiveSource,
  archive: ObjectId,
  index: HashIndex,
  signal?: AbortSignal,
): Promise<void> {
  const stored = await source.repository.get(archive)
  const plain = await source.lanes.next().open(archive, stored)
  countReference(index, archive, plain.length, stored.length)
  const { itemChunks } = recordOf(plain, source.key).metadata
  const counter = new ItemCounter(index)
  for await (const piece of readPieces(source, itemChunks)) {
    signal?.throwIfAborted()
    countReference(index, piece.id, piece.plain.length, piece.storedSize)
    counter.feed(piece.plain)
  }
  counter.finish()
}

/**
 * The record without looking at its MAC: counting is about what the repository holds, and a record rewritten by borg 1.2.4
 * carries a wrong one.
 */
function recordOf(plain: Uint8Array, key: KeyMaterial): ArchiveRecord {
  return decodeArchiveRecord(plain, key, { ignoreInvalidTam: true })
}

interface Piece {
  readonly id: ObjectId
  readonly plain: Uint8Array
  readonly storedSize: number
}

async function* readPieces(source: ArchiveSource, ids: readonly ObjectId[]): AsyncGenerator<Piece> {
  const stored = numbered(source.repository.getMany(ids), ids)
  yield* mapOrdered(stored, source.lanes.width + 1, async ({ id, bytes }) => {
    return { id, plain: await source.lanes.next().open(id, bytes), storedSize: bytes.length }
  })
}

async function* numbered(
  objects: AsyncIterable<Uint8Array>,
  ids: readonly ObjectId[],
): AsyncGenerator<{ id: ObjectId; bytes: Uint8Array }> {
  let i = 0
  for await (const bytes of objects) {
    const id = ids[i]
    if (id === undefined) throw new RangeError('more objects than were asked for')
    yield { id, bytes }
    i += 1
  }
}

/** Counts the references of a stream of packed items. */
export class ItemCounter {
  readonly #index: HashIndex
  readonly #unpacker = new Unpacker(itemLimits)

  constructor(index: HashIndex) {
    this.#index = index
  }

  /** `plain` must not change afterwards. @throws BorgError 'IntegrityError' */
  feed(plain: Uint8Array): void {
    this.#unpacker.feed(plain)
    for (let item = this.#unpacker.nextPacked(); item !== undefined; item = this.#unpacker.nextPacked()) {
      countItem(item, this.#index)
    }
  }

  /** @throws BorgError 'IntegrityError' when the last item is cut off. */
  finish(): void {
    if (this.#unpacker.pending > 0) throw malformed('the stream ends inside an item')
  }
}

function countItem(packed: Uint8Array, index: HashIndex): void {
  const reader = new MsgpackReader(packed, itemLimits)
  const entries = reader.mapHeader()
  for (let i = 0; i < entries; i++) {
    if (isChunksKey(packed, reader)) countChunks(packed, reader, index)
    else skipValue(reader, 1)
  }
}

/** Steps over a key; whether it is `chunks`. */
function isChunksKey(packed: Uint8Array, reader: MsgpackReader): boolean {
  const start = reader.position
  requireRaw(packed, start)
  reader.skip()
  // a6 'chunks'
  return (
    reader.position - start === 7 &&
    packed[start + 1] === 0x63 &&
    packed[start + 2] === 0x68 &&
    packed[start + 3] === 0x75 &&
    packed[start + 4] === 0x6e &&
    packed[start + 5] === 0x6b &&
    packed[start + 6] === 0x73
  )
}

function countChunks(packed: Uint8Array, reader: MsgpackReader, index: HashIndex): void {
  const count = reader.arrayHeader()
  for (let i = 0; i < count; i++) {
    if (reader.arrayHeader() !== 3) throw malformed('a chunk reference without three parts')
    requireRaw(packed, reader.position)
    const id = reader.raw()
    if (id.length !== objectIdSize) throw malformed(`a chunk id of ${id.length} bytes`)
    const size = reader.integer()
    const storedSize = reader.integer()
    if (!isWord(size) || !isWord(storedSize)) throw malformed('a chunk size')
    countReference(index, ownedObjectId(id), size, storedSize)
  }
}

function skipValue(reader: MsgpackReader, depth: number): void {
  const kind = reader.kind()
  if (kind !== 'array' && kind !== 'map') {
    reader.skip()
    return
  }
  if (depth >= itemLimits.depth) throw malformed(`nested deeper than ${itemLimits.depth}`)
  const values = kind === 'array' ? reader.arrayHeader() : 2 * reader.mapHeader()
  for (let i = 0; i < values; i++) skipValue(reader, depth + 1)
}

/** bin has the same content, but borg's parser does not take it. */
function requireRaw(packed: Uint8Array, at: number): void {
  const tag = packed[at] ?? 0
  const raw = (tag >= 0xa0 && tag < 0xc0) || (tag >= 0xd9 && tag <= 0xdb)
  if (!raw) throw malformed(`type byte ${tag.toString(16)} where raw bytes belong`)
}

function isWord(value: number | bigint): value is number {
  return typeof value === 'number' && value >= 0 && value <= 0xffff_ffff
}

/** References made by a client without a synchronised cache do not say what size their object has: asks the repository. */
export async function fillStoredSizes(source: ArchiveSource, index: HashIndex): Promise<void> {
  const unknown: ObjectId[] = []
  for (let slot = index.nextSlot(-1); slot >= 0; slot = index.nextSlot(slot)) {
    if (index.word(slot, storedSizeWord) === 0) unknown.push(index.keyAt(slot))
  }
  const sizes = mapOrdered(unknown, sizeQueries, (id) => storedSizeOf(source, id))
  let i = 0
  for await (const size of sizes) {
    const id = unknown[i]
    if (id !== undefined) index.setWord(index.find(id), storedSizeWord, size)
    i += 1
  }
}

/** 0 for an object that is lost: a check will say so, and until then the size of what is gone does not matter. */
async function storedSizeOf(source: ArchiveSource, id: ObjectId): Promise<number> {
  try {
    return (await source.repository.get(id)).length
  } catch (error) {
    if (isBorgError(error, 'Repository.ObjectNotFound')) return 0
    throw error
  }
}

function malformed(what: string): BorgError {
  return new BorgError('IntegrityError', [`item stream: ${what}`])
}
