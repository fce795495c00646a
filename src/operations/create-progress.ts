/**
 * How far a backup is, told at most five times a second.
 */
import type { Statistics } from '../archive/statistics.ts'
import type { RunOptions } from '../base/events.ts'

const intervalMs = 200

export class CreateProgress {
  readonly #statistics: Readonly<Statistics>
  readonly #clockMs: () => number
  readonly #run: RunOptions
  #lastMs = Number.NEGATIVE_INFINITY

  constructor(statistics: Readonly<Statistics>, clockMs: () => number, run: RunOptions) {
    this.#statistics = statistics
    this.#clockMs = clockMs
    this.#run = run
  }

  show(path: string): void {
    if (this.#run.onEvent === undefined) return
    const now = this.#clockMs()
    if (now - this.#lastMs < intervalMs) return
    this.#lastMs = now
    this.#run.onEvent({ type: 'archive_progress', path, ...this.#statistics, finished: false })
  }

  finish(): void {
    this.#run.onEvent?.({ type: 'archive_progress', path: '', ...this.#statistics, finished: true })
  }
}
