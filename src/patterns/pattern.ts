/**
 * One rule: how a path is compared, and what follows from a match.
 */
export type PatternStyle = 'fm' | 'sh' | 're' | 'pp' | 'pf'

export interface Pattern {
  readonly style: PatternStyle
  /** Without selector, as the user wrote it. */
  readonly text: string
  readonly verdict: 'include' | 'exclude' | 'exclude-and-skip'
  /** A PATH argument: complains when it never matched. */
  readonly isPathArgument: boolean
}
