/**
 * Counted progress: when to speak, in borg's rhythm.
 *
 * A percent indicator speaks when the percentage has reached its next trigger, which then advances by one step.
 * `current` already includes the step reported while the percentage in the text does not, as borg's records have it.
 */
import type { RunOptions } from './events.ts'

let operations = 0

/** Numbers the progress indicators of this process, from 1, as borg does. */
export function nextOperation(): number {
  operations += 1
  return operations
}

export interface PercentOptions {
  readonly msgid: string
  readonly total: number
  /** Percentage points between two reports. */
  readonly step: number
  /** `percent` comes formatted like C's %3.0f, %5.1f or %6.2f, as `decimals` and `width` say. */
  readonly text: (percent: string, info: readonly string[]) => string
  readonly width: number
  readonly decimals: number
}

/** One counted task. `finish` is said once, also when nothing was ever reported. */
export class PercentProgress {
  readonly #options: PercentOptions
  readonly #run: RunOptions
  readonly #operation = nextOperation()
  #current = 0
  #trigger = 0

  constructor(options: PercentOptions, run: RunOptions) {
    this.#options = options
    this.#run = run
  }

  advance(by = 1, info: readonly string[] = []): void {
    this.show(this.#current, info)
    this.#current += by
  }

  /** Reports when `current` of `total` has reached the trigger. */
  show(current: number, info: readonly string[] = []): void {
    const { msgid, total, step, text, width, decimals } = this.#options
    this.#current = current
    if (this.#run.onEvent === undefined || total === 0) return
    const percent = (100 * current) / total
    if (percent < this.#trigger) return
    this.#trigger += step
    const message = text(percent.toFixed(decimals).padStart(width), info)
    this.#run.onEvent({
      type: 'progress_percent',
      operation: this.#operation,
      msgid,
      current: current + 1,
      total,
      message,
      info,
      finished: false,
    })
  }

  finish(): void {
    const { msgid, total } = this.#options
    const end = { operation: this.#operation, msgid, message: '', info: [], finished: true } as const
    this.#run.onEvent?.({ type: 'progress_percent', current: total, total, ...end })
  }
}

/** One named step without a count ('Saving files cache'). */
export class MessageProgress {
  readonly #msgid: string
  readonly #run: RunOptions
  readonly #operation = nextOperation()

  constructor(msgid: string, run: RunOptions) {
    this.#msgid = msgid
    this.#run = run
  }

  show(message: string): void {
    this.#run.onEvent?.({
      type: 'progress_message',
      operation: this.#operation,
      msgid: this.#msgid,
      message,
      finished: false,
    })
  }

  finish(): void {
    this.#run.onEvent?.({
      type: 'progress_message',
      operation: this.#operation,
      msgid: this.#msgid,
      message: '',
      finished: true,
    })
  }
}
