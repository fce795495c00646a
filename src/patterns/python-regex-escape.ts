/**
 * Backslash escapes of Python's `re` that stand for one character, inside and outside of classes.
 * Source: Python documentation, library/re.
 */
const named: Readonly<Record<string, string>> = { a: '\x07', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }
const hexDigits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }

/** `at` is behind the backslash. @throws SyntaxError for escapes that Python refuses. */
export function readCharacterEscape(characters: readonly string[], at: number): { character: string; end: number } {
  const letter = characters[at] ?? ''
  const digits = hexDigits[letter]
  if (digits !== undefined) {
    const hex = characters.slice(at + 1, at + 1 + digits).join('')
    if (hex.length !== digits || !/^[0-9a-fA-F]+$/.test(hex))
      throw new SyntaxError(`incomplete escape \\${letter}${hex}`)
    const code = Number.parseInt(hex, 16)
    if (code > 0x10ffff) throw new SyntaxError(`bad escape \\${letter}${hex}`)
    return { character: String.fromCodePoint(code), end: at + 1 + digits }
  }
  const octal = /^(?:0[0-7]{0,2}|[0-7]{3})/.exec(characters.slice(at, at + 3).join(''))?.[0]
  if (octal !== undefined) {
    const code = Number.parseInt(octal, 8)
    if (code > 0o377) throw new SyntaxError(`octal escape value \\${octal} outside of range 0-0o377`)
    return { character: String.fromCodePoint(code), end: at + octal.length }
  }
  const known = named[letter]
  if (known !== undefined) return { character: known, end: at + 1 }
  if (letter === '' || /[0-9A-Za-z]/.test(letter)) throw new SyntaxError(`bad escape \\${letter}`)
  return { character: letter, end: at + 1 }
}
