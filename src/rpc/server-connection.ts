/**
 * A server's end of a connection: streams that can break, and one signal for all the ways in which they do.
 */
import type { Readable, Writable } from 'node:stream'
import { BorgError } from '../base/errors.ts'

/** The client's side of the connection; input and output may be one stream. */
export interface ServeStreams {
  readonly input: Readable
  readonly output: Writable
  /** Lines about what is going on; nobody hears them when absent. */
  readonly log?: Writable | undefined
}

/** What may wait to be read. Stopping and starting a pipe for every piece would cost more than answering it. */
const queuedMax = 1024 * 1024

export class Connection {
  readonly #streams: ServeStreams
  readonly #lost = new AbortController()
  #queue: Uint8Array[] = []
  #queued = 0
  #ended = false
  #wake: (() => void) | undefined
  /** Aborts with the caller's signal, or with BorgError 'ConnectionClosed' when a stream breaks. */
  readonly signal: AbortSignal

  constructor(streams: ServeStreams, signal: AbortSignal | undefined) {
    this.#streams = streams
    this.signal = signal === undefined ? this.#lost.signal : AbortSignal.any([signal, this.#lost.signal])
    this.signal.addEventListener('abort', this.#awake, { once: true })
    const { input, output, log } = streams
    input.on('data', this.#receive).on('end', this.#end).on('error', this.#lose).on('close', this.#close)
    output.on('error', this.#lose).on('close', this.#lose)
    log?.on('error', this.#lose)
  }

  /** Everything that has come since the last call, once there is something; undefined at the end. */
  async receive(): Promise<readonly Uint8Array[] | undefined> {
    for (;;) {
      this.signal.throwIfAborted()
      if (this.#queue.length > 0) break
      if (this.#ended) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const received = this.#queue
    this.#queue = []
    this.#queued = 0
    this.#streams.input.resume()
    return received
  }

  /** Resolves when more is welcome. */
  async write(bytes: Uint8Array | string): Promise<void> {
    if (!this.#streams.output.write(bytes)) await this.#drained(this.#streams.output)
  }

  async logDrained(): Promise<void> {
    if (this.#streams.log?.writableNeedDrain === true) await this.#drained(this.#streams.log)
  }

  /** Stops listening. A late error of a stream must not end the process: the listeners for those stay. */
  release(): void {
    const { input, output } = this.#streams
    this.signal.removeEventListener('abort', this.#awake)
    input.off('data', this.#receive).off('end', this.#end).off('close', this.#close)
    output.off('close', this.#lose)
  }

  /** What is still on its way in either direction is not waited for: it would keep the process alive. */
  destroy(): void {
    this.#streams.input.destroy()
    this.#streams.output.destroy()
  }

  async #drained(stream: Writable): Promise<void> {
    const { signal } = this
    await new Promise<void>((resolve, reject) => {
      const finish = (): void => {
        stream.off('drain', finish)
        signal.removeEventListener('abort', finish)
        if (signal.aborted) reject(signal.reason)
        else resolve()
      }
      stream.on('drain', finish)
      signal.addEventListener('abort', finish, { once: true })
      if (signal.aborted) finish()
    })
  }

  readonly #receive = (bytes: Uint8Array): void => {
    this.#queue.push(bytes)
    this.#queued += bytes.length
    if (this.#queued >= queuedMax) this.#streams.input.pause()
    this.#awake()
  }

  readonly #end = (): void => {
    this.#ended = true
    this.#awake()
  }

  readonly #close = (): void => {
    if (!this.#ended) this.#lose()
  }

  readonly #awake = (): void => {
    this.#wake?.()
    this.#wake = undefined
  }

  readonly #lose = (cause?: Error): void => {
    this.#lost.abort(new BorgError('ConnectionClosed', [], { cause }))
  }
}
