/**
 * The contents of one file on their way to the server: many requests at once, and nothing lost when one fails.
 *
 * Small writes are gathered into requests of the size the server likes. A request that failed (a full disk) is kept and
 * sent again before anything else, so that whoever repeats a call finds the file as if the first had not been.
 */
import type { SftpSession } from './sftp-session.ts'

/** Bytes on the way at most: what fits into the window that servers open. */
const inFlightMax = 2 * 1024 * 1024

interface Piece {
  readonly offset: number
  readonly bytes: Buffer
}

export class SftpOutput {
  readonly #session: SftpSession
  readonly #handle: Buffer
  readonly #path: string
  readonly #explain: (error: unknown) => Promise<unknown>
  readonly #sending = new Set<Promise<void>>()
  #inFlight = 0
  #failed: Piece[] = []
  #error: unknown
  /** Gathered, not sent yet: `#gathered` bytes of `#buffer`, for `#base` on. */
  #buffer: Buffer | undefined
  #gathered = 0
  #base = 0
  /** Bytes past the end may have been written by a call that failed. */
  #overlong = false

  /** `explain` makes a server's 'failure' a better error, if it can. */
  constructor(
    session: SftpSession,
    handle: Buffer,
    path: string,
    explain: (error: unknown) => Promise<unknown> = async (error) => error,
  ) {
    this.#session = session
    this.#handle = handle
    this.#path = path
    this.#explain = explain
  }

  get size(): number {
    return this.#base + this.#gathered
  }

  /** Bytes are copied. After a failure `size` is as before, and the call may be repeated. */
  async write(parts: readonly Uint8Array[]): Promise<void> {
    await this.#sendFailedAgain()
    const start = this.size
    try {
      for (const part of parts) {
        for (let done = 0; done < part.length; ) {
          done += this.#gather(part, done)
          if (this.#gathered === this.#session.writeSize) this.#sendGathered()
          if (this.#inFlight > inFlightMax) await this.#roomAgain()
        }
      }
    } catch (error) {
      await this.#takeBack(start)
      throw error
    }
  }

  /** Resolves when the server has everything. After a failure the call may be repeated. */
  async flush(): Promise<void> {
    await this.#sendFailedAgain()
    this.#sendGathered()
    await this.#settled()
    await this.#throwFailure()
  }

  /** Flushed, cut to `size` and on the server's disk, as far as it can say so. */
  async finish(sync: boolean): Promise<void> {
    await this.flush()
    if (this.#overlong) await this.#session.truncate(this.#handle, this.size, this.#path)
    if (sync) await this.#session.sync(this.#handle, this.#path)
  }

  /** Waits until nothing is on the way; what failed is forgotten. */
  async abandon(): Promise<void> {
    this.#failed = []
    await this.#settled()
  }

  #gather(part: Uint8Array, from: number): number {
    this.#buffer ??= Buffer.allocUnsafe(this.#session.writeSize)
    const count = Math.min(part.length - from, this.#buffer.length - this.#gathered)
    this.#buffer.set(part.subarray(from, from + count), this.#gathered)
    this.#gathered += count
    return count
  }

  #sendGathered(): void {
    if (this.#buffer === undefined || this.#gathered === 0) return
    this.#send({ offset: this.#base, bytes: this.#buffer.subarray(0, this.#gathered) })
    this.#base += this.#gathered
    this.#gathered = 0
    this.#buffer = undefined
  }

  #send(piece: Piece): void {
    const packet = this.#session.writePacket(this.#handle, piece.offset, piece.bytes)
    this.#inFlight += piece.bytes.length
    const sent = this.#session
      .sendWrite(packet, this.#path)
      .catch((error: unknown) => {
        this.#failed.push(piece)
        this.#error ??= error
      })
      .finally(() => {
        this.#inFlight -= piece.bytes.length
        this.#sending.delete(sent)
      })
    this.#sending.add(sent)
  }

  async #roomAgain(): Promise<void> {
    while (this.#inFlight > inFlightMax) await Promise.race(this.#sending)
    await this.#throwFailure()
  }

  async #settled(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending)
  }

  async #sendFailedAgain(): Promise<void> {
    if (this.#failed.length === 0) return
    await this.#settled()
    const again = this.#failed
    this.#failed = []
    this.#error = undefined
    for (const piece of again) this.#send(piece)
    await this.#settled()
    await this.#throwFailure()
  }

  async #throwFailure(): Promise<void> {
    if (this.#failed.length > 0) throw await this.#explain(this.#error)
  }

  /** Forgets what was written from `start` on. Nothing may be on the way then: it could arrive after its successor. */
  async #takeBack(start: number): Promise<void> {
    await this.#settled()
    this.#failed = this.#failed.flatMap(({ offset, bytes }): Piece[] => {
      return offset >= start ? [] : [{ offset, bytes: bytes.subarray(0, start - offset) }]
    })
    if (this.#failed.length === 0) this.#error = undefined
    if (this.#base > start) this.#overlong = true
    if (this.#base >= start) {
      this.#base = start
      this.#gathered = 0
    } else {
      this.#gathered = start - this.#base
    }
  }
}
