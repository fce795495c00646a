/**
 * How long a lock is waited for. Pauses: format sheet repository, section 15.
 */
import { BorgError } from '../base/errors.ts'
import type { Host } from '../base/host.ts'

const pauseMsMax = 60_000

/** A deadline, and the pauses until then. */
export class LockWait {
  readonly #seconds: number | 'forever'
  readonly #host: Host
  readonly #signal: AbortSignal | undefined
  readonly #startMs: number

  constructor(seconds: number | 'forever', host: Host, signal: AbortSignal | undefined) {
    this.#seconds = seconds
    this.#host = host
    this.#signal = signal
    this.#startMs = host.monotonicMs()
  }

  /** A tenth of the whole wait. */
  get pauseMs(): number {
    return this.#seconds === 'forever' ? 1000 : Math.min(this.#seconds * 100, pauseMsMax)
  }

  /** Rests at most `ms`. @throws BorgError 'LockTimeout' when the time is up. */
  async pause(ms: number, name: string): Promise<void> {
    const leftMs = this.#seconds === 'forever' ? ms : this.#startMs + this.#seconds * 1000 - this.#host.monotonicMs()
    if (leftMs <= 0) throw new BorgError('LockTimeout', [name])
    await this.#host.sleep(Math.min(ms, leftMs), this.#signal)
  }
}
