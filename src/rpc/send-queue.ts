/**
 * What is on its way to the server: in order, at most so fast, and no more of it in memory than the window holds.
 */
import type { Writable } from 'node:stream'
import type { Host } from '../base/host.ts'
import { ByteRate } from '../store/byte-rate.ts'

export interface SendOptions {
  /** Bytes that may wait here before whoever sends is asked to wait. */
  readonly windowBytes: number
  /** Undefined: as fast as the connection takes it. */
  readonly bytesPerSecond: number | undefined
  readonly host: Host
}

export class SendQueue {
  readonly #output: Writable
  readonly #options: SendOptions
  #unsent = 0
  readonly #waiting: { readonly admit: () => void; readonly refuse: (error: unknown) => void }[] = []
  #stopped: { readonly error: unknown } | undefined
  #corked = false
  /** Only where there is a rate: what its turn has not come yet. */
  readonly #slow: Uint8Array[] = []
  readonly #rate: ByteRate | undefined
  #pumping = false
  readonly #pause = new AbortController()

  constructor(output: Writable, options: SendOptions) {
    this.#output = output
    this.#options = options
    const { bytesPerSecond, host } = options
    this.#rate = bytesPerSecond === undefined ? undefined : new ByteRate(bytesPerSecond, host, this.#pause.signal)
  }

  /** Bytes accepted that the connection has not taken yet. */
  get unsent(): number {
    return this.#unsent
  }

  /** Takes the bytes: they must not change any more. */
  push(frame: Uint8Array): void {
    if (this.#stopped !== undefined) return
    this.#unsent += frame.length
    if (this.#rate === undefined) {
      this.#write(frame)
      return
    }
    this.#slow.push(frame)
    if (!this.#pumping) void this.#pump(this.#rate)
  }

  /** Resolves when the window has room. First come, first served. @throws what the queue was stopped with */
  async room(): Promise<void> {
    if (this.#stopped !== undefined) throw this.#stopped.error
    if (this.#waiting.length === 0 && this.#unsent <= this.#options.windowBytes) return
    await new Promise<void>((admit, refuse) => this.#waiting.push({ admit, refuse }))
  }

  /** Sends nothing more; whoever waits learns why. */
  stop(error: unknown): void {
    if (this.#stopped !== undefined) return
    this.#stopped = { error }
    this.#slow.length = 0
    this.#pause.abort()
    for (const { refuse } of this.#waiting.splice(0)) refuse(error)
  }

  #write(frame: Uint8Array): void {
    // Small requests of one turn of the event loop go out together.
    if (!this.#corked) {
      this.#corked = true
      this.#output.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#output.uncork()
      })
    }
    // Failures are the stream's own event: see connection.ts.
    this.#output.write(frame, () => this.#sent(frame.length))
  }

  #sent(bytes: number): void {
    this.#unsent -= bytes
    while (this.#unsent <= this.#options.windowBytes && this.#waiting.length > 0) this.#waiting.shift()?.admit()
  }

  async #pump(rate: ByteRate): Promise<void> {
    this.#pumping = true
    try {
      for (let frame = this.#slow.shift(); frame !== undefined; frame = this.#slow.shift()) {
        for (let at = 0; at < frame.length; at += rate.pieceSize) {
          const piece = frame.subarray(at, at + rate.pieceSize)
          await rate.take(piece.length)
          if (this.#stopped !== undefined) return
          // What the connection itself does not take must not pile up either.
          await this.#written(piece)
        }
      }
    } catch {
      // Stopped: whoever waits has been told why.
    } finally {
      this.#pumping = false
    }
  }

  #written(slice: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#output.write(slice, (error) => {
        this.#sent(slice.length)
        if (error) reject(error)
        else resolve()
      })
    })
  }
}
