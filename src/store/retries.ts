/**
 * How often, and after which pauses, something that failed is tried again: twice the pause each time, with some chance in
 * it, so that many clients of a server that was down do not all come back in the same moment.
 */
import type { Host } from '../base/host.ts'

export interface RetryPace {
  /** The first attempt included. */
  readonly attemptsMax: number
  /** Counted from the first failure: after this long none is tried again. */
  readonly waitSecondsMax: number
  readonly firstPauseMs: number
  readonly pauseMsMax: number
}

export const retryPaceDefault: RetryPace = {
  attemptsMax: 12,
  waitSecondsMax: 300,
  firstPauseMs: 500,
  pauseMsMax: 30_000,
}

/** The failures of one call. */
export class Failures {
  readonly #pace: RetryPace
  readonly #host: Host
  #count = 0
  #firstMs = 0

  constructor(pace: RetryPace, host: Host) {
    this.#pace = pace
    this.#host = host
  }

  get count(): number {
    return this.#count
  }

  /** One more. The pause before the next attempt in milliseconds; undefined when it was the last. */
  add(): number | undefined {
    const { attemptsMax, waitSecondsMax, firstPauseMs, pauseMsMax } = this.#pace
    const now = this.#host.monotonicMs()
    if (this.#count === 0) this.#firstMs = now
    this.#count += 1
    const pauseMs = Math.min(firstPauseMs * 2 ** (this.#count - 1), pauseMsMax) * this.#chance()
    const isLast = this.#count >= attemptsMax || now + pauseMs - this.#firstMs > waitSecondsMax * 1000
    return isLast ? undefined : Math.ceil(pauseMs)
  }

  /** From a half to one. */
  #chance(): number {
    const [byte = 0] = this.#host.randomBytes(1)
    return 0.5 + byte / 510
  }
}
