/**
 * Items as a stream of bytes, cut into chunks like any other content.
 *
 * Items are packed one after the other without framing; the stream is cut by its own buzhash parameters and every chunk
 * is an ordinary object. Source: format sheet objects.md section 5; fixtures/vectors/items.json (item_stream).
 */
import type { ObjectId } from '../base/ids.ts'
import { BorgError } from '../base/errors.ts'
import { type Chunk, type Chunker, itemChunkerParams } from '../chunker/chunker.ts'
import { makeChunker } from '../chunker/make-chunker.ts'
import { Unpacker, type UnpackedMap } from '../format/msgpack-decode.ts'
import type { ChunkSink } from './chunk-sink.ts'
import type { Item } from './item.ts'
import { decodeItem, encodeItem } from './item-codec.ts'

/** Generous: one item lists every chunk of its file, about 40 bytes each. */
export const itemDecodeLimits = { bytes: 1024 * 1024 * 1024, depth: 16, items: 100_000_000 }

/** Packed items held back before the chunker sees them: small pushes would cost more than they cut. */
const pushSize = 256 * 1024

/** Packs items, cuts the stream and stores the chunks as they appear. */
export class ItemStreamWriter {
  readonly #sink: ChunkSink
  readonly #ids: ObjectId[] = []
  readonly #chunker: Chunker
  #pending: Uint8Array[] = []
  #pendingSize = 0

  constructor(sink: ChunkSink, chunkSeed: number) {
    this.#sink = sink
    this.#chunker = makeChunker(itemChunkerParams, chunkSeed)
  }

  async add(item: Item): Promise<void> {
    const packed = encodeItem(item)
    this.#pending.push(packed)
    this.#pendingSize += packed.length
    if (this.#pendingSize >= pushSize) await this.#push()
  }

  /** Ids of all chunks so far; the rest of the stream goes into a last, short chunk, and a new stream begins. */
  async flush(): Promise<readonly ObjectId[]> {
    await this.#push()
    await this.#store(this.#chunker.finish())
    return [...this.#ids]
  }

  async #push(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    this.#pendingSize = 0
    for (const packed of pending) await this.#store(this.#chunker.push(packed))
  }

  async #store(chunks: Iterable<Chunk>): Promise<void> {
    for (const chunk of chunks) {
      const plain = chunk.kind === 'zeros' ? new Uint8Array(chunk.size) : chunk.bytes
      const { id } = await this.#sink.add(plain)
      this.#ids.push(id)
    }
  }
}

/**
 * Items in archive order, from the plaintext of the stream's chunks.
 * @throws BorgError 'IntegrityError' on anything that is not an item.
 */
export async function* decodeItems(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Item> {
  const unpacker = new Unpacker(itemDecodeLimits)
  for await (const chunk of chunks) {
    unpacker.feed(chunk)
    for (let next = unpacker.next(); next !== undefined; next = unpacker.next()) {
      yield decodeItem(requireMap(next.value))
    }
  }
}

export function requireMap(value: unknown): UnpackedMap {
  if (value instanceof Map) return value
  throw new BorgError('IntegrityError', ['item metadata: not a map'])
}
