/**
 * The command line as a whole: which command, with what values.
 *
 * Source: CLI contract "Parsing". Tables of commands are loaded when their command is named, so that a wrong word costs
 * nothing.
 */
import { isBorgError } from '../../parsing.ts'
import type { Argument, Arguments, CommandTable } from './argument.ts'
import { type CommonOptions, commonArguments, mainArguments } from './common-options.ts'
import { displayName, indexOptions, type Read, readLevel, refuseAmbiguous, type Use, type Word } from './level.ts'
import { assignPositionals } from './positionals.ts'
import { RuleError, fileRules, type Rules } from './rules.ts'
import { UsageError } from './usage-error.ts'
import { BadValue, type ValueContext } from './value-type.ts'

/** What the parser needs to know of the program: names of commands, and where their tables are. */
export interface CommandSet {
  /** 'create', 'key', 'debug' ... in the order they are listed. */
  readonly names: readonly string[]
  /** 'key' -> ['export', 'import' ...]; undefined for a plain command. */
  subcommands(name: string): readonly string[] | undefined
  loadTable(name: string): Promise<CommandTable>
}

export type CommandLine =
  | { readonly kind: 'version' }
  /** [] is the main help, ['key'] that of a group, ['key', 'export'] that of a command. */
  | { readonly kind: 'help'; readonly words: readonly string[] }
  | {
      readonly kind: 'command'
      readonly table: CommandTable
      readonly args: Readonly<Record<string, unknown>>
      readonly common: CommonOptions
    }

/**
 * @param onNotice is told of deprecated spellings, at once.
 * @throws UsageError, RuleError (a bad pattern: only its text is printed), BorgError (a bad placeholder, an unreadable file)
 */
export async function parseCommandLine(
  argv: readonly string[],
  commands: CommandSet,
  context: ValueContext,
  onNotice: (notice: string) => void,
): Promise<CommandLine> {
  const line = argv.map((text, at) => ({ text, at }))
  const parse = new LineParser(context, onNotice)
  const main = parse.upper(line, mainArguments, [])
  if (main.stop !== undefined) return main.stop
  const [first] = main.read.positionals
  if (first === undefined) return parse.withoutCommand(main.read, [])
  const name = requireChoice(first.text, commands.names, [])
  const subcommands = commands.subcommands(name)
  if (subcommands === undefined) return await parse.command([name], main.read.rest, commands)
  const group = parse.upper(main.read.rest, commonArguments, [name])
  if (group.stop !== undefined) return group.stop
  const [second] = group.read.positionals
  if (second === undefined) return parse.withoutCommand(group.read, [name])
  return await parse.command([name, requireChoice(second.text, subcommands, [name])], group.read.rest, commands)
}

function requireChoice(text: string, choices: readonly string[], words: readonly string[]): string {
  if (choices.includes(text)) return text
  throw new UsageError(`argument <command>: ${choiceProblem(text, choices)}`, words)
}

function choiceProblem(text: string, choices: readonly string[]): string {
  return `invalid choice: '${text}' (choose from ${choices.map((choice) => `'${choice}'`).join(', ')})`
}

/** Thrown from inside reading: --help and --version act at their place, whatever stands to their right. */
class Stop extends Error {
  readonly result: CommandLine

  constructor(result: CommandLine) {
    super('stop')
    this.result = result
  }
}

class LineParser {
  readonly #context: ValueContext
  readonly #onNotice: (notice: string) => void
  /** Values of common options, the less specific places first. */
  #common: Record<string, unknown> = {}
  #topics: readonly unknown[] = []
  #unknown: readonly Word[] = []
  readonly #upperLines: { line: readonly Word[]; args: Arguments; words: readonly string[] }[] = []

  constructor(context: ValueContext, onNotice: (notice: string) => void) {
    this.#context = context
    this.#onNotice = onNotice
  }

