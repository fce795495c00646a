/**
 * Content of files, any part of it at any time: chunks used last are kept, and who reads on finds the next one there.
 */
import { BorgError } from '../base/errors.ts'
import { concatBytes } from '../base/bytes.ts'
import { idKey, type ObjectId, objectIdSize, ownedObjectId } from '../base/ids.ts'
import type { ChunkRef } from './item.ts'
import { Recent } from './recent.ts'

/** Plain chunks kept or under way, in bytes: eight of the largest that borg cuts. */
const keptBytesMax = 64 * 1024 * 1024
/** Chunk lists kept, in chunks: 40 bytes each. */
const keptListsMax = 1024 * 1024

/** The chunks of one file, without an object for each. */
interface ChunkList {
  readonly ids: Uint8Array
  /** Offsets in the file at which each chunk ends. */
  readonly ends: Float64Array
  /** Where a reader that reads on will read next. */
  nextOffset: number
  /** The last chunk that was asked for ahead of its reader. */
  fetched: number
}

export class TreeContent {
  readonly #readChunk: (id: ObjectId) => Promise<Uint8Array>
  readonly #chunks = new Recent<string, Promise<Uint8Array>>(keptBytesMax)
  readonly #lists = new Recent<number, Promise<ChunkList>>(keptListsMax)

  constructor(readChunk: (id: ObjectId) => Promise<Uint8Array>) {
    this.#readChunk = readChunk
  }

  /**
   * At most `length` bytes at `offset` of a file, fewer only at its end; perhaps a view of what is kept, so not to be
   * changed. `chunksOf` is asked when the file was not read lately.
   * @throws BorgError as `readChunk`, 'IntegrityError'
   */
  async read(
    file: number,
    offset: number,
    length: number,
    chunksOf: () => Promise<readonly ChunkRef[]>,
  ): Promise<Uint8Array> {
    const list = await this.#list(file, chunksOf)
    const size = list.ends.at(-1) ?? 0
    const end = Math.min(offset + length, size)
    if (offset >= end) return new Uint8Array(0)
    const first = chunkAt(list.ends, offset)
    const last = chunkAt(list.ends, end - 1)
    const wanted: Promise<Uint8Array>[] = []
    for (let chunk = first; chunk <= last; chunk++) wanted.push(this.#chunk(list, chunk))
    if (offset === list.nextOffset && offset > 0) this.#readAhead(list, last + 1)
    list.nextOffset = end
    const parts: Uint8Array[] = []
    for (let chunk = first; chunk <= last; chunk++) {
      const start = chunk === 0 ? 0 : list.ends[chunk - 1]!
      const plain = await wanted[chunk - first]!
      parts.push(plain.subarray(Math.max(0, offset - start), end - start))
    }
    return parts.length === 1 ? parts[0]! : concatBytes(...parts)
  }

  #readAhead(list: ChunkList, chunk: number): void {
    if (chunk >= list.ends.length || chunk <= list.fetched) return
    list.fetched = chunk
    void this.#chunk(list, chunk)
  }

  #chunk(list: ChunkList, chunk: number): Promise<Uint8Array> {
    const id = ownedObjectId(list.ids.subarray(chunk * objectIdSize, (chunk + 1) * objectIdSize))
    const key = idKey(id)
    const known = this.#chunks.get(key)
    if (known !== undefined) return known
    const size = list.ends[chunk]! - (chunk === 0 ? 0 : list.ends[chunk - 1]!)
    const plain = this.#readWhole(id, size)
    this.#chunks.set(key, plain, size)
    // Asked again when it is wanted again; and a failure nobody waits for must not count as unhandled.
    plain.catch(() => this.#chunks.delete(key))
    return plain
  }

  async #readWhole(id: ObjectId, size: number): Promise<Uint8Array> {
    const plain = await this.#readChunk(id)
    if (plain.length === size) return plain
    throw new BorgError('IntegrityError', [`chunk ${idKey(id)} has ${plain.length} bytes, its file says ${size}`])
  }

  #list(file: number, chunksOf: () => Promise<readonly ChunkRef[]>): Promise<ChunkList> {
    const known = this.#lists.get(file)
    if (known !== undefined) return known
    const list = chunksOf().then((chunks) => {
      this.#lists.set(file, list, chunks.length)
      return chunkList(chunks)
    })
    this.#lists.set(file, list, 1)
    list.catch(() => this.#lists.delete(file))
    return list
  }
}

function chunkList(chunks: readonly ChunkRef[]): ChunkList {
  const ids = new Uint8Array(chunks.length * objectIdSize)
  const ends = new Float64Array(chunks.length)
  let end = 0
  for (const [number, chunk] of chunks.entries()) {
    ids.set(chunk.id, number * objectIdSize)
    end += chunk.size
    ends[number] = end
  }
  return { ids, ends, nextOffset: 0, fetched: 0 }
}

/** The first chunk that ends behind `offset`. */
function chunkAt(ends: Float64Array, offset: number): number {
  let [low, high] = [0, ends.length - 1]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ends[middle]! > offset) high = middle
    else low = middle + 1
  }
  return low
}
