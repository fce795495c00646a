/**
 * One rule: how a path is compared, and what follows from a match.
 *
 * A pattern is plain data; `makeMatcher` compiles it. Semantics: borg 1.4, `borg help patterns`, and
 * fixtures/cli/patterns-vectors.json.
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
