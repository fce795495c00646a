/**
 * -e, --exclude-from, --pattern, --patterns-from: one list, in the order of the command line.
 */
import {
  BorgError,
  isBorgError,
  parseExclude,
  parseExcludeFile,
  parsePatternLine,
  parsePatternsFile,
  type Pattern,
} from '../../parsing.ts'
import { BadValue, type ValueContext } from './value-type.ts'

export interface Rules {
  /** Of 'R' lines. */
  readonly roots: readonly string[]
  readonly patterns: readonly Pattern[]
}

/** What each of the four options makes of its value. */
export interface FileRules {
  readonly exclude: (text: string, context: ValueContext) => Rules
  readonly excludeFrom: (text: string, context: ValueContext) => Rules
  readonly pattern: (text: string, context: ValueContext) => Rules
  readonly patternsFrom: (text: string, context: ValueContext) => Rules
}

/**
 * A malformed rule is not reported like other bad values: only its own text is printed, and the exit code is that of a
 * command error. `RuleError` carries it past the parser.
 */
export class RuleError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'RuleError'
  }
}

export const fileRules: FileRules = {
  exclude(text) {
    try {
      return { roots: [], patterns: [parseExclude(text)] }
    } catch (error) {
      if (isBorgError(error, 'Error') && error.args[0].startsWith('Unknown pattern style')) throw new BadValue()
      if (isBorgError(error, 'Error')) throw new BorgError('CommandError', [error.args[0]], { cause: error })
      throw error
    }
  },
  excludeFrom: (path, context) => ({ roots: [], patterns: parseExcludeFile(context.readFile(path)) }),
  pattern: (line) =>
    bare(() => {
      const parsed = parsePatternLine(line)
      if (parsed.kind === 'rule') return { roots: [], patterns: [parsed.pattern] }
      // A style has no lines to follow it here, so it changes nothing.
      return { roots: parsed.kind === 'root' ? [parsed.path] : [], patterns: [] }
    }),
  patternsFrom: (path, context) => bare(() => parsePatternsFile(context.readFile(path))),
}

function bare(read: () => Rules): Rules {
  try {
    return read()
  } catch (error) {
    if (isBorgError(error, 'CommandError')) throw new RuleError(error.args[0], { cause: error })
    throw error
  }
}
