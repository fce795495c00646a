/**
 * What we knew about each file last time, so that an unchanged file need not be read again.
 *
 * The file is a row of msgpack lists without frame: [path hash, [age, inode, size, time, [chunk id, ...]]]. Ages grow by one
 * each time it is loaded; an entry is 0 while its file was seen in this run.
 *
 * In memory entries stay packed where they were read: a table of path hashes points into blocks of bytes, and what is
 * remembered anew is packed behind. Nothing is kept per chunk, and nothing that the garbage collector has to walk.
 * Source: format sheet cache.md §4; fixtures/vectors/cache.json.
 */
import { BorgError } from '../base/errors.ts'
import { type Nanoseconds, type ObjectId, objectIdSize, ownedObjectId } from '../base/ids.ts'
import { filesCacheAgeMax } from '../base/limits.ts'
import { clampItemTime } from '../base/time.ts'
import { HashIndex } from '../format/hash-index.ts'
import { decodeBigInteger, type DecodeLimits } from '../format/msgpack-decode.ts'
import { encodeBigInteger, Packer } from '../format/msgpack-encode.ts'
import { MsgpackReader } from '../format/msgpack-reader.ts'
import type { Stat } from '../platform/file-system.ts'
import { type FilesCacheMode, type FilesCacheRules, filesCacheRules } from './files-cache-mode.ts'

export type { FilesCacheMode } from './files-cache-mode.ts'

export type Remembered =
  | { readonly known: false }
  | { readonly known: true; readonly unchanged: false }
  | { readonly known: true; readonly unchanged: true; readonly chunks: readonly ObjectId[] }

export interface FilesCache {
  /**
   * For regular files; anything else is unknown. The chunks of an unchanged file may be gone from the repository: whoever
   * cannot reference all of them reads the file after all.
   * @param pathHash id hash of the absolute path: the cache holds no names.
   */
  lookup(pathHash: ObjectId, stat: Stat): Remembered
  /** Only for regular files that did not change while they were read. */
  remember(pathHash: ObjectId, stat: Stat, chunks: readonly ObjectId[]): void
}

/** For caches that are not used: knows nothing, keeps nothing. */
export const noFilesCache: FilesCache = { lookup: () => ({ known: false }), remember: () => {} }

const limits: DecodeLimits = { bytes: 2 ** 32, depth: 4, items: 2 ** 32 - 1 }
/** Size of a block of remembered entries; longer entries get a block of their own. */
const blockSize = 1024 * 1024
/** When no file was remembered, any is older than this. */
const endOfTime = 2n ** 63n - 1n

/** Words of the table. */
const ageWord = 0
const blockWord = 1
const offsetWord = 2

export interface PackedFilesCacheOptions {
  /** An entry that was not seen for so many runs is dropped. */
  readonly ageMax?: number | undefined
}

export class PackedFilesCache implements FilesCache {
  readonly #rules: FilesCacheRules
  readonly #ageMax: number
  readonly #table = HashIndex.create(3)
  /** Packed inode, size, time and chunk ids of every entry; the table says where. */
  readonly #blocks: Uint8Array[] = []
  /** Of the last block; at first there is none with room. */
  #filled = blockSize
  #newest: bigint | undefined
  readonly #packer = new Packer()

  constructor(mode: FilesCacheMode, options: PackedFilesCacheOptions = {}) {
    this.#rules = filesCacheRules(mode)
    this.#ageMax = options.ageMax ?? filesCacheAgeMax
  }

  /** Entries. */
  get count(): number {
    return this.#table.size
  }

  /** Takes over the entries of a file, one run older; `file` is kept. @throws BorgError 'IntegrityError' */
  load(file: Uint8Array): void {
    this.#blocks.push(file)
    this.#filled = blockSize
    const block = this.#blocks.length - 1
    const reader = new MsgpackReader(file, limits)
    while (!reader.atEnd) {
      if (reader.arrayHeader() !== 2) throw malformed('entry')
      const hash = reader.raw()
      if (hash.length !== objectIdSize || reader.arrayHeader() !== 5) throw malformed('entry')
      const age = reader.integer()
      if (typeof age !== 'number' || age < 0 || age >= 2 ** 31) throw malformed('age')
      const offset = reader.position
      skipFields(reader, file)
      this.#point(ownedObjectId(hash), age + 1, block, offset)
    }
  }

