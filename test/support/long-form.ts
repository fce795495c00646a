/**
 * Suites that take minutes have a short form, which keeps the essential cases: TSBORG_LONG=1 runs them whole.
 */
export const isLong = process.env['TSBORG_LONG'] === '1'

/** A case that is not `long` is in both forms. */
export interface Optional {
  /** Only in the long form: the short one has its like. */
  readonly long?: true
}

/** The cases of this form; says what is left out. */
export function casesOfForm<T extends Optional>(suite: string, cases: readonly T[]): readonly T[] {
  if (isLong) return cases
  const short = cases.filter(({ long }) => long !== true)
  console.warn(`SKIPPED: ${suite}: ${cases.length - short.length} of ${cases.length} cases; TSBORG_LONG=1 runs all`)
  return short
}
