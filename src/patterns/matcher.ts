/**
 * First match decides.
 *
 * Except for full-path rules ('pf:'): borg keeps those in a hash table that is asked before all others, so that lists of
 * a hundred thousand paths cost nothing, and in which the last rule for a path wins.
 * Source: borg 1.4 `borg help patterns`, fixtures/cli/patterns-vectors.json.
 */
import type { Pattern } from './pattern.ts'
import { normalPath } from '../base/paths.ts'
import { compilePythonRegex } from './python-regex.ts'
import { fnmatchSource, shellSource } from './shell-pattern.ts'

export type Verdict = 'include' | 'exclude' | 'exclude-and-skip'
export interface Matcher {
  /** @param path as walked or archived; leading '/' is ignored. */
  match(path: string): Verdict
  /** Texts (without selector) of PATH arguments that never matched; full-path ones never complain. */
  unmatchedIncludes(): readonly string[]
}

interface Rule {
  readonly pattern: Pattern
  readonly matches: (path: string) => boolean
}

export interface MatcherOptions {
  /** Compare in this Unicode form: 'NFD' on macOS, whose file systems change names so. */
  readonly unicodeForm?: 'NFD' | undefined
}

/** `fallback` applies when no rule matches. @throws BorgError 'Error' for an impossible regular expression. */
export function makeMatcher(
  patterns: readonly Pattern[],
  fallback: 'include' | 'exclude',
  options: MatcherOptions = {},
): Matcher {
  const form = options.unicodeForm
  const normalise = form === undefined ? (text: string): string => text : (text: string): string => text.normalize(form)
  const fullPaths = new Map<string, Verdict>()
  const rules: Rule[] = []
  for (const pattern of patterns) {
    const text = normalise(pattern.text)
    if (pattern.style === 'pf') fullPaths.set(withoutLeadingSlashes(normalPath(text)), pattern.verdict)
    else rules.push({ pattern, matches: compile(pattern.style, text) })
  }
  const matched = new Set<Rule>()

  return {
    match(path) {
      const bare = withoutLeadingSlashes(normalise(path))
      const exact = fullPaths.get(bare)
      if (exact !== undefined) return exact
      for (const rule of rules) {
        if (!rule.matches(bare)) continue
        matched.add(rule)
        return rule.pattern.verdict
      }
      return fallback
    },
    unmatchedIncludes() {
      return rules.filter((rule) => rule.pattern.isPathArgument && !matched.has(rule)).map((rule) => rule.pattern.text)
    },
  }
}

/**
 * The folder styles are asked about the path with a '/' behind it, so that a pattern which ends at a '/' of the path
 * covers the folder and everything below. A pattern written with a trailing '/' means what is inside, not the folder.
 */
function compile(style: Exclude<Pattern['style'], 'pf'>, text: string): (path: string) => boolean {
  switch (style) {
    case 're': {
      const regex = compilePythonRegex(text)
      return (path) => regex.test(path)
    }
    case 'pp': {
      const prefix = withoutLeadingSlashes(`${normalPath(text).replace(/\/+$/, '')}/`)
      return (path) => `${path}/`.startsWith(prefix)
    }
    case 'fm':
    case 'sh': {
      const folder = withoutLeadingSlashes(
        `${text.endsWith('/') ? normalPath(text).replace(/\/+$/, '') : normalPath(text)}/`,
      )
      const source = style === 'fm' ? fnmatchSource(folder) : shellSource(folder)
      const regex = new RegExp(text.endsWith('/') ? `^${source}[\\s\\S]*/$` : `^${source}`, 'u')
      return (path) => regex.test(`${path}/`)
    }
  }
}

/** Archived paths have no leading '/', so neither have patterns. */
function withoutLeadingSlashes(path: string): string {
  return path.replace(/^\/+/, '')
}
