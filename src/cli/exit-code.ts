/**
 * From what happened to the number the shell sees.
 *
 * Legacy (the default): 0, 1 after warnings, 2 after an error. Modern (BORG_EXIT_CODES=modern): the code of the warning if
 * there was only one kind, the code of the error. Signals are 128 + n in both.
 * Source: CLI contract "Exit codes and msgids".
 */
import { type WarningCode, warningCatalog } from '../parsing.ts'

export type ExitCodeStyle = 'legacy' | 'modern'

/** Warnings add up; an error decides alone. */
export class ExitStatus {
  readonly #style: ExitCodeStyle
  #warning = 0

  constructor(style: ExitCodeStyle) {
    this.#style = style
  }

  /** Of one kind: its code. Of several, or once a generic one was among them: 1. */
  addWarning(code: WarningCode): void {
    const exit = this.#style === 'legacy' ? 1 : warningCatalog[code].exit
    this.#warning = this.#warning === 0 || this.#warning === exit ? exit : 1
  }

  /** As far as it went without an error. */
  get code(): number {
    return this.#warning
  }

  /** @param modern the error's own code. */
  errorCode(modern: number): number {
    return this.#style === 'modern' ? modern : 2
  }
}

/** The word in "terminating with ... status". */
export function exitClass(code: number): 'success' | 'warning' | 'error' | 'signal' | 'abnormal' {
  if (code === 0) return 'success'
  if (code === 1 || (code >= 100 && code <= 127)) return 'warning'
  if (code >= 2 && code <= 99) return 'error'
  return code >= 128 && code <= 255 ? 'signal' : 'abnormal'
}
