/**
 * Python's str.format: the language of placeholders and of `list --format`.
 *
 * Fields are looked up by their whole name; there are no positional fields and no attributes. Texts of errors are
 * Python's, because users see them.
 * Source: Python documentation, "Format String Syntax"; fixtures/cli/format-vectors.json.
 */
import { formatInteger, formatText, PythonFormatError } from './python-format-spec.ts'

export { PythonFormatError } from './python-format-spec.ts'

export type FormatPart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'field'; readonly name: string; readonly conversion: string | undefined; readonly spec: string }

/** What a field may hold: text, an integer, or something that reads the spec in its own way (times). */
export type FormatValue = string | number | bigint | { format(spec: string): string }

/** @throws PythonFormatError */
export function parsePythonFormat(format: string): readonly FormatPart[] {
  const parts: FormatPart[] = []
  let literal = ''
  for (let at = 0; at < format.length; ) {
    const character = format[at] ?? ''
    if (character !== '{' && character !== '}') {
      literal += character
      at += 1
    } else if (format[at + 1] === character) {
      literal += character
      at += 2
    } else if (character === '}' || at + 1 === format.length) {
      throw new PythonFormatError('ValueError', `Single '${character}' encountered in format string`)
    } else {
      if (literal !== '') parts.push({ kind: 'literal', text: literal })
      literal = ''
      const { part, end } = readField(format, at + 1)
      parts.push(part)
      at = end
    }
  }
  if (literal !== '') parts.push({ kind: 'literal', text: literal })
  return parts
}

/** Names of all fields, also of those nested in specs; each once, in order. */
export function fieldNames(parts: readonly FormatPart[]): readonly string[] {
  const names = new Set<string>()
  for (const part of parts) {
    if (part.kind === 'literal') continue
    names.add(part.name)
    if (part.spec.includes('{')) for (const name of fieldNames(parsePythonFormat(part.spec))) names.add(name)
  }
  return [...names]
}

/** @throws PythonFormatError 'KeyError' where `lookup` has nothing, 'ValueError' for specs that do not fit. */
export function renderPythonFormat(
  parts: readonly FormatPart[],
  lookup: (name: string) => FormatValue | undefined,
): string {
  let text = ''
  for (const part of parts) {
    if (part.kind === 'literal') {
      text += part.text
      continue
    }
    const spec = part.spec.includes('{') ? renderPythonFormat(parsePythonFormat(part.spec), lookup) : part.spec
    text += formatValue(convert(fieldValue(part.name, lookup), part.conversion), spec)
  }
  return text
}

/** format(value, spec) */
export function formatValue(value: FormatValue, spec: string): string {
  if (typeof value === 'string') return formatText(value, spec)
  if (typeof value === 'object') return value.format(spec)
  return formatInteger(BigInt(value), spec)
}

/** repr(text): single quotes, unless the text has those and no double ones. */
export function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let inner = ''
  for (const character of text) inner += reprCharacter(character, quote)
  return quote + inner + quote
}

function fieldValue(name: string, lookup: (name: string) => FormatValue | undefined): FormatValue {
  if (/^\d*$/.test(name)) throw new PythonFormatError('ValueError', 'Format string contains positional fields')
  const value = lookup(name)
  if (value === undefined) throw new PythonFormatError('KeyError', pythonRepr(name))
  return value
}

function convert(value: FormatValue, conversion: string | undefined): FormatValue {
  switch (conversion) {
    case undefined:
      return value
    case 's':
      return formatValue(value, '')
    case 'r':
    case 'a': {
      const repr = typeof value === 'string' ? pythonRepr(value) : formatValue(value, '')
      return conversion === 'r' ? repr : repr.replace(/[^\x20-\x7e]/gu, escapeAscii)
    }
    default:
      throw new PythonFormatError('ValueError', `Unknown conversion specifier '${conversion}'`)
  }
}

interface Field {
  readonly part: FormatPart
  readonly end: number
}

/** `at` is behind the opening brace. */
function readField(format: string, at: number): Field {
  let position = at
  while (position < format.length && !'}:!'.includes(format[position] ?? '')) {
    if (format[position] === '{') throw new PythonFormatError('ValueError', "unexpected '{' in field name")
    const closing = format[position] === '[' ? format.indexOf(']', position) : position
    position = (closing < 0 ? format.length : closing) + 1
  }
  const name = format.slice(at, position)
  const stop = format[position]
  if (stop === undefined) throw new PythonFormatError('ValueError', "expected '}' before end of string")
  if (stop === '}') return field(name, undefined, '', position + 1)
  if (stop === ':') return readSpec(format, position + 1, name, undefined)
  const conversion = format[position + 1]
  if (conversion === undefined) {
    throw new PythonFormatError('ValueError', 'end of string while looking for conversion specifier')
  }
  const after = format[position + 2]
  if (after === '}') return field(name, conversion, '', position + 3)
  if (after === ':') return readSpec(format, position + 3, name, conversion)
  if (after === undefined) throw new PythonFormatError('ValueError', "unmatched '{' in format spec")
  throw new PythonFormatError('ValueError', "expected ':' after conversion specifier")
}

function readSpec(format: string, at: number, name: string, conversion: string | undefined): Field {
  let depth = 1
  for (let position = at; position < format.length; position += 1) {
    if (format[position] === '{') depth += 1
    if (format[position] === '}') depth -= 1
    if (depth === 0) return field(name, conversion, format.slice(at, position), position + 1)
  }
  throw new PythonFormatError('ValueError', "unmatched '{' in format spec")
}

function field(name: string, conversion: string | undefined, spec: string, end: number): Field {
  return { part: { kind: 'field', name, conversion, spec }, end }
}

const shortEscapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function reprCharacter(character: string, quote: string): string {
  const short = shortEscapes[character]
  if (short !== undefined) return short
  if (character === quote) return `\\${character}`
  return character !== ' ' && /[\p{C}\p{Z}]/u.test(character) ? escapeAscii(character) : character
}

function escapeAscii(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`
  return `\\U${code.toString(16).padStart(8, '0')}`
}
