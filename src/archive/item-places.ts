/**
 * Items by where they lie in the metadata of their archives: eight bytes each instead of the item.
 *
 * A place is a metadata chunk, numbered across all archives added, and the offset in it at which the packed item begins.
 * It may end in a later chunk of the same archive. Chunks used last are kept, so neighbours are read at one price.
 */
import { BorgError } from '../base/errors.ts'
import { type ObjectId, objectIdSize, ownedObjectId } from '../base/ids.ts'
import { Unpacker } from '../format/msgpack-decode.ts'
import type { Item } from './item.ts'
import { decodeItem } from './item-codec.ts'
import { itemDecodeLimits, requireMap } from './item-stream.ts'
import { Recent } from './recent.ts'

export interface ItemPlace {
  readonly chunk: number
  readonly offset: number
}

export interface PlacedItem {
  readonly item: Item
  readonly place: ItemPlace
}

/** Metadata chunks kept, in bytes; each has at most 512 KiB. */
const keptBytesMax = 8 * 1024 * 1024

export class ItemPlaces {
  readonly #readChunk: (id: ObjectId) => Promise<Uint8Array>
  readonly #recent = new Recent<number, Promise<Uint8Array>>(keptBytesMax)
  #ids = new Uint8Array(0)
  #chunks = 0

  constructor(readChunk: (id: ObjectId) => Promise<Uint8Array>) {
    this.#readChunk = readChunk
  }

  /**
   * All items of an archive, in its order. `contents` gives the chunks of `ids`.
   * @throws BorgError 'IntegrityError' and what `contents` throws
   */
  async *add(ids: readonly ObjectId[], contents: AsyncIterable<Uint8Array>): AsyncGenerator<PlacedItem> {
    const unpacker = new Unpacker(itemDecodeLimits)
    let chunk = this.#remember(ids) - 1
    /** In the archive's stream: where the current chunk, and the next item, begin. */
    let [chunkStart, chunkEnd, position] = [0, 0, 0]
    let place: ItemPlace | undefined
    for await (const bytes of contents) {
      chunk += 1
      chunkStart = chunkEnd
      chunkEnd += bytes.length
      unpacker.feed(bytes)
      place ??= { chunk, offset: position - chunkStart }
      for (let next = unpacker.next(); next !== undefined; next = unpacker.next()) {
        yield { item: decodeItem(requireMap(next.value)), place }
        position = next.end
        place = { chunk, offset: position - chunkStart }
      }
      // An item that has not begun yet begins in the next chunk.
      if (position === chunkEnd) place = undefined
    }
  }

  /** @throws BorgError as `readChunk`, 'IntegrityError' */
  async read({ chunk, offset }: ItemPlace): Promise<Item> {
    const unpacker = new Unpacker(itemDecodeLimits)
    for (let at = chunk; at < this.#chunks; at++) {
      const bytes = await this.#chunk(at)
      unpacker.feed(at === chunk ? bytes.subarray(offset) : bytes)
      const next = unpacker.next()
      if (next !== undefined) return decodeItem(requireMap(next.value))
    }
    throw new BorgError('IntegrityError', ['item metadata: ends too early'])
  }

  #chunk(at: number): Promise<Uint8Array> {
    const known = this.#recent.get(at)
    if (known !== undefined) return known
    const bytes = this.#readChunk(ownedObjectId(this.#ids.slice(at * objectIdSize, (at + 1) * objectIdSize)))
    this.#recent.set(at, bytes, keptBytesMax / 16)
    bytes.catch(() => this.#recent.delete(at))
    return bytes
  }

  /** Returns the number of the first. */
  #remember(ids: readonly ObjectId[]): number {
    const first = this.#chunks
    const needed = (first + ids.length) * objectIdSize
    if (needed > this.#ids.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#ids.length))
      grown.set(this.#ids)
      this.#ids = grown
    }
    for (const id of ids) {
      this.#ids.set(id, this.#chunks * objectIdSize)
      this.#chunks += 1
    }
    return first
  }
}
