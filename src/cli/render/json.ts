/**
 * JSON documents on stdout: sorted keys, four blanks, ASCII; BORG_JSON_INDENT changes the blanks.
 * Source: CLI contract "JSON documents".
 */
import { printableText, type PythonJson, stringifyPython } from '../../parsing.ts'

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
  if (value === null || typeof value !== 'object' || value.constructor !== Object) {
    return Array.isArray(value) ? value.map(printable) : value
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, member === undefined ? undefined : printable(member)]),
  )
}
