/**
 * JSON documents on stdout: sorted keys, four blanks, ASCII; BORG_JSON_INDENT changes the blanks.
 * Source: CLI contract "JSON documents".
 */
import { printableText, PythonFloat, type PythonJson, stringifyPython } from '../../parsing.ts'

/** With its final newline. `indent` is BORG_JSON_INDENT: 'none' is one line, a number so many blanks, other text itself. */
export function jsonDocument(value: PythonJson, indent: string | undefined): string {
  if (indent === 'none') return `${stringifyPython(printable(value), { sortKeys: true })}\n`
  const level = indent === undefined ? 4 : /^\d+$/.test(indent) ? Number(indent) : indent
  return `${stringifyPython(printable(value), { sortKeys: true, indent: level })}\n`
}

/** One object of --json-lines, with its newline. Keys stay in their order unless `sortKeys`. */
export function jsonLine(value: PythonJson, options: { readonly sortKeys?: boolean } = {}): string {
  return `${stringifyPython(printable(value), options)}\n`
}

/** Bytes that are not UTF-8 become '?', as everywhere in JSON. */
function printable(value: PythonJson): PythonJson {
  if (typeof value === 'string') return printableText(value)
  if (value === null || typeof value !== 'object' || value instanceof PythonFloat) return value
  if (isList(value)) return value.map(printable)
  // A Map, because objects forget the order of keys that look like numbers.
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return new Map(entries.flatMap(([key, member]) => (member === undefined ? [] : [[key, printable(member)] as const])))
}

function isList(value: PythonJson): value is readonly PythonJson[] {
  return Array.isArray(value)
}
