/**
 * Rules as users write them: -e PATTERN, --pattern LINE, PATH arguments.
 *
 * A refused rule throws BorgError 'CommandError' whose first argument is borg's text for it. An unknown two-character
 * selector and an impossible regular expression are 'Error's, because borg dies of them with exit code 2 in both modes.
 * Source: borg 1.4 command line, fixtures/cli/patterns-vectors.json ("lines").
 */
import { BorgError } from '../base/errors.ts'
import type { Pattern, PatternStyle } from './pattern.ts'
import { compilePythonRegex } from './python-regex.ts'

const styles: readonly PatternStyle[] = ['fm', 'sh', 're', 'pp', 'pf']

/** One line of --pattern or --patterns-from. */
export type PatternLine =
  | { readonly kind: 'rule'; readonly pattern: Pattern }
  /** 'R PATH': something to back up. */
  | { readonly kind: 'root'; readonly path: string }
  /** 'P STYLE': the style of the lines that follow in the same file. */
  | { readonly kind: 'style'; readonly style: PatternStyle }

/** @throws BorgError 'CommandError' for a malformed line, 'Error' for an unknown selector or a bad regular expression. */
export function parsePatternLine(line: string, defaultStyle: PatternStyle = 'sh'): PatternLine {
  if (line === '') throw new BorgError('CommandError', ['A pattern/command must not be empty.'])
  const command = line.slice(0, 1)
  if (!'-!+RrPp'.includes(command)) {
    throw new BorgError('CommandError', ['A pattern/command must start with any of: -, !, +, R, r, P, p'])
  }
  const value = trimPythonStart(line.slice(1))
  if (value === '') throw new BorgError('CommandError', ['A pattern/command must have a value part.'])
  switch (command) {
    case 'R':
    case 'r':
      return { kind: 'root', path: value }
    case 'P':
    case 'p':
      return { kind: 'style', style: requireStyle(value) }
    case '+':
      return { kind: 'rule', pattern: rule(value, defaultStyle, 'include') }
    case '-':
      return { kind: 'rule', pattern: rule(value, defaultStyle, 'exclude') }
    default:
      return { kind: 'rule', pattern: rule(value, defaultStyle, 'exclude-and-skip') }
  }
}

/** -e/--exclude and the lines of --exclude-from: never descends into what it excludes. */
export function parseExclude(text: string): Pattern {
  return rule(text, 'fm', 'exclude-and-skip')
}

/** A PATH argument of list, extract and the like. */
export function parsePathArgument(text: string): Pattern {
  return { ...rule(text, 'pp', 'include'), isPathArgument: true }
}

function rule(text: string, defaultStyle: PatternStyle, verdict: Pattern['verdict']): Pattern {
  const selector = /^([\p{L}\p{N}]{2}):/u.exec(text)?.[1]
  const style = selector === undefined ? defaultStyle : knownSelector(selector)
  const bare = selector === undefined ? text : text.slice(selector.length + 1)
  // Compiled here only to refuse it early, at the line that holds it.
  if (style === 're') compilePythonRegex(bare)
  return { style, text: bare, verdict, isPathArgument: false }
}

function knownSelector(selector: string): PatternStyle {
  const style = styles.find((known) => known === selector)
  if (style === undefined) throw new BorgError('Error', [`Unknown pattern style: ${selector}`])
  return style
}

function requireStyle(name: string): PatternStyle {
  const style = styles.find((known) => known === name)
  if (style === undefined) throw new BorgError('CommandError', [`Invalid pattern style: ${name}`])
  return style
}

/** What Python's str.strip takes away, which is not what String.trim does. */
const pythonSpace = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+'
const leadingSpace = new RegExp(`^${pythonSpace}`)
const trailingSpace = new RegExp(`${pythonSpace}$`)

export function trimPythonStart(text: string): string {
  return text.replace(leadingSpace, '')
}

export function trimPython(text: string): string {
  return trimPythonStart(text).replace(trailingSpace, '')
}
