/**
 * First match decides.
 */
import type { Pattern } from './pattern.ts'

export type Verdict = 'include' | 'exclude' | 'exclude-and-skip'
export interface Matcher {
  /** @param path as walked or archived; leading '/' is ignored. */
  match(path: string): Verdict
  /** Texts (without selector) of PATH arguments that never matched; full-path ones never complain. */
  unmatchedIncludes(): readonly string[]
}
/** `fallback` applies when no rule matches. */
export declare function makeMatcher(patterns: readonly Pattern[], fallback: 'include' | 'exclude'): Matcher
