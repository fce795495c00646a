/**
 * Character classes of Python's `re`: '[...]' and the shorthands \w \d \s, in Unicode.
 * Source: Python documentation, library/re; str.isalnum, str.isdecimal, str.isspace.
 */
import { readCharacterEscape } from './python-regex-escape.ts'
import { escapeCharacter } from './shell-pattern.ts'

/** What may stand inside '[...]': the source of members, or of everything but them. */
export interface ClassItem {
  readonly members: string
  readonly inverted: boolean
}

const shorthands: Readonly<Record<string, string>> = {
  w: '\\p{L}\\p{N}_',
  d: '\\p{Nd}',
  s: '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000',
}

export function shorthand(letter: string): ClassItem | undefined {
  const members = shorthands[letter.toLowerCase()]
  return members === undefined ? undefined : { members, inverted: letter !== letter.toLowerCase() }
}

export interface ParsedClass {
  readonly items: readonly ClassItem[]
  readonly negated: boolean
  /** Index behind the closing ']'. */
  readonly end: number
}

/** `at` is behind the opening '['. @throws SyntaxError */
export function parseClass(characters: readonly string[], at: number): ParsedClass {
  const negated = characters[at] === '^'
  const first = negated ? at + 1 : at
  const items: ClassItem[] = []
  for (let position = first; ; ) {
    const character = characters[position]
    if (character === undefined) throw new SyntaxError('unterminated character set')
    if (character === ']' && position > first) return { items, negated, end: position + 1 }
    const low = readMember(characters, position)
    position = low.end
    const next = characters[position + 1]
    if (characters[position] !== '-' || next === undefined || next === ']') {
      items.push(low.item)
      continue
    }
    const high = readMember(characters, position + 1)
    position = high.end
    items.push(range(low, high))
  }
}

/** One RegExp atom that matches exactly one character. */
export function classSource(items: readonly ClassItem[], negated: boolean): string {
  const plain = items.filter((item) => !item.inverted).map((item) => item.members)
  const inverted = items.filter((item) => item.inverted).map((item) => `[^${item.members}]`)
  const members = plain.join('')
  if (inverted.length === 0) return `[${negated ? '^' : ''}${members}]`
  const choices = members === '' ? inverted : [`[${members}]`, ...inverted]
  if (!negated) return choices.length === 1 ? (choices[0] ?? '') : `(?:${choices.join('|')})`
  return `(?:(?!${choices.join('|')})[\\s\\S])`
}

interface Member {
  readonly item: ClassItem
  /** Undefined for a shorthand, which cannot bound a range. */
  readonly character: string | undefined
  readonly end: number
}

function readMember(characters: readonly string[], at: number): Member {
  const character = characters[at] ?? ''
  if (character !== '\\') return member(character, at + 1)
  const letter = characters[at + 1] ?? ''
  const short = shorthand(letter)
  if (short !== undefined) return { item: short, character: undefined, end: at + 2 }
  if (letter === 'b') return member('\b', at + 2)
  const plain = readCharacterEscape(characters, at + 1)
  return member(plain.character, plain.end)
}

function member(character: string, end: number): Member {
  return { item: { members: escapeCharacter(character), inverted: false }, character, end }
}

function range(low: Member, high: Member): ClassItem {
  if (
    low.character === undefined ||
    high.character === undefined ||
    low.character.codePointAt(0)! > high.character.codePointAt(0)!
  ) {
    throw new SyntaxError('bad character range')
  }
  return { members: `${escapeCharacter(low.character)}-${escapeCharacter(high.character)}`, inverted: false }
}
