/**
 * The text of an --exclude-from or --patterns-from file as rules. Reading the file is the caller's.
 *
 * Lines are stripped at both ends; empty ones and those that start with '#' say nothing; there are no trailing comments.
 * Source: borg 1.4 `borg help patterns`, fixtures/cli/patterns-vectors.json ("pattern_files", "exclude_files").
 */
import type { Pattern, PatternStyle } from './pattern.ts'
import { parseExclude, parsePatternLine, trimPython } from './parse.ts'

export interface PatternsFile {
  /** Of the 'R' lines, in order. */
  readonly roots: readonly string[]
  readonly patterns: readonly Pattern[]
}

/** @throws BorgError as `parsePatternLine` does. */
export function parsePatternsFile(text: string): PatternsFile {
  const roots: string[] = []
  const patterns: Pattern[] = []
  let style: PatternStyle = 'sh'
  for (const line of meaningfulLines(text)) {
    const parsed = parsePatternLine(line, style)
    if (parsed.kind === 'root') roots.push(parsed.path)
    else if (parsed.kind === 'style') style = parsed.style
    else patterns.push(parsed.pattern)
  }
  return { roots, patterns }
}

/** Every line is a pattern, also one that looks like a rule ('- x'). */
export function parseExcludeFile(text: string): readonly Pattern[] {
  return meaningfulLines(text).map(parseExclude)
}

function meaningfulLines(text: string): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map(trimPython)
    .filter((line) => line !== '' && !line.startsWith('#'))
}
