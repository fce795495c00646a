/**
 * Python's `re` syntax as a JavaScript RegExp.
 *
 * The subset people write in backup patterns, in Python's Unicode semantics (\w, \d, \s, \b know all scripts). All groups
 * become named ones ('g1', 'g2' ...), so that helper groups for atomic constructs do not shift numbers.
 * Not translated, hence refused: conditionals '(?(1)...)', '\N{...}', the flags 'a' and 'L', and 'i' for a mere part. Known difference: a
 * reference to a group that took no part fails in Python and matches nothing here.
 * Source: Python documentation, library/re; fixtures/cli/patterns-vectors.json.
 */
import { BorgError } from '../base/errors.ts'
import { type ClassItem, classSource, parseClass, shorthand } from './python-regex-class.ts'
import { readCharacterEscape } from './python-regex-escape.ts'
import { escapeCharacter } from './shell-pattern.ts'

/** Searches anywhere in the text. @throws BorgError 'Error' for what Python refuses, and for what we cannot translate. */
export function compilePythonRegex(pattern: string): RegExp {
  try {
    const translation = new Translator(pattern)
    return new RegExp(translation.run(), translation.ignoreCase ? 'iu' : 'u')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new BorgError('Error', [`invalid regular expression '${pattern}': ${error.message}`], { cause: error })
  }
}

interface Flags {
  ignoreCase: boolean
  multiLine: boolean
  dotAll: boolean
  verbose: boolean
}

const start = '(?<![\\s\\S])'
const end = '(?![\\s\\S])'
const lineStart = '(?<![^\\n])'
const lineEnd = '(?![^\\n])'
const lastLineEnd = `(?=\\n?${end})`
const word = '[\\p{L}\\p{N}_]'
const boundary = `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`
/** Python's \\B does not match the empty text. */
const notBoundary = `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word})(?!${start}${end}))`
const anchors: ReadonlySet<string> = new Set([start, end, lineStart, lineEnd, lastLineEnd, boundary, notBoundary])
/** '{}' and '{x' are ordinary characters. */
const braces = /^\{(?!\})(\d*)(,?)(\d*)\}/

class Translator {
  readonly #characters: readonly string[]
  #at = 0
  #groups = 0
  #helpers = 0
  readonly #open = new Set<number>()
  readonly #names = new Map<string, number>()
  readonly #flags: Flags = { ignoreCase: false, multiLine: false, dotAll: false, verbose: false }

  constructor(pattern: string) {
    this.#characters = Array.from(pattern)
  }

  get ignoreCase(): boolean {
    return this.#flags.ignoreCase
  }

  run(): string {
    this.#globalFlags()
    const source = this.#alternatives()
    if (this.#at < this.#characters.length) throw new SyntaxError('unbalanced parenthesis')
    return source
  }

  #peek(ahead = 0): string | undefined {
    return this.#characters[this.#at + ahead]
  }

  #take(text: string): boolean {
    for (const [offset, character] of Array.from(text).entries()) {
      if (this.#characters[this.#at + offset] !== character) return false
    }
    this.#at += text.length
    return true
  }

