/**
 * One level of the command line: the main program, a group ('key'), or a command.
 *
 * Follows Python's argparse in what counts as an option, in abbreviations, bundles and negative numbers; is more tolerant
 * in one thing: options may also stand between positionals.
 * Source: Python documentation, argparse; CLI contract "Parsing", compared with borg.
 */
import type { Argument, Arguments, Spelling } from './argument.ts'
import { UsageError } from './usage-error.ts'

/** A word and where it stood, counted from the start of the whole command line. */
export interface Word {
  readonly text: string
  readonly at: number
}

/** A use of an option, not yet converted. */
export interface Use {
  readonly key: string
  readonly argument: Argument<unknown>
  readonly spelling: Spelling
  /** Undefined for options without a value, and for an optional value that was left out. */
  readonly value: Word | undefined
  readonly at: number
}

export interface Known {
  readonly key: string
  readonly argument: Argument<unknown>
  readonly spelling: Spelling
}

type Classified = { readonly kind: 'positional' } | ({ readonly kind: 'option' } & Fit) | { readonly kind: 'unknown' }

export type OptionIndex = ReadonlyMap<string, Known>

export function indexOptions(args: Arguments): OptionIndex {
  const index = new Map<string, Known>()
  for (const [key, argument] of Object.entries(args)) {
    for (const spelling of argument.spellings) {
      for (const name of spelling.options) index.set(name, { key, argument, spelling })
    }
  }
  return index
}

interface Fit {
  readonly name: string
  readonly known: Known
  /** Behind '=', or glued to a short option. */
  readonly attached: string | undefined
}

/** How argparse names an argument in errors: '-C/--compression', or the metavar of a positional. */
export function displayName(argument: Argument<unknown>, spelling?: Spelling): string {
  return argument.positional ? argument.metavar : ((spelling ?? argument.spellings[0])?.options.join('/') ?? '')
}

/** @throws UsageError when a prefix fits several options. */
export function classify(text: string, index: OptionIndex, words: readonly string[]): Classified {
  if (!text.startsWith('-')) return { kind: 'positional' }
  const exact = index.get(text)
  if (exact !== undefined) return { kind: 'option', name: text, known: exact, attached: undefined }
  if (text === '-') return { kind: 'positional' }
  const equals = text.indexOf('=')
  const beforeEquals = equals < 0 ? undefined : index.get(text.slice(0, equals))
  if (beforeEquals !== undefined) {
    return { kind: 'option', name: text.slice(0, equals), known: beforeEquals, attached: text.slice(equals + 1) }
  }
  const fits = abbreviations(text, index)
  if (fits.length > 1) {
    throw new UsageError(`ambiguous option: ${text} could match ${fits.map((fit) => fit.name).join(', ')}`, words)
  }
  const only = fits[0]
  if (only !== undefined) return { kind: 'option', ...only }
  if (/^-\d+$|^-\d*\.\d+$/.test(text) || text.includes(' ')) return { kind: 'positional' }
  return { kind: 'unknown' }
}

function abbreviations(text: string, index: OptionIndex): readonly Fit[] {
  const fits: Fit[] = []
  const equals = text.indexOf('=')
  const prefix = text.startsWith('--') && equals >= 0 ? text.slice(0, equals) : text
  const attached = text.startsWith('--') && equals >= 0 ? text.slice(equals + 1) : undefined
  for (const [name, known] of index) {
    if (!text.startsWith('--') && name === text.slice(0, 2)) fits.push({ name, known, attached: text.slice(2) })
    else if (name.startsWith(prefix)) fits.push({ name, known, attached })
  }
  return fits
}

export interface Read {
  readonly uses: readonly Use[]
  readonly positionals: readonly Word[]
  readonly unknown: readonly Word[]
  /** What is left when reading stopped at the first positional. */
  readonly rest: readonly Word[]
}

export interface ReadSettings {
  readonly words: readonly string[]
  /** For levels above a command: its name is the first positional, and the rest is not theirs. */
  readonly stopAt?: 'first-positional' | undefined
  /** After so many positionals everything that follows is positional too (with-lock). */
  readonly rawAfter?: number | undefined
  /** Told of every use as it is read, so that --help and --version act at their place. */
  readonly onUse: (use: Use) => void
  readonly onNotice: (notice: string) => void
}

