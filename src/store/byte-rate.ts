/**
 * So many bytes a second: who wants to move some waits until those before them have been paid for.
 *
 * A token bucket that may go into debt: a piece starts as soon as nothing is owed, however large it is, and the next one
 * waits for it. So the long-term rate holds without anyone having to know sizes in advance.
 */
import type { Host } from '../base/host.ts'

/** What nobody used may be made up for later, but no more than this: a pause is not a right to flood the line. */
const savedMsMax = 250
/** Waits are slept through in slices, so that bytes given back shorten them. */
const sliceMs = 250

export class ByteRate {
  readonly #bytesPerSecond: number
  readonly #host: Host
  readonly #signal: AbortSignal | undefined
  #balance = 0
  #balancedMs: number
  #turn: Promise<void> = Promise.resolve()

  /** @throws RangeError unless the rate is a positive number. */
  constructor(bytesPerSecond: number, host: Host, signal?: AbortSignal) {
    if (!(bytesPerSecond > 0))
      throw new RangeError(`a rate must be more than 0 bytes per second, got ${bytesPerSecond}`)
    this.#bytesPerSecond = bytesPerSecond
    this.#host = host
    this.#signal = signal
    this.#balancedMs = host.monotonicMs()
  }

  /** Into how large pieces transfers are best cut: an eighth of a second, within reason. */
  get pieceSize(): number {
    return Math.min(Math.max(Math.ceil(this.#bytesPerSecond / 8), 8 * 1024), 1024 * 1024)
  }

  /**
   * Waits, first come, first served, then counts `bytes` as moved. After an abort nobody waits: what is still called then
   * is cleaning up.
   * @throws the signal's reason when it aborts while waiting.
   */
  async take(bytes: number): Promise<void> {
    if (this.#signal?.aborted === true) {
      this.#balance -= bytes
      return
    }
    const mine = this.#turn.then(async () => {
      await this.#solvent()
      this.#balance -= bytes
    })
    this.#turn = mine.catch(() => {})
    await mine
  }

  /** Bytes that were taken and not moved; a negative number when it were more. */
  give(bytes: number): void {
    this.#balance += bytes
  }

  async #solvent(): Promise<void> {
    for (;;) {
      const now = this.#host.monotonicMs()
      const earned = ((now - this.#balancedMs) / 1000) * this.#bytesPerSecond
      this.#balance = Math.min(this.#balance + earned, (savedMsMax / 1000) * this.#bytesPerSecond)
      this.#balancedMs = now
      if (this.#balance >= 0) return
      const owedMs = (-this.#balance / this.#bytesPerSecond) * 1000
      // Whole milliseconds: timers know no others, and would be back a moment too early.
      await this.#host.sleep(Math.ceil(Math.min(owedMs, sliceMs)), this.#signal)
    }
  }
}