  /** A level above a command. `stop` is set when it was told to show something and end. */
  upper(line: readonly Word[], args: Arguments, words: readonly string[]): { read: Read; stop?: CommandLine } {
    const values = new Values(args, words, this.#context)
    this.#upperLines.push({ line, args, words })
    try {
      const read = readLevel(line, indexOptions(args), {
        words,
        stopAt: 'first-positional',
        onUse: (use) => values.use(use, words),
        onNotice: this.#onNotice,
      })
      this.#unknown = [...this.#unknown, ...read.unknown]
      this.#keepCommon(values.found)
      return { read }
    } catch (error) {
      if (error instanceof Stop)
        return { read: { uses: [], positionals: [], unknown: [], rest: [] }, stop: error.result }
      throw error
    }
  }

  withoutCommand(read: Read, words: readonly string[]): CommandLine {
    if (read.unknown.length > 0) throw unrecognized(read.unknown)
    return { kind: 'help', words }
  }

  async command(words: readonly string[], line: readonly Word[], commands: CommandSet): Promise<CommandLine> {
    const table = await commands.loadTable(words.join(' '))
    const positionals = Object.entries(table.arguments).filter(([, argument]) => argument.positional)
    const isRaw = positionals.some(([, argument]) => argument.arity === 'rest')
    if (!isRaw) for (const upper of this.#upperLines) refuseAmbiguous(upper.line, indexOptions(upper.args), upper.words)
    const args = { ...commonArguments, ...table.arguments }
    const values = new Values(args, words, this.#context, table.exclusive)
    try {
      const read = readLevel(line, indexOptions(args), {
        words,
        rawAfter: isRaw ? positionals.length - 1 : undefined,
        onUse: (use) => values.use(use, words),
        onNotice: this.#onNotice,
      })
      const open = positionals.filter(([, argument]) => !values.isReplaced(argument))
      const left = assignPositionals(open, read.positionals, (key, argument, word) => values.put(key, argument, word))
      values.finish()
      this.#keepCommon(values.found)
      const strangers = [...this.#unknown, ...read.unknown, ...left].sort((a, b) => a.at - b.at)
      if (strangers.length > 0) throw unrecognized(strangers)
    } catch (error) {
      if (error instanceof Stop) return error.result
      throw error
    }
    return { kind: 'command', table, args: values.complete(table.arguments), common: this.#commonOptions() }
  }

  #keepCommon(found: ReadonlyMap<string, unknown>): void {
    for (const [key, value] of found) {
      if (!(key in commonArguments)) continue
      if (key === 'debugTopics') this.#topics = [...this.#topics, ...(value as readonly unknown[])]
      else this.#common[key] = value
    }
  }

  #commonOptions(): CommonOptions {
    const defaults = Object.entries(commonArguments).map(([key, argument]) => [key, argument.initial])
    const { help: _, ...common } = { ...Object.fromEntries(defaults), ...this.#common, debugTopics: this.#topics }
    // Each value came out of its own argument's type, or is that argument's initial value.
    return common as unknown as CommonOptions
  }
}

function unrecognized(words: readonly Word[]): UsageError {
  return new UsageError(`unrecognized arguments: ${words.map((word) => word.text).join(' ')}`)
}

interface Root {
  readonly path: string
  readonly at: number
}

/** Values of one level as they come in. */
class Values {
  readonly found = new Map<string, unknown>()
  readonly #args: Arguments
  readonly #words: readonly string[]
  readonly #context: ValueContext
  readonly #exclusive: readonly (readonly string[])[]
  readonly #spelled = new Map<string, string>()
  readonly #roots: Root[] = []
  readonly #paths: Root[] = []

  constructor(
    args: Arguments,
    words: readonly string[],
    context: ValueContext,
    exclusive?: readonly (readonly string[])[],
  ) {
    this.#args = args
    this.#words = words
    this.#context = context
    this.#exclusive = exclusive ?? []
  }

  use(use: Use, words: readonly string[]): void {
    const { key, argument, spelling } = use
    if (key === 'help') throw new Stop({ kind: 'help', words })
    if (key === 'version') throw new Stop({ kind: 'version' })
    const name = displayName(argument, spelling)
    this.#refuseExclusive(key, name)
    if (argument.once === true && this.found.has(key)) throw this.#problem(name, 'There can be only one.')
    this.#spelled.set(key, name)
    if (argument.sum === 'count') this.found.set(key, Number(this.found.get(key) ?? 0) + 1)
    else if (argument.sum === 'rules') this.#addRules(use, name)
    else if (argument.arity === 'none') this.found.set(key, spelling.constant)
    else this.#store(key, argument, this.#convert(argument, name, use.value?.text ?? argument.bare ?? ''))
  }

  put(key: string, argument: Argument<unknown>, word: Word | undefined): void {
    if (word === undefined) {
      if (argument.initialText !== undefined)
        this.found.set(key, this.#convert(argument, argument.metavar, argument.initialText))
      return
    }
    const value = this.#convert(argument, argument.metavar, word.text)
    if (argument.roots === undefined) this.#store(key, argument, value)
    else this.#paths.push({ path: word.text, at: word.at })
  }

  isReplaced(argument: Argument<unknown>): boolean {
    return argument.replacedBy !== undefined && this.found.has(argument.replacedBy)
  }

  /** @throws UsageError when something required is missing. */
  finish(): void {
    for (const [key, argument] of Object.entries(this.#args)) {
      if (argument.roots === undefined) continue
      // argparse puts PATHs in the place of what came before them; only "create" collects both.
      const from = argument.roots === 'mixed' ? 0 : (this.#paths[0]?.at ?? 0)
      const roots = this.#roots.filter((root) => root.at >= from)
      const inOrder = [...this.#paths, ...roots].sort((a, b) => a.at - b.at)
      this.found.set(
        key,
        inOrder.map((root) => root.path),
      )
    }
    const missing = Object.entries(this.#args).filter(
      ([key, argument]) => !this.found.has(key) && isRequired(argument) && !this.isReplaced(argument),
    )
    if (missing.length === 0) return
    const names = missing.map(([, argument]) => displayName(argument)).join(', ')
    throw new UsageError(`the following arguments are required: ${names}`, this.#words)
  }

  complete(args: Arguments): Readonly<Record<string, unknown>> {
    const entries = Object.entries(args).map(([key, argument]) => [
      key,
      this.found.has(key) ? this.found.get(key) : argument.initial,
    ])
    return Object.fromEntries(entries)
  }

  #store(key: string, argument: Argument<unknown>, value: unknown): void {
    if (argument.sum !== 'list') this.found.set(key, value)
    else this.found.set(key, [...((this.found.get(key) as readonly unknown[] | undefined) ?? []), value])
  }

  #addRules(use: Use, name: string): void {
    const read = fileRules[use.spelling.rule ?? 'pattern']
    const rules: Rules = this.#guard(
      name,
      use.spelling.rule === 'exclude' ? 'parse_exclude_pattern' : 'str',
      use.value?.text ?? '',
      () => read(use.value?.text ?? '', this.#context),
    )
    for (const path of rules.roots) this.#roots.push({ path, at: use.at })
    const before = (this.found.get(use.key) as readonly unknown[] | undefined) ?? []
    this.found.set(use.key, [...before, ...rules.patterns])
  }

  #refuseExclusive(key: string, name: string): void {
    for (const group of this.#exclusive) {
      if (!group.includes(key)) continue
      for (const other of group) {
        const spelled = this.#spelled.get(other)
        if (other !== key && spelled !== undefined) throw this.#problem(name, `not allowed with argument ${spelled}`)
      }
    }
  }

  #convert(argument: Argument<unknown>, name: string, text: string): unknown {
    const value = this.#guard(name, argument.type.name, text, () => argument.type.parse(text, this.#context))
    if (argument.choices === undefined || argument.choices.includes(text)) return value
    throw this.#problem(name, choiceProblem(text, argument.choices))
  }

  #guard<T>(name: string, typeName: string, text: string, convert: () => T): T {
    try {
      return convert()
    } catch (error) {
      if (error instanceof BadValue) throw this.#problem(name, `invalid ${typeName} value: ${quoted(text)}`)
      if (error instanceof RuleError) throw error
      if (isBorgError(error, 'CommandError')) throw this.#problem(name, error.args[0])
      throw error
    }
  }

  #problem(name: string, text: string): UsageError {
    return new UsageError(`argument ${name}: ${text}`, this.#words)
  }
}

function isRequired(argument: Argument<unknown>): boolean {
  if (argument.required === true) return true
  return argument.positional && (argument.arity === 'one' || argument.arity === 'some')
}

function quoted(text: string): string {
  return text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", "\\'")}'`
}
