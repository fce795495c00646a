import { describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import { parseExcludeFile, parsePatternsFile } from '../../src/patterns/pattern-file.ts'
import type { Pattern } from '../../src/patterns/pattern.ts'
import { parseExclude, parsePatternLine } from '../../src/patterns/parse.ts'
import { loadFixture } from '../support/vectors.ts'

const vectors = loadFixture<{
  lines: [string, string, ...(string | boolean)[]][]
  pattern_files: { text: string; roots?: string[]; rules?: string[][]; error?: string }[]
  exclude_files: { text: string; rules: string[][] }[]
}>('cli/patterns-vectors.json')

const borgNames = { include: 'Include', exclude: 'Exclude', 'exclude-and-skip': 'ExcludeNoRecurse' } as const

function asBorgSays(pattern: Pattern): string[] {
  return [borgNames[pattern.verdict], pattern.style, pattern.text]
}

function outcome(line: string): unknown[] {
  try {
    const parsed = parsePatternLine(line)
    if (parsed.kind === 'root') return ['root', parsed.path]
    if (parsed.kind === 'style') return ['style', parsed.style]
    return [...asBorgSays(parsed.pattern), parsed.pattern.verdict !== 'exclude-and-skip']
  } catch (error) {
    if (isBorgError(error, 'CommandError')) return ['ERROR', error.args[0]]
    if (isBorgError(error, 'Error')) return ['EXCEPTION', 'ValueError', error.args[0]]
    throw error
  }
}

describe('rule lines mean what they mean to borg', () => {
  test.each(vectors.lines)('%j', (line, ...expected) => {
    expect(outcome(line)).toEqual(expected)
  })
})

describe('patterns files', () => {
  test.each(vectors.pattern_files)('$text', ({ text, roots, rules, error }) => {
    if (error !== undefined) {
      expect(() => parsePatternsFile(text)).toThrow(error)
      return
    }
    const file = parsePatternsFile(text)

    expect(file.roots).toEqual(roots)
    expect(file.patterns.map(asBorgSays)).toEqual(rules)
  })
})

describe('exclude files', () => {
  test.each(vectors.exclude_files)('$text', ({ text, rules }) => {
    expect(parseExcludeFile(text).map(asBorgSays)).toEqual(rules)
  })
})

test('a bad regular expression is refused where it is written', () => {
  expect(() => parseExclude('re:(')).toThrow(/invalid regular expression '\('/)
})
