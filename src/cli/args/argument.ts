/**
 * What a command takes, as data: tables of arguments that carry the types of their values.
 *
 * A table is written with the makers below; `ArgsOf<typeof table>` is what its command gets. Help, usage and parser all
 * read the same table.
 */
import type { FileRules } from './rules.ts'
import type { ValueType } from './value-type.ts'

/** One way to spell an option; an argument may have several that mean different values ('--info', '--debug'). */
export interface Spelling {
  /** All names, as in '-s', '--stats'. */
  readonly options: readonly string[]
  readonly help: string
  /** What the option means when it takes no value. */
  readonly constant?: unknown
  readonly metavar?: string
  /** Said on stderr when one of `noticeFor` (default all names) is used in full. */
  readonly notice?: string
  readonly noticeFor?: string
  /** Which of the pattern options this is. */
  readonly rule?: keyof FileRules
}

export type Arity = 'none' | 'one' | 'optional' | 'any' | 'some' | 'rest'

export interface Argument<T> {
  /** Empty for a positional. */
  readonly spellings: readonly Spelling[]
  readonly positional: boolean
  readonly arity: Arity
  /** How values add up: the last wins, all are kept, uses are counted, or they are rules in the order given. */
  readonly sum: 'last' | 'list' | 'count' | 'rules'
  readonly metavar: string
  readonly help: string
  readonly type: ValueType<unknown>
  /** The value when the argument is not used. */
  readonly initial: T
  /** As if the user had written this; parsed like anything else. */
  readonly initialText?: string | undefined
  /** For an option with an optional value: what it means without. */
  readonly bare?: string | undefined
  /** What an optional value looks like: other words after the option are not its value. */
  readonly takes?: RegExp | undefined
  readonly choices?: readonly string[] | undefined
  readonly once?: boolean | undefined
  readonly required?: boolean | undefined
  /** A positional there is no place for when this argument (its key in the table) is used. */
  readonly replacedBy?: string | undefined
  /** A list of paths that takes up 'R' lines of pattern options: between them in order, or instead of those in front. */
  readonly roots?: 'mixed' | 'instead' | undefined
}

export type Arguments = Readonly<Record<string, Argument<unknown>>>

export type ArgsOf<Table extends { readonly arguments: Arguments }> = {
  readonly [Key in keyof Table['arguments']]: Table['arguments'][Key] extends Argument<infer T> ? T : never
}

export interface CommandTable<A extends Arguments = Arguments> {
  /** 'create', 'key export' */
  readonly name: string
  /** Under the usage line of `--help`. */
  readonly description: string
  readonly arguments: A
  /** Groups of argument names of which only one may be used. */
  readonly exclusive?: readonly (readonly string[])[]
  readonly mayBypassLock?: boolean
}

export function commandTable<const A extends Arguments>(table: CommandTable<A>): CommandTable<A> {
  return table
}

const asText: ValueType<string> = { name: 'str', parse: (text) => text }
const base = { positional: false, metavar: '', required: false, once: false } as const

/** An option without a value: false unless used. */
export function flag(options: string, help: string, old?: { option: string; notice: string }): Argument<boolean> {
  const spellings: Spelling[] = [{ options: options.split(' '), help, constant: true }]
  if (old) spellings.push({ options: [old.option], help: 'old spelling', constant: true, notice: old.notice })
  return { ...base, spellings, arity: 'none', sum: 'last', help, type: asText, initial: false }
}

/** A flag that still works, and says that it should not be used. */
export function outdatedFlag(options: string, help: string, notice: string): Argument<boolean> {
  const spelling: Spelling = { options: options.split(' '), help, constant: true, notice }
  return { ...base, spellings: [spelling], arity: 'none', sum: 'last', help, type: asText, initial: false }
}

/** An option that says more when repeated. */
export function counted(options: string, help: string): Argument<number> {
  return {
    ...base,
    spellings: [{ options: options.split(' '), help }],
    arity: 'none',
    sum: 'count',
    help,
    type: asText,
    initial: 0,
  }
}

/** Several options without values that set one thing. */
export function oneOf<const T>(
  initial: T,
  spellings: readonly { options: string; help: string; means: T }[],
): Argument<T> {
  return {
    ...base,
    spellings: spellings.map(({ options, help, means }) => ({ options: options.split(' '), help, constant: means })),
    arity: 'none',
    sum: 'last',
    help: '',
    type: asText,
    initial,
  }
}

export interface ValueSettings {
  readonly once?: boolean
  readonly required?: boolean
  readonly choices?: readonly string[]
  readonly bare?: string
  readonly takes?: RegExp
  readonly notice?: { readonly for: string; readonly text: string }
  readonly old?: { readonly option: string; readonly notice: string }
}

/** An option with a value. */
export function value<T, const I>(
  options: string,
  metavar: string,
  type: ValueType<T>,
  initial: I,
  help: string,
  settings: ValueSettings = {},
): Argument<T | I> {
  const { notice, old, bare, ...rest } = settings
  const noticed = notice === undefined ? {} : { notice: notice.text, noticeFor: notice.for }
  const spellings: Spelling[] = [{ options: options.split(' '), help, ...noticed }]
  if (old) spellings.push({ options: [old.option], help: 'old spelling', notice: old.notice })
  const arity = bare === undefined ? 'one' : 'optional'
  return { ...base, spellings, arity, sum: 'last', metavar, help, type, initial, bare, ...rest }
}

/** An option with a value that may be repeated. */
export function values<T>(options: string, metavar: string, type: ValueType<T>, help: string): Argument<readonly T[]> {
  return {
    ...base,
    spellings: [{ options: options.split(' '), help }],
    arity: 'one',
    sum: 'list',
    metavar,
    help,
    type,
    initial: [],
  }
}

export function positional<T>(metavar: string, type: ValueType<T>, help: string): Argument<T> {
  // A required positional has no initial value: the parser refuses the command line before anybody could see it.
  return {
    ...base,
    spellings: [],
    positional: true,
    arity: 'one',
    sum: 'last',
    metavar,
    help,
    type,
    initial: undefined as T,
  }
}

/** A positional that is required unless the argument `replacedBy` is used; then it takes no word. */
export function replaceable<T>(
  metavar: string,
  type: ValueType<T>,
  replacedBy: string,
  help: string,
): Argument<T | undefined> {
  return { ...positional<T | undefined>(metavar, type, help), replacedBy }
}

/** A positional that may be missing; with `initialText`, as if that had been written. */
export function optional<T>(metavar: string, type: ValueType<T>, help: string): Argument<T | undefined> {
  return {
    ...base,
    spellings: [],
    positional: true,
    arity: 'optional',
    sum: 'last',
    metavar,
    help,
    type,
    initial: undefined,
  }
}

export function defaulted<T>(metavar: string, type: ValueType<T>, initialText: string, help: string): Argument<T> {
  return { ...positional(metavar, type, help), arity: 'optional', initialText }
}

export function positionals<T>(
  metavar: string,
  type: ValueType<T>,
  help: string,
  settings: { readonly arity?: 'any' | 'some' | 'rest'; readonly roots?: 'mixed' | 'instead' } = {},
): Argument<readonly T[]> {
  const arity = settings.arity ?? 'any'
  return {
    ...base,
    spellings: [],
    positional: true,
    arity,
    sum: 'list',
    metavar,
    help,
    type,
    initial: [],
    roots: settings.roots,
  }
}
