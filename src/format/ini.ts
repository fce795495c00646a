/**
 * The dialect of Python's ConfigParser without interpolation: the config files of repositories and caches.
 *
 *   [section]              names are case-sensitive
 *   key = value            or `key: value`; keys are lower-cased, values stripped
 *   <tab>more of value     deeper indented lines continue the value; joined with newlines
 *   # comment, ; comment   whole lines only
 * Source: Python library reference, configparser "Supported INI File Structure"; format sheets repository.md §3, cache.md §2.
 */
import { BorgError } from '../base/errors.ts'

/** Sections in file order, each with its lower-case keys in file order. */
export type Ini = Map<string, Map<string, string>>

interface Line {
  readonly number: number
  /** Stripped. */
  readonly text: string
  readonly indent: number
}

/** @throws BorgError 'IntegrityError' naming the line: no section yet, no delimiter, a section or key given twice. */
export function parseIni(text: string): Ini {
  const ini: Ini = new Map()
  let section: Map<string, string[]> | undefined
  let value: string[] | undefined
  let valueIndent = 0
  const sections = new Map<string, Map<string, string[]>>()
  for (const [at, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line: Line = { number: at + 1, text: raw.trim(), indent: raw.length - raw.trimStart().length }
    if (line.text === '') {
      value?.push('')
      continue
    }
    if (line.text.startsWith('#') || line.text.startsWith(';')) continue
    if (value !== undefined && line.indent > valueIndent) {
      value.push(line.text)
      continue
    }
    valueIndent = line.indent
    const header = /^\[(.+)\]/.exec(line.text)?.[1]
    if (header !== undefined) {
      if (sections.has(header)) throw malformed(line, `section '${header}' again`)
      section = new Map()
      sections.set(header, section)
      value = undefined
    } else {
      value = addOption(section, line)
    }
  }
  for (const [name, options] of sections) {
    ini.set(name, new Map([...options].map(([key, lines]) => [key, lines.join('\n').trimEnd()])))
  }
  return ini
}

/** As ConfigParser writes: `key = value`, newlines in values as newline and tab, one empty line after each section. */
export function formatIni(ini: ReadonlyMap<string, ReadonlyMap<string, string>>): string {
  let text = ''
  for (const [name, options] of ini) {
    text += `[${name}]\n`
    for (const [key, value] of options) text += `${key} = ${value.replaceAll('\n', '\n\t')}\n`
    text += '\n'
  }
  return text
}

/** ConfigParser's booleans: 1 yes true on, 0 no false off, in any case; undefined for anything else. */
export function iniBoolean(value: string): boolean | undefined {
  const text = value.toLowerCase()
  if (['1', 'yes', 'true', 'on'].includes(text)) return true
  if (['0', 'no', 'false', 'off'].includes(text)) return false
  return undefined
}

/** The lines of the new option's value, to which continuations are added. */
function addOption(section: Map<string, string[]> | undefined, line: Line): string[] {
  if (section === undefined) throw malformed(line, 'no section yet')
  const option = /^(.*?)\s*[=:]\s*(.*)$/.exec(line.text)
  const key = option?.[1]?.toLowerCase()
  if (key === undefined || key === '') throw malformed(line, 'no key')
  if (section.has(key)) throw malformed(line, `'${key}' again`)
  const value = [option?.[2] ?? '']
  section.set(key, value)
  return value
}

function malformed(line: Line, what: string): BorgError {
  return new BorgError('IntegrityError', [`config line ${line.number}: ${what}`])
}
