/**
 * Help texts out of the tables. Loaded only when somebody asks.
 */
import type { Argument, Arguments, CommandTable } from './argument.ts'
import { commonArguments } from './common-options.ts'
import { usageText, valueWord, wrapWords } from './usage.ts'

export interface HelpStyle {
  readonly program: string
  readonly columns: number
}

export interface NamedSummary {
  readonly name: string
  readonly summary: string
}

export interface HelpSection {
  readonly title: string
  readonly commands: readonly NamedSummary[]
}

export interface MainHelpParts {
  readonly sections: readonly HelpSection[]
  readonly topics: readonly NamedSummary[]
  /** Between usage and commands; behind everything else. */
  readonly introduction: string
  readonly ending: string
}

/** `tsborg --help` */
export function mainHelp(style: HelpStyle, parts: MainHelpParts): string {
  const rows = (named: readonly NamedSummary[]): string[] => named.map(({ name, summary }) => row(name, summary, style))
  return [
    `${usageText(style.program, [], undefined, style.columns)}`,
    parts.introduction,
    ...parts.sections.map(({ title, commands }) => section(title, rows(commands))),
    section('Topics ("tsborg help TOPIC"):', rows(parts.topics)),
    section('options:', [row('-V, --version', 'show the version and exit', style)]),
    section('Common options:', optionRows(commonArguments, style)),
    parts.ending,
  ].join('')
}

/** `tsborg key --help` */
export function groupHelp(
  style: HelpStyle,
  name: string,
  explanation: string,
  commands: readonly NamedSummary[],
): string {
  return [
    usageText(style.program, [name], undefined, style.columns),
    explanation,
    section(
      'commands:',
      commands.map((command) => row(command.name, command.summary, style)),
    ),
    section('Common options:', optionRows(commonArguments, style)),
  ].join('')
}

export interface CommandHelpParts {
  /** Only the explanations, or only how it is called. */
  readonly only?: 'epilog' | 'usage' | undefined
  /** The explanations; they begin and end with a newline. */
  readonly epilog: string
}

/** `tsborg create --help` */
export function commandHelp(style: HelpStyle, table: CommandTable, { only, epilog }: CommandHelpParts): string {
  if (only === 'epilog') return `${paragraph(table.description, style)}\n${epilog}`
  const places = positionalRows(table.arguments, style)
  const options = optionRows(table.arguments, style)
  const parts = [
    usageText(style.program, table.name.split(' '), table, style.columns),
    ...(only === 'usage' ? [] : [`${paragraph(table.description, style)}\n`]),
    ...(places.length === 0 ? [] : [`positional arguments:\n${places.join('')}`]),
    ...(options.length === 0 ? [] : [`options:\n${options.join('')}`]),
    `Common options:\n${optionRows(commonArguments, style).join('')}`,
  ]
  return parts.join('\n') + (only === 'usage' ? '' : epilog)
}

function section(title: string, rows: readonly string[]): string {
  return `\n${title}\n${rows.join('')}`
}

function paragraph(text: string, style: HelpStyle): string {
  return wrapWords(text.split(' '), style.columns).join('\n')
}

function positionalRows(args: Arguments, style: HelpStyle): string[] {
  return Object.values(args).flatMap((argument) =>
    argument.positional ? [row(argument.metavar, argument.help, style)] : [],
  )
}

function optionRows(args: Arguments, style: HelpStyle): string[] {
  return Object.values(args).flatMap((argument) => (argument.positional ? [] : spellingRows(argument, style)))
}

function spellingRows(argument: Argument<unknown>, style: HelpStyle): string[] {
  return argument.spellings.flatMap((spelling) => {
    if (spelling.help === 'old spelling') return []
    const value = valueWord(argument, spelling)
    const names = value === '' ? spelling.options.join(', ') : `${spelling.options.join(', ')} ${value}`
    return [row(names, spelling.help, style)]
  })
}

const helpColumn = 24

/** Name on the left, help on the right; a long name has its line for itself. */
function row(name: string, help: string, { columns }: HelpStyle): string {
  const lines = wrapWords(help.split(' '), Math.max(columns - helpColumn, 20))
  const indent = ' '.repeat(helpColumn)
  const left = `  ${name}`
  if (left.length + 2 > helpColumn) return `${left}\n${lines.map((line) => `${indent}${line}\n`).join('')}`
  const [first = '', ...rest] = lines
  return `${left.padEnd(helpColumn)}${first}\n${rest.map((line) => `${indent}${line}\n`).join('')}`
}
