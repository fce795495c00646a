/**
 * Items with their content, fetched ahead across items: while one file is written, the chunks of the next are on their way.
 */
import type { ObjectId } from '../base/ids.ts'
import type { ObjectReader } from '../objects/object-reader.ts'

export interface WithContent<T> {
  readonly item: T
  /**
   * The plain chunks; once, and before the next item is asked for. A chunk that cannot be read ends the content of this
   * item only; what is not read is passed over. @throws as `ObjectReader.read`
   */
  content(): AsyncGenerator<Uint8Array>
}

/** Items looked at ahead of their turn. A stream of ids ends there: one that waited would keep what it asked for waiting. */
const itemsAheadMax = 2_000

/** In order. `chunksOf` is asked once for each item, ahead of its turn. */
export async function* withContents<T extends object>(
  items: AsyncIterable<T>,
  objects: Pick<ObjectReader, 'readMany'>,
  chunksOf: (item: T) => readonly ObjectId[],
): AsyncGenerator<WithContent<T>> {
  const ahead = new ContentsAhead(items, objects, chunksOf)
  try {
    for (let item = await ahead.next(); item !== undefined; item = await ahead.next()) {
      yield { item, content: () => ahead.content() }
      await ahead.passOver()
    }
  } finally {
    await ahead.close()
  }
}

class ContentsAhead<T extends object> {
  readonly #items: AsyncIterator<T>
  readonly #objects: Pick<ObjectReader, 'readMany'>
  readonly #chunksOf: (item: T) => readonly ObjectId[]
  readonly #queue: { readonly item: T; readonly chunks: number }[] = []
  /** Chunks of the item at hand and of those in the queue: what nobody asked for yet, then what was not delivered yet. */
  readonly #toAsk: { readonly ids: readonly ObjectId[]; from: number }[] = []
  #asked: ObjectId[] = []
  /** Chunks of the item at hand that were not delivered. */
  #left = 0
  #stream: AsyncIterator<Uint8Array> | undefined
  /** Which stream may ask; one that failed, or has looked ahead far enough, may not any more. */
  #asker: object | undefined
  #pulling: Promise<void> | undefined
  #ended = false
  #failure: { readonly error: unknown } | undefined

  constructor(
    items: AsyncIterable<T>,
    objects: Pick<ObjectReader, 'readMany'>,
    chunksOf: (item: T) => readonly ObjectId[],
  ) {
    this.#items = items[Symbol.asyncIterator]()
    this.#objects = objects
    this.#chunksOf = chunksOf
  }

  async next(): Promise<T | undefined> {
    while (this.#queue.length === 0 && !this.#ended) await this.#pull()
    const next = this.#queue.shift()
    if (next === undefined && this.#failure !== undefined) throw this.#failure.error
    this.#left = next?.chunks ?? 0
    return next?.item
  }

  async *content(): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) yield await this.#take()
  }

  /** What is left of the item at hand: what was asked for is awaited, the rest is not asked for any more. */
  async passOver(): Promise<void> {
    if (this.#left === 0) return
    this.#dropUnasked()
    while (this.#left > 0) {
      try {
        await this.#take()
      } catch {
        // Nobody wanted it; if the connection is lost, whoever wants the next learns that.
      }
    }
  }

  async close(): Promise<void> {
    this.#ended = true
    this.#asker = undefined
    await this.#stream?.return?.()
    await this.#pulling
    await this.#items.return?.()
  }

  async #take(): Promise<Uint8Array> {
    if (this.#asker === undefined && this.#asked.length === 0) await this.#openStream()
    try {
      const next = (await this.#stream?.next()) ?? { done: true, value: undefined }
      if (next.done === true) throw new RangeError('fewer objects than were asked for')
      this.#asked.shift()
      this.#left--
      return next.value
    } catch (error) {
      this.#startAnew()
      throw error
    }
  }

  async #openStream(): Promise<void> {
    await this.#stream?.return?.()
    const asker = {}
    this.#asker = asker
    this.#stream = this.#objects.readMany(this.#ids(asker))[Symbol.asyncIterator]()
  }

  /** A failure has ended the stream: the item at hand is done with, what is due to later ones is asked for again. */
  #startAnew(): void {
    this.#dropUnasked()
    const due = this.#asked.slice(this.#left)
    if (due.length > 0) this.#toAsk.unshift({ ids: due, from: 0 })
    this.#asked = []
    this.#left = 0
    this.#stream = undefined
    this.#asker = undefined
  }

  /** Takes the rest of the item at hand out of what is going to be asked for. */
  #dropUnasked(): void {
    let drop = this.#left - this.#asked.length
    if (drop <= 0) return
    this.#left = this.#asked.length
    for (let first = this.#toAsk[0]; first !== undefined && drop > 0; first = this.#toAsk[0]) {
      const here = Math.min(drop, first.ids.length - first.from)
      first.from += here
      drop -= here
      if (first.from === first.ids.length) this.#toAsk.shift()
    }
  }

  async *#ids(asker: object): AsyncGenerator<ObjectId> {
    while (this.#asker === asker) {
      const id = this.#nextId()
      if (id !== undefined) {
        this.#asked.push(id)
        yield id
      } else if (this.#ended || this.#queue.length >= itemsAheadMax) this.#asker = undefined
      else await this.#pull()
    }
  }

  #nextId(): ObjectId | undefined {
    const first = this.#toAsk[0]
    if (first === undefined) return undefined
    const id = first.ids[first.from++]
    if (first.from === first.ids.length) this.#toAsk.shift()
    return id
  }

  /** One more item into the queue. Never fails: see `next`. Whoever comes while one is under way waits for the same. */
  #pull(): Promise<void> {
    this.#pulling ??= this.#pullOne().finally(() => (this.#pulling = undefined))
    return this.#pulling
  }

  async #pullOne(): Promise<void> {
    try {
      const { value, done } = await this.#items.next()
      if (done === true) {
        this.#ended = true
        return
      }
      const ids = this.#chunksOf(value)
      this.#queue.push({ item: value, chunks: ids.length })
      if (ids.length > 0) this.#toAsk.push({ ids, from: 0 })
    } catch (error) {
      this.#failure = { error }
      this.#ended = true
    }
  }
}
