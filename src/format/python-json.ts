/**
 * JSON as Python's json.dumps prints it with its defaults, which is what reads borg's output has always seen:
 * ASCII only, ", " and ": " between things, floats always with a fraction or an exponent.
 * Source: Python library reference, json.dumps and float.__repr__; contract sheet common.md §4, §7.
 */
import { compareCodePoints } from '../base/text.ts'

/** A number that Python would hold as a float: printed as 1.0 where a plain 1 prints as 1. */
export class PythonFloat {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** Integers are plain numbers or bigint; fractions may be plain numbers; floats that may be whole are `pythonFloat`. */
export type PythonJson =
  | null
  | boolean
  | number
  | bigint
  | string
  | PythonFloat
  | readonly PythonJson[]
  | ReadonlyMap<string, PythonJson>
  | PythonJsonObject
/** Members that are undefined are left out. A `Map` keeps its order also for keys that look like integers. */
export interface PythonJsonObject {
  readonly [key: string]: PythonJson | undefined
}

export interface PythonJsonOptions {
  /** Objects with keys in code point order. */
  readonly sortKeys?: boolean | undefined
  /** Blanks per level, or the text of one level. Absent: one line. */
  readonly indent?: number | string | undefined
}

export function pythonFloat(value: number): PythonFloat {
  return new PythonFloat(value)
}

/** One document, without a newline at its end. */
export function stringifyPython(value: PythonJson, options: PythonJsonOptions = {}): string {
  const { indent } = options
  const level = indent === undefined ? undefined : typeof indent === 'number' ? ' '.repeat(Math.max(indent, 0)) : indent
  return write(value, { sortKeys: options.sortKeys ?? false, level }, '\n')
}

/** A float as Python's repr: the shortest digits that read back the same, 1.0, 1e+16, 1e-05, nan, inf. */
export function pythonFloatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [digits = '', exponentText = '0'] = value.toExponential().split('e')
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? '-' : '+'
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  if (exponent < 0) return positional(digits, exponent)
  const text = String(value)
  return text.includes('.') ? text : `${text}.0`
}

/** A text as a JSON string in ASCII. Lone surrogates are escaped like anything else beyond ASCII. */
export function pythonString(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly what is not printable ASCII is escaped
  return `"${text.replace(/["\\\u0000-\u001f\u007f-\uffff]/g, escapeUnit)}"`
}

interface Style {
  readonly sortKeys: boolean
  readonly level: string | undefined
}

/** `newline` is a line break and the indentation of the line `value` starts on. */
function write(value: PythonJson, style: Style, newline: string): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return pythonString(value)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : jsonFloat(value)
  if (value instanceof PythonFloat) return jsonFloat(value.value)
  if (isList(value)) {
    const inner = style.level === undefined ? newline : newline + style.level
    return enclose(
      '[',
      ']',
      value.map((entry) => write(entry, style, inner)),
      style,
      newline,
    )
  }
  return writeObject(value, style, newline)
}

function writeObject(value: ReadonlyMap<string, PythonJson> | PythonJsonObject, style: Style, newline: string): string {
  const entries: [string, PythonJson | undefined][] = isMap(value) ? [...value] : Object.entries(value)
  if (style.sortKeys) entries.sort(([a], [b]) => compareCodePoints(a, b))
  const inner = style.level === undefined ? newline : newline + style.level
  const members: string[] = []
  for (const [key, entry] of entries) {
    if (entry !== undefined) members.push(`${pythonString(key)}: ${write(entry, style, inner)}`)
  }
  return enclose('{', '}', members, style, newline)
}

function enclose(open: string, close: string, parts: readonly string[], style: Style, newline: string): string {
  if (parts.length === 0) return open + close
  if (style.level === undefined) return open + parts.join(', ') + close
  const inner = newline + style.level
  return open + inner + parts.join(`,${inner}`) + newline + close
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  return pythonFloatText(value)
}

/** `digits` like '-1.25' times ten to a negative `exponent`, without an exponent. */
function positional(digits: string, exponent: number): string {
  const negative = digits.startsWith('-')
  const plain = digits.replace('-', '').replace('.', '')
  return `${negative ? '-' : ''}0.${'0'.repeat(-exponent - 1)}${plain}`
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
}

function escapeUnit(unit: string): string {
  return shortEscapes[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function isList(value: PythonJson): value is readonly PythonJson[] {
  return Array.isArray(value)
}

function isMap(value: object): value is ReadonlyMap<string, PythonJson> {
  return value instanceof Map
}