  #takeUntil(stop: string): string {
    const from = this.#at
    while (this.#at < this.#characters.length && this.#peek() !== stop) this.#at += 1
    if (this.#at >= this.#characters.length) throw new SyntaxError(`missing ${stop}, unterminated name`)
    const text = this.#characters.slice(from, this.#at).join('')
    this.#at += 1
    return text
  }

  /** '(?i)' and the like, which Python allows at the very start only. */
  #globalFlags(): void {
    for (;;) {
      const match = /^\(\?([aiLmsux]+)\)/.exec(this.#characters.slice(this.#at).join(''))
      if (match === null) return
      for (const letter of match[1] ?? '') setFlag(this.#flags, letter, true)
      this.#at += match[0].length
    }
  }

  #alternatives(): string {
    let source = ''
    for (;;) {
      const character = this.#peek()
      if (character === undefined || character === ')') return source
      if (character === '|') {
        source += '|'
        this.#at += 1
      } else {
        source += this.#quantified()
      }
    }
  }

  #quantified(): string {
    if (this.#skipComment() || (this.#flags.verbose && this.#skipLayout())) return ''
    const atom = this.#atom()
    while (this.#skipComment() || (this.#flags.verbose && this.#skipLayout()));
    const quantifier = this.#quantifier()
    if (quantifier === undefined) return atom
    if (atom === '' || anchors.has(atom)) throw new SyntaxError('nothing to repeat')
    const repeated = `(?:${atom})${quantifier}`
    if (this.#take('+')) return this.#atomic(repeated)
    const lazy = this.#take('?') ? '?' : ''
    if (this.#quantifier() !== undefined) throw new SyntaxError('multiple repeat')
    return repeated + lazy
  }

  /** '(?#...)' may stand anywhere, also between an atom and its quantifier. */
  #skipComment(): boolean {
    if (!this.#take('(?#')) return false
    this.#takeUntil(')')
    return true
  }

  #skipLayout(): boolean {
    const character = this.#peek()
    if (character === undefined) return false
    if (/\s/.test(character)) {
      this.#at += 1
      return true
    }
    if (character !== '#') return false
    while (this.#at < this.#characters.length && this.#peek() !== '\n') this.#at += 1
    return true
  }

  /** Whether the brace just taken opens a quantifier. */
  #isQuantifier(): boolean {
    return braces.test(`{${this.#characters.slice(this.#at).join('')}`)
  }

  /** Undefined when none follows; a brace that is no quantifier is an ordinary character. */
  #quantifier(): string | undefined {
    const character = this.#peek()
    if (character === '*' || character === '+' || character === '?') {
      this.#at += 1
      return character
    }
    if (character !== '{') return undefined
    const match = braces.exec(this.#characters.slice(this.#at).join(''))
    if (match === null) return undefined
    this.#at += match[0].length
    return `{${match[1] || '0'}${match[2]}${match[3]}}`
  }

  #atom(): string {
    const character = this.#peek() ?? ''
    this.#at += 1
    switch (character) {
      case '.':
        return this.#flags.dotAll ? '[\\s\\S]' : '[^\\n]'
      case '^':
        return this.#flags.multiLine ? lineStart : start
      case '$':
        return this.#flags.multiLine ? lineEnd : lastLineEnd
      case '(':
        return this.#group()
      case '[':
        return this.#class()
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
      case '{':
        if (character === '{' && !this.#isQuantifier()) return '\\{'
        throw new SyntaxError('nothing to repeat')
      default:
        return escapeCharacter(character)
    }
  }

  #class(): string {
    const parsed = parseClass(this.#characters, this.#at)
    this.#at = parsed.end
    return classSource(parsed.items, parsed.negated)
  }

  #escape(): string {
    const character = this.#peek()
    if (character === undefined) throw new SyntaxError('bad escape (end of pattern)')
    const rest = this.#characters.slice(this.#at).join('')
    const reference = /^[1-9]\d?/.exec(rest)?.[0]
    if (reference !== undefined && !/^[0-3][0-7]{2}/.test(rest)) {
      this.#at += reference.length
      return this.#reference(Number(reference))
    }
    const shorthandClass: ClassItem | undefined = shorthand(character)
    if (shorthandClass !== undefined) {
      this.#at += 1
      return classSource([shorthandClass], false)
    }
    switch (character) {
      case 'A':
        this.#at += 1
        return start
      case 'Z':
        this.#at += 1
        return end
      case 'b':
        this.#at += 1
        return boundary
      case 'B':
        this.#at += 1
        return notBoundary
      default: {
        const plain = readCharacterEscape(this.#characters, this.#at)
        this.#at = plain.end
        return escapeCharacter(plain.character)
      }
    }
  }

  #reference(group: number): string {
    if (group > this.#groups) throw new SyntaxError(`invalid group reference ${group}`)
    if (this.#open.has(group)) throw new SyntaxError('cannot refer to an open group')
    return `\\k<g${group}>`
  }

  #group(): string {
    if (!this.#take('?')) return this.#capture(undefined)
    if (this.#take('P<')) return this.#capture(this.#groupName(this.#takeUntil('>')))
    if (this.#take('P=')) {
      const name = this.#takeUntil(')')
      const group = this.#names.get(name)
      if (group === undefined) throw new SyntaxError(`unknown group name '${name}'`)
      return this.#reference(group)
    }
    if (this.#take(':')) return this.#closed('(?:')
    if (this.#take('>')) return this.#atomic(this.#closed('(?:'))
    for (const look of ['?=', '?!', '?<=', '?<!']) {
      if (this.#take(look.slice(1))) return `(?:${this.#closed(`(${look}`)})`
    }
    return this.#flagGroup()
  }

  #groupName(name: string): string {
    if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)) throw new SyntaxError(`bad character in group name '${name}'`)
    if (this.#names.has(name)) throw new SyntaxError(`redefinition of group name '${name}'`)
    return name
  }

  #capture(name: string | undefined): string {
    this.#groups += 1
    const number = this.#groups
    if (name !== undefined) this.#names.set(name, number)
    this.#open.add(number)
    const source = this.#closed(`(?<g${number}>`)
    this.#open.delete(number)
    return source
  }

  #closed(open: string): string {
    const source = this.#alternatives()
    if (!this.#take(')')) throw new SyntaxError('missing ), unterminated subpattern')
    return `${open}${source})`
  }

  /** What a lookahead has found is not tried again: the usual way to say "atomic" here. */
  #atomic(source: string): string {
    this.#helpers += 1
    return `(?:(?=(?<h${this.#helpers}>${source}))\\k<h${this.#helpers}>)`
  }

  /** '(?ms-i:...)' */
  #flagGroup(): string {
    const match = /^([aiLmsux]*)(?:-([imsx]+))?:/.exec(this.#characters.slice(this.#at).join(''))
    if (match === null) throw new SyntaxError('unknown extension, or global flags not at the start of the expression')
    this.#at += match[0].length
    const before = { ...this.#flags }
    for (const letter of match[1] ?? '') setFlag(this.#flags, letter, true)
    for (const letter of match[2] ?? '') setFlag(this.#flags, letter, false)
    if (this.#flags.ignoreCase !== before.ignoreCase) {
      throw new SyntaxError("the flag 'i' for a part of the expression is not supported")
    }
    const source = this.#closed('(?:')
    Object.assign(this.#flags, before)
    return source
  }
}

function setFlag(flags: Flags, letter: string, value: boolean): void {
  if (letter === 'i') flags.ignoreCase = value
  else if (letter === 'm') flags.multiLine = value
  else if (letter === 's') flags.dotAll = value
  else if (letter === 'x') flags.verbose = value
  else if (letter !== 'u') throw new SyntaxError(`the flag '${letter}' is not supported`)
}
