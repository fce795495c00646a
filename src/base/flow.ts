/**
 * Bounded concurrency: how many calls may run, how many bytes may be held.
 */
import type { Host } from './host.ts'

/** Maps with at most `concurrency` calls running; yields results in input order. A failure surfaces at its own turn. */
export async function* mapOrdered<A, B>(
  items: AsyncIterable<A> | Iterable<A>,
  concurrency: number,
  map: (item: A) => Promise<B>,
): AsyncGenerator<B> {
  const running: Promise<B>[] = []
  try {
    for await (const item of items) {
      const result = map(item)
      // The rejection is seen when its turn comes; until then it must not count as unhandled.
      result.catch(() => {})
      running.push(result)
      if (running.length >= concurrency) yield await (running.shift() as Promise<B>)
    }
    while (running.length > 0) yield await (running.shift() as Promise<B>)
  } finally {
    await Promise.allSettled(running)
  }
}

interface Waiter {
  readonly bytes: number
  readonly admit: () => void
}

/** Bounds memory, not tasks: take bytes before holding them, give them back after. First come, first served. */
export class ByteBudget {
  readonly #limit: number
  #held = 0
  readonly #waiting: Waiter[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get held(): number {
    return this.#held
  }

  /** Resolves when `bytes` fit; more than the limit is admitted once nothing else is held. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#held += bytes
      return
    }
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(signal?.reason)
        this.#admitWaiting()
      }
      const waiter: Waiter = {
        bytes,
        admit: () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        },
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiting.push(waiter)
    })
  }

  give(bytes: number): void {
    this.#held -= bytes
    this.#admitWaiting()
  }

  #fits(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.#limit
  }

  #admitWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#held += next.bytes
      next.admit()
    }
  }
}

/**
 * Gives timers, signals and other callbacks of the event loop their turn in loops that would otherwise only see promises
 * already settled.
 */
export class EventLoopTurns {
  readonly #clockMs: () => number
  readonly #intervalMs: number
  #lastMs: number

  /** @param clockMs a monotonic clock (Host.monotonicMs). */
  constructor(clockMs: () => number, intervalMs = 20) {
    this.#clockMs = clockMs
    this.#intervalMs = intervalMs
    this.#lastMs = clockMs()
  }

  /** Await it between units of work: returns at once unless a turn is due. */
  async take(): Promise<void> {
    const now = this.#clockMs()
    if (now - this.#lastMs < this.#intervalMs) return
    await new Promise<void>((resolve) => setImmediate(resolve))
    this.#lastMs = this.#clockMs()
  }
}

/** Whether `promise` settled, one way or the other, within so many milliseconds. */
export async function settledWithin(promise: Promise<unknown>, milliseconds: number, host: Host): Promise<boolean> {
  const timer = new AbortController()
  const settled = promise.then(
    () => true,
    () => true,
  )
  const tooLate = host.sleep(milliseconds, timer.signal).then(
    () => false,
    () => true,
  )
  const inTime = await Promise.race([settled, tooLate])
  timer.abort()
  return inTime
}
