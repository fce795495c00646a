/**
 * A segment being written. It becomes an object when it is sealed; until then this process alone can read it, from what
 * is still in memory or, where parts were let go, by publishing what has arrived.
 */
import { concatBytes } from '../base/bytes.ts'
import type { AppendFile } from '../store/store.ts'
import { told } from './failure.ts'
import type { S3Objects } from './objects.ts'
import type { PartUpload } from './part-upload.ts'

export class S3AppendFile implements AppendFile {
  readonly #objects: S3Objects
  readonly #upload: PartUpload
  readonly #closed: () => void
  #state: 'open' | 'sealed' | 'failed' | 'abandoned' = 'open'
  /** Readers may come while the writer writes: one at a time. */
  #turn: Promise<unknown> = Promise.resolve()

  /** `closed` is called when the Store has to look for the object itself. */
  constructor(objects: S3Objects, upload: PartUpload, closed: () => void) {
    this.#objects = objects
    this.#upload = upload
    this.#closed = closed
  }

  get size(): number {
    return this.#upload.size
  }

  write(...parts: readonly Uint8Array[]): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireOpen()
      await this.#upload.ready()
      // From here on nothing fails: so a failed write has taken nothing.
      for (const part of parts) this.#upload.add(part)
    })
  }

  /** Nothing to do: `read` finds everything written. */
  async flush(): Promise<void> {
    this.#requireOpen()
  }

  seal(): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireOpen()
      this.#state = 'failed'
      await this.#upload.complete()
      this.#state = 'sealed'
      this.#closed()
    })
  }

  async abandon(): Promise<void> {
    if (this.#state === 'sealed' || this.#state === 'abandoned') return
    this.#state = 'abandoned'
    this.#closed()
    try {
      await this.#upload.abandon()
    } catch {
      // What is left of it can be seen by nobody, and a lifecycle rule or the next writer takes it away.
    }
  }

  /** Bytes written so far, as the Store's `read`. */
  read(range: { offset: number; length: number } | undefined): Promise<Uint8Array> {
    return this.#inTurn(async () => {
      const end = Math.min(this.size, range === undefined ? this.size : range.offset + range.length)
      const pieces: Uint8Array[] = []
      for (let at = range?.offset ?? 0; at < end; ) {
        const piece = this.#upload.inMemory(at, end) ?? (await this.#readBack(at, end))
        pieces.push(piece)
        at += piece.length
      }
      return concatBytes(...pieces)
    })
  }

  async #readBack(offset: number, end: number): Promise<Uint8Array> {
    if (offset >= this.#upload.publishedSize) await this.#upload.publish()
    const length = Math.min(end, this.#upload.publishedSize) - offset
    const found = await this.#objects.get(this.#upload.key, { offset, length })
    if (found?.bytes.length === length) return found.bytes
    throw this.#objects.client.failure(0, '', 'reading', this.#upload.key, 'it was removed while it was being written')
  }

  #requireOpen(): void {
    if (this.#state !== 'open') throw new RangeError(`'${this.#upload.key}' is no longer open for writing`)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => told(work))
    this.#turn = result.catch(() => {})
    return result
  }
}
