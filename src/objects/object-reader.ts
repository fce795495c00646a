/**
 * Repository objects in the clear: fetched, authenticated, decrypted, decompressed, id checked.
 */
import { isManifestId, type ObjectId } from '../base/ids.ts'
import type { RepositoryReader } from '../repository/repository.ts'
import type { LanePool } from '../workers/lane-pool.ts'

export interface ObjectReader {
  /** @throws BorgError 'Repository.ObjectNotFound' | 'IntegrityError' | 'DecompressionError' */
  read(id: ObjectId): Promise<Uint8Array>
  /**
   * In the order asked, with reads and lanes kept busy ahead of the consumer within the lanes' byte limit. Give lazy ids
   * to read ahead across files. Ends with the first failure, after everything before it: errors as `read`.
   */
  readMany(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncIterable<Uint8Array>
}

export function makeObjectReader(repository: RepositoryReader, lanes: LanePool): ObjectReader {
  const open = (id: ObjectId, stored: Uint8Array): Promise<Uint8Array> =>
    // The manifest's id is no hash of its content: its own MAC vouches for it.
    lanes.next().open(isManifestId(id) ? undefined : id, stored)

  return {
    read: async (id) => open(id, await repository.get(id)),

    readMany: (ids) => {
      /** Asked of the repository, answer not seen yet; answers come in this order. */
      const asked: ObjectId[] = []
      const stored = repository.getMany(remembered(ids, asked))
      return new Opening(stored, lanes, (bytes) => {
        const id = asked.shift()
        if (id === undefined) throw new RangeError('the repository gave an object nobody asked for')
        return open(id, bytes)
      }).delivered()
    },
  }
}

/** The same ids; each is noted in `asked` as it is taken. */
function remembered(
  ids: Iterable<ObjectId> | AsyncIterable<ObjectId>,
  asked: ObjectId[],
): Iterable<ObjectId> | AsyncIterable<ObjectId> {
  return Symbol.asyncIterator in ids ? rememberedLater(ids, asked) : rememberedNow(ids, asked)
}

function* rememberedNow(ids: Iterable<ObjectId>, asked: ObjectId[]): Generator<ObjectId> {
  for (const id of ids) {
    asked.push(id)
    yield id
  }
}

async function* rememberedLater(ids: AsyncIterable<ObjectId>, asked: ObjectId[]): AsyncGenerator<ObjectId> {
  for await (const id of ids) {
    asked.push(id)
    yield id
  }
}

interface Opened {
  readonly storedSize: number
  readonly plain: Promise<Uint8Array>
}

/**
 * Keeps lanes busy ahead of the consumer. What is open is delivered at once: whoever gives the ids may wait for it before
 * giving more.
 */
class Opening {
  readonly #stored: AsyncIterator<Uint8Array>
  readonly #lanes: LanePool
  readonly #open: (stored: Uint8Array) => Promise<Uint8Array>
  readonly #queue: Opened[] = []
  #bytes = 0
  #lastSize = 0
  #reading: Promise<void> | undefined
  #ended = false

  constructor(stored: AsyncIterable<Uint8Array>, lanes: LanePool, open: (stored: Uint8Array) => Promise<Uint8Array>) {
    this.#stored = stored[Symbol.asyncIterator]()
    this.#lanes = lanes
    this.#open = open
  }

  async *delivered(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        this.#readOn()
        const next = this.#queue.shift()
        if (next !== undefined) {
          const plain = await next.plain
          this.#bytes -= next.storedSize
          yield plain
        } else if (this.#ended) return
        else await this.#reading
      }
    } finally {
      this.#ended = true
      await this.#stored.return?.()
    }
  }

  /** Reads one more, unless enough is being opened, or one is being read. */
  #readOn(): void {
    // The next one is taken to be as large as the last.
    const full = this.#bytes > 0 && this.#bytes + this.#lastSize > this.#lanes.byteLimit
    if (this.#ended || this.#reading !== undefined || full || this.#queue.length >= 2 * this.#lanes.width) return
    this.#reading = this.#readOne().finally(() => {
      this.#reading = undefined
      this.#readOn()
    })
  }

  async #readOne(): Promise<void> {
    try {
      const { value, done } = await this.#stored.next()
      if (done === true) this.#ended = true
      else this.#push(value.length, this.#open(value))
    } catch (error) {
      // Takes its turn behind the objects that came before.
      this.#ended = true
      this.#push(0, Promise.reject(error))
    }
  }

  #push(storedSize: number, plain: Promise<Uint8Array>): void {
    // A failure is seen when its turn comes; until then it must not count as unhandled.
    plain.catch(() => {})
    this.#queue.push({ storedSize, plain })
    this.#bytes += storedSize
    this.#lastSize = storedSize
  }
}
