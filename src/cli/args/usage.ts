/**
 * "usage: tsborg create [-h] ...": how a command is called, wrapped as argparse wraps it.
 */
import type { Argument, Arguments, CommandTable, Spelling } from './argument.ts'

/** Ends with a newline. `words` are [], a group, or a command. */
export function usageText(
  program: string,
  words: readonly string[],
  table: CommandTable | undefined,
  columns: number,
): string {
  const prefix = `usage: ${callName(program, words)}`
  const first = words.length === 0 ? ['[-V]', '[-h]'] : ['[-h]']
  const options = [...first, '[common options]', ...(table === undefined ? [] : optionWords(table))]
  const places = table === undefined ? ['<command>', '...'] : positionalWords(table.arguments)
  return wrapUsage(prefix, options, places, columns)
}

/** 'tsborg key export'. Under the name borgfs the program is its mount command. */
export function callName(program: string, words: readonly string[]): string {
  return program === mountProgram ? program : [program, ...words].join(' ')
}

export const mountProgram = 'borgfs'

function wrapUsage(prefix: string, options: readonly string[], places: readonly string[], columns: number): string {
  const whole = [prefix, ...options, ...places].join(' ')
  if (whole.length <= columns) return `${whole}\n`
  const indent = ' '.repeat(prefix.length + 1)
  const lines = [...wrapWords(options, columns - indent.length), ...wrapWords(places, columns - indent.length)]
  return `${prefix} ${lines.join(`\n${indent}`)}\n`
}

/** Lines of whole words, each at most `columns` wide if its words let it. */
export function wrapWords(words: readonly string[], columns: number): string[] {
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > columns) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

/** Exclusive arguments share brackets: '[--first N | --last N]'. */
function optionWords(table: CommandTable): string[] {
  const groups = (table.exclusive ?? []).map((group) => [...group])
  const shown = new Set<string>()
  const words: string[] = []
  for (const [key, argument] of Object.entries(table.arguments)) {
    if (argument.positional || shown.has(key)) continue
    const group = groups.find((candidate) => candidate.includes(key)) ?? [key]
    for (const member of group) shown.add(member)
    const spelled = group.flatMap((member) => current(table.arguments[member]).map(([of, how]) => optionWord(of, how)))
    if (argument.sum === 'rules') words.push(...spelled.map((word) => `[${word}]`))
    else words.push(argument.required ? spelled.join(' | ') : `[${spelled.join(' | ')}]`)
  }
  return words
}

/** Spellings worth showing: not those that are only there for old scripts. */
function current(argument: Argument<unknown> | undefined): [Argument<unknown>, Spelling][] {
  if (argument === undefined) return []
  return argument.spellings
    .filter((spelling) => spelling.help !== 'old spelling')
    .map((spelling) => [argument, spelling])
}

function optionWord(argument: Argument<unknown>, spelling: Spelling): string {
  return [spelling.options[0] ?? '', valueWord(argument, spelling)].filter((word) => word !== '').join(' ')
}

/** 'SECONDS', '[MODE]', or nothing for an option without a value. */
export function valueWord(argument: Argument<unknown>, spelling: Spelling): string {
  if (argument.arity === 'none') return ''
  const metavar = spelling.metavar ?? argument.metavar
  return argument.arity === 'optional' ? `[${metavar}]` : metavar
}

function positionalWords(args: Arguments): string[] {
  return Object.values(args).flatMap((argument) => {
    if (!argument.positional) return []
    switch (argument.arity) {
      case 'optional':
        return [`[${argument.metavar}]`]
      case 'any':
        return [`[${argument.metavar} ...]`]
      case 'some':
        return [argument.metavar, `[${argument.metavar} ...]`]
      case 'rest':
        return ['...']
      default:
        return [argument.metavar]
    }
  })
}
