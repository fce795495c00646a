/**
 * Content that may have to be sent more than once, as far as it fits into memory: streams are consumed only once.
 */
import { copyBytes } from '../base/bytes.ts'
import type { FileContent } from './store.ts'

export class RepeatableContent {
  readonly #content: FileContent
  readonly #keptBytesMax: number
  /** What the stream has given so far; undefined once that was too much to keep. */
  #kept: Uint8Array[] | undefined = []
  #keptBytes = 0
  #source: AsyncIterator<Uint8Array> | undefined
  #sourceFailed = false

  constructor(content: FileContent, keptBytesMax: number) {
    this.#content = content
    this.#keptBytesMax = keptBytesMax
  }

  /** False when what was taken of a stream is gone, or when the stream itself is what failed. */
  get repeatable(): boolean {
    return this.#content instanceof Uint8Array || (this.#kept !== undefined && !this.#sourceFailed)
  }

  /** All of it, from the start. One reader at a time. */
  open(): FileContent {
    return this.#content instanceof Uint8Array ? this.#content : this.#pieces(this.#content)
  }

  /** Lets go of a stream that nobody read to its end. */
  async close(): Promise<void> {
    this.#kept = undefined
    await this.#source?.return?.()
  }

  async *#pieces(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield* this.#kept ?? []
    this.#source ??= content[Symbol.asyncIterator]()
    for (;;) {
      const piece = await this.#nextOf(this.#source)
      if (piece === undefined) return
      this.#keep(piece)
      yield piece
    }
  }

  async #nextOf(source: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
    try {
      const next = await source.next()
      return next.done === true ? undefined : next.value
    } catch (error) {
      this.#sourceFailed = true
      throw error
    }
  }

  #keep(piece: Uint8Array): void {
    this.#keptBytes += piece.length
    if (this.#keptBytes > this.#keptBytesMax) this.#kept = undefined
    // Copied: a stream may use one buffer for all its pieces.
    this.#kept?.push(copyBytes(piece))
  }
}