/** Sorts words into uses of options and positionals. @throws UsageError */
export function readLevel(line: readonly Word[], index: OptionIndex, settings: ReadSettings): Read {
  const uses: Use[] = []
  const positionals: Word[] = []
  const unknown: Word[] = []
  const separator = line.findIndex((word) => word.text === '--')
  const kindAt = (at: number): Kind | undefined => {
    const word = line[at]
    if (word === undefined) return undefined
    if (separator >= 0 && at >= separator) return at === separator ? 'separator' : { kind: 'positional' }
    return classify(word.text, index, settings.words)
  }
  for (let at = 0; at < line.length; ) {
    const word = line[at]!
    if (settings.rawAfter !== undefined && positionals.length >= settings.rawAfter) {
      positionals.push(...line.slice(at))
      break
    }
    const kind = kindAt(at)!
    if (kind === 'separator') {
      at += 1
    } else if (kind.kind === 'positional') {
      if (settings.stopAt === 'first-positional')
        return { uses, positionals: [word], unknown, rest: line.slice(at + 1) }
      positionals.push(word)
      at += 1
    } else if (kind.kind === 'unknown') {
      unknown.push(word)
      at += 1
    } else {
      at = readOption({ line, kindAt, at, option: kind, index, settings, uses })
    }
  }
  return { uses, positionals, unknown, rest: [] }
}

/** The first '--' ends options and is no word itself. */
type Kind = Classified | 'separator'

/** argparse shows the whole line to every level, so an abbreviation must be clear to the levels above a command as well. */
export function refuseAmbiguous(line: readonly Word[], index: OptionIndex, words: readonly string[]): void {
  for (const word of line) {
    if (word.text === '--') return
    classify(word.text, index, words)
  }
}

interface Cursor {
  readonly line: readonly Word[]
  readonly kindAt: (at: number) => Kind | undefined
  readonly at: number
  readonly option: Fit
  readonly index: OptionIndex
  readonly settings: ReadSettings
  readonly uses: Use[]
}

/** Reads one option word, which may be a bundle, and its value. Returns the index of the word after. */
function readOption(cursor: Cursor): number {
  const { line, at, settings, uses } = cursor
  const { text, at: place } = line[at]!
  const bundle: Fit[] = []
  let option = cursor.option
  while (option.known.argument.arity === 'none' && option.attached !== undefined) {
    bundle.push(option)
    option = nextOfBundle(option, cursor)
  }
  const next = cursor.kindAt(at + 1)
  const takesNext =
    option.attached === undefined &&
    option.known.argument.arity !== 'none' &&
    next !== undefined &&
    next !== 'separator' &&
    next.kind === 'positional' &&
    (option.known.argument.takes?.test(line[at + 1]?.text ?? '') ?? true)
  const value =
    option.attached === undefined ? (takesNext ? line[at + 1] : undefined) : { text: option.attached, at: place }
  if (value === undefined && option.known.argument.arity === 'one') {
    const { rule = 'exclude' } = option.known.spelling
    throw optionError(option, `expected ${rule === 'exclude' ? 'one' : '1'} argument`, settings)
  }
  // Nothing is done before the whole word is understood: '-Vz' is an error, not the version.
  for (const fit of [...bundle, option]) {
    const { argument, spelling, key } = fit.known
    if (spelling.notice !== undefined && isNoticed(fit, text)) settings.onNotice(spelling.notice)
    const use: Use = { key, argument, spelling, value: fit === option ? value : undefined, at: place }
    uses.push(use)
    settings.onUse(use)
  }
  return at + (takesNext ? 2 : 1)
}

/** Old spellings are complained about when they are written in full. */
function isNoticed({ name, known }: Fit, text: string): boolean {
  return (known.spelling.noticeFor ?? name) === name && text.startsWith(name)
}

/** '-sn' is '-s -n', '-pC lz4' is '-p -C lz4'. */
function nextOfBundle(option: Fit, { index, settings }: Cursor): Fit {
  const attached = option.attached ?? ''
  const name = `-${attached.slice(0, 1)}`
  const known = option.name.startsWith('--') || attached === '' ? undefined : index.get(name)
  if (known === undefined) throw optionError(option, `ignored explicit argument '${attached}'`, settings)
  return { name, known, attached: attached.length > 1 ? attached.slice(1) : undefined }
}

function optionError(option: Fit, problem: string, settings: ReadSettings): UsageError {
  const { argument, spelling } = option.known
  return new UsageError(`argument ${displayName(argument, spelling)}: ${problem}`, settings.words)
}
