/**
 * Rules for a backup: what no rule decides is archived.
 */
import { BorgError } from '../base/errors.ts'
import { type Matcher, makeMatcher } from '../patterns/matcher.ts'
import { parsePatternLine } from '../patterns/parse.ts'
import type { Pattern } from '../patterns/pattern.ts'

/** @throws BorgError 'CommandError' for a line that is no rule. */
export function sourceMatcher(rules: readonly (string | Pattern)[]): Matcher {
  return makeMatcher(rules.map(parsedRule), 'include')
}

function parsedRule(rule: string | Pattern): Pattern {
  if (typeof rule !== 'string') return rule
  const line = parsePatternLine(rule)
  if (line.kind !== 'rule') throw new BorgError('CommandError', [`not an include or exclude rule: ${rule}`])
  return line.pattern
}
