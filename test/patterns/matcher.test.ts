import { describe, expect, test } from 'vitest'
import { makeMatcher } from '../../src/patterns/matcher.ts'
import type { Pattern, PatternStyle } from '../../src/patterns/pattern.ts'
import { parseExclude, parsePathArgument, parsePatternLine } from '../../src/patterns/parse.ts'
import { archiveGlob, checkpointSuffix } from '../../src/patterns/shell-pattern.ts'
import { loadFixture } from '../support/vectors.ts'

interface RuleList {
  id: string
  rules: string[]
  include_paths: string[]
  fallback: boolean
  roots: string[]
  results: [string, boolean, boolean][]
  unmatched_include_paths?: string[]
}
const vectors = loadFixture<{
  single: [PatternStyle, string, string, boolean][]
  rule_lists: RuleList[]
  archive_globs: [string, string, boolean, boolean][]
}>('cli/patterns-vectors.json')

/** A --pattern style rule with another default than 'sh', as the vectors write them. */
function single(style: PatternStyle, text: string): Pattern {
  if (text === '') return { style, text, verdict: 'include', isPathArgument: false }
  const line = parsePatternLine(`+${text}`, style)
  if (line.kind !== 'rule') throw new Error(`not a rule: ${text}`)
  return line.pattern
}

describe('single patterns decide as borg does', () => {
  test.each(vectors.single)('%s %j on %j is %s', (style, text, path, matches) => {
    const matcher = makeMatcher([single(style, text)], 'exclude')

    expect(matcher.match(path.replace(/^\/+/, ''))).toBe(matches ? 'include' : 'exclude')
  })
})

describe('lists of rules decide as borg does', () => {
  test.each(vectors.rule_lists)('$id', (list) => {
    const roots: string[] = []
    const patterns: Pattern[] = []
    for (const rule of list.rules) {
      if (rule.startsWith('exclude ')) {
        patterns.push(parseExclude(rule.slice('exclude '.length)))
        continue
      }
      const line = parsePatternLine(rule.slice('pattern '.length))
      if (line.kind === 'root') roots.push(line.path)
      else if (line.kind === 'rule') patterns.push(line.pattern)
    }
    const matcher = makeMatcher(
      [...patterns, ...list.include_paths.map(parsePathArgument)],
      list.fallback ? 'include' : 'exclude',
    )

    const results = list.results.map(([path]) => {
      const verdict = matcher.match(path)
      return [path, verdict === 'include', verdict !== 'exclude-and-skip']
    })

    expect(results).toEqual(list.results)
    expect(roots).toEqual(list.roots)
    if (list.unmatched_include_paths) expect(matcher.unmatchedIncludes()).toEqual(list.unmatched_include_paths)
  })
})

describe('archive globs match names as borg does', () => {
  test.each(vectors.archive_globs)('%j on %j: %s, in prune %s', (glob, name, matches, inPrune) => {
    expect(archiveGlob(glob).test(name)).toBe(matches)
    expect(archiveGlob(glob, checkpointSuffix).test(name)).toBe(inPrune)
  })
})

test('a path is compared in the Unicode form asked for', () => {
  const patterns = [parseExclude('caf\u00e9')]

  expect(makeMatcher(patterns, 'include').match('cafe\u0301')).toBe('include')
  expect(makeMatcher(patterns, 'include', { unicodeForm: 'NFD' }).match('cafe\u0301')).toBe('exclude-and-skip')
})

test('file names that are not UTF-8 are matched by wildcards and by themselves', () => {
  const matcher = makeMatcher([parseExclude('a?b'), parseExclude('\udcff')], 'include')

  expect(matcher.match('a\udcffb')).toBe('exclude-and-skip')
  expect(matcher.match('\udcff')).toBe('exclude-and-skip')
  expect(matcher.match('\udcfe')).toBe('include')
})