  lookup(pathHash: ObjectId, stat: Stat): Remembered {
    if (!this.#rules.lookup || stat.kind !== 'file') return { known: false }
    const slot = this.#table.find(pathHash)
    if (slot < 0) return { known: false }
    const reader = this.#readerAt(slot)
    const inode = BigInt(reader.integer())
    const size = reader.integer()
    const time = decodeBigInteger(reader.value())
    const { compareInode, compareTime } = this.#rules
    if (size !== stat.size) return { known: true, unchanged: false }
    if (compareInode && inode !== stat.inode) return { known: true, unchanged: false }
    if (compareTime && time !== this.#timeOf(stat)) return { known: true, unchanged: false }
    const chunks = readChunks(reader)
    if (inode !== stat.inode) this.#store(pathHash, stat, time, chunks)
    else this.#table.setWord(slot, ageWord, 0)
    return { known: true, unchanged: true, chunks }
  }

  remember(pathHash: ObjectId, stat: Stat, chunks: readonly ObjectId[]): void {
    if (!this.#rules.enabled || stat.kind !== 'file') return
    const time = clampItemTime(this.#timeOf(stat))
    this.#store(pathHash, stat, time, chunks)
    if (this.#newest === undefined || time > this.#newest) this.#newest = time
  }

  /**
   * The file's bytes in pieces. Of the files seen in this run those as new as the newest one remembered are left out: they
   * could change again within the same tick of the clock.
   */
  *pieces(): Generator<Uint8Array> {
    const newest = this.#newest ?? endOfTime
    const table = this.#table
    const out = new Packer(blockSize)
    for (let slot = table.nextSlot(-1); slot >= 0; slot = table.nextSlot(slot)) {
      const age = table.word(slot, ageWord)
      const reader = this.#readerAt(slot)
      const start = reader.position
      reader.skip()
      reader.skip()
      const time = decodeBigInteger(reader.value())
      if (!keeps({ age, time, newest, ageMax: this.#ageMax })) continue
      reader.skip()
      out.arrayHeader(2)
      out.bytes(table.keyAt(slot))
      out.arrayHeader(5)
      out.number(age)
      out.packed(this.#block(slot).subarray(start, reader.position))
      if (out.size >= blockSize) yield out.take()
    }
    yield out.take()
  }

  #timeOf(stat: Stat): Nanoseconds {
    return this.#rules.time === 'modified' ? stat.modified : stat.changed
  }

  #store(pathHash: ObjectId, stat: Stat, time: bigint, chunks: readonly ObjectId[]): void {
    const packer = this.#packer
    packer.bigint(stat.inode)
    packer.number(stat.size)
    packer.value(encodeBigInteger(time))
    packer.arrayHeader(chunks.length)
    for (const id of chunks) packer.bytes(id)
    const packed = packer.take()
    if (this.#filled + packed.length > blockSize) {
      this.#blocks.push(new Uint8Array(Math.max(blockSize, packed.length)))
      this.#filled = 0
    }
    const block = this.#blocks.length - 1
    this.#blocks[block]?.set(packed, this.#filled)
    this.#point(pathHash, 0, block, this.#filled)
    this.#filled += packed.length
  }

  #point(pathHash: ObjectId, age: number, block: number, offset: number): void {
    const slot = this.#table.insert(pathHash)
    this.#table.setWord(slot, ageWord, age)
    this.#table.setWord(slot, blockWord, block)
    this.#table.setWord(slot, offsetWord, offset)
  }

  #block(slot: number): Uint8Array {
    return this.#blocks[this.#table.word(slot, blockWord)] ?? new Uint8Array(0)
  }

  #readerAt(slot: number): MsgpackReader {
    return new MsgpackReader(this.#block(slot), limits, { position: this.#table.word(slot, offsetWord) })
  }
}

/** Whether an entry is written when the cache is saved. */
export function keeps(entry: {
  readonly age: number
  readonly time: bigint
  /** Newest time among the files remembered in this run. */
  readonly newest: bigint
  readonly ageMax: number
}): boolean {
  return entry.age === 0 ? entry.time < entry.newest : entry.age < entry.ageMax
}

/** Steps over inode, size, time and chunk ids, so that reading them later cannot fail. */
function skipFields(reader: MsgpackReader, file: Uint8Array): void {
  reader.integer()
  reader.integer()
  if (reader.kind() === 'raw') reader.skip()
  else reader.integer()
  const count = reader.arrayHeader()
  for (let i = 0; i < count; i++) {
    const at = reader.position
    // As `raw` would, without making a view of each: there are millions.
    if (file[at] !== 0xda || file[at + 1] !== 0 || file[at + 2] !== objectIdSize) throw malformed('chunk id')
    reader.skip()
  }
}

/** Copies: the caller keeps them, the block they lie in may be large. */
function readChunks(reader: MsgpackReader): readonly ObjectId[] {
  const chunks: ObjectId[] = []
  const count = reader.arrayHeader()
  for (let i = 0; i < count; i++) chunks.push(ownedObjectId(reader.raw().slice()))
  return chunks
}

function malformed(what: string): BorgError {
  return new BorgError('IntegrityError', [`files cache: malformed ${what}`])
}
