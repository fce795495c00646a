/**
 * The kinds of values that options take, with borg's limits and texts.
 * Source: CLI contract; every table of fixtures/cli/misc-vectors.json about arguments is a test of this file.
 */
import type { DiffSortField, DiffSortKey } from '../../index.ts'
import {
  archiveGlob,
  BorgError,
  type ChunkerParams,
  expandPlaceholders,
  type Nanoseconds,
  parseArchiveName,
  parseChunkerParams,
  parseCompressionSpec,
} from '../../parsing.ts'
import { BadValue, type ValueContext, type ValueType } from './value-type.ts'

export const text: ValueType<string> = { name: 'str', parse: (word) => word }

export const int: ValueType<number> = { name: 'int', parse: readInteger }

export const octal: ValueType<number> = {
  name: '<lambda>',
  parse(word) {
    const digits = /^\s*(?:0[oO]_?)?([0-7]+(?:_[0-7]+)*)\s*$/.exec(word)?.[1]?.replaceAll('_', '')
    if (digits === undefined) throw new BadValue()
    return Number.parseInt(digits, 8)
  },
}

export const positiveInt: ValueType<number> = {
  name: 'positive_int_validator',
  parse(word) {
    const number = readInteger(word)
    if (number < 1) throw refusal(`A positive integer is required: ${number}`)
    return number
  },
}

/** Of TCP; 0 lets the system choose. */
export const port: ValueType<number> = {
  name: 'port',
  parse(word) {
    const number = readInteger(word)
    if (number < 0 || number > 65535) throw new BadValue()
    return number
  },
}

/** '55G', '1.5T': powers of 1000, upper case only. */
export function parseFileSize(word: string): number {
  const factors: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 }
  const trimmed = word.trim()
  const factor = factors[trimmed.slice(-1)]
  const number = factor === undefined ? trimmed : trimmed.slice(0, -1)
  if (!/^[+-]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(number)) throw new BadValue()
  return Math.trunc(Number(number.replaceAll('_', '')) * (factor ?? 1))
}

export const storageQuota: ValueType<number> = {
  name: 'parse_storage_quota',
  parse(word) {
    const bytes = parseFileSize(word)
    if (bytes !== 0 && bytes < 10e6) throw refusal(`quota is too small (${word}). At least 10M are required.`)
    return bytes
  },
}

/** --keep-within, in seconds. */
export const interval: ValueType<number> = {
  name: 'interval',
  parse(word) {
    const hours: Readonly<Record<string, number>> = { H: 1, d: 24, w: 168, m: 744, y: 8760 }
    const unit = word.slice(-1)
    const factor = hours[unit]
    if (factor === undefined) {
      throw refusal(`Unexpected interval time unit "${unit}": expected one of ['H', 'd', 'w', 'm', 'y']`)
    }
    const number = word.slice(0, -1)
    if (!/^\s*\+?\d+\s*$/.test(number) || Number(number) < 1) {
      throw refusal(`Unexpected interval number "${number}": expected an integer greater than 0`)
    }
    return Number(number) * factor * 3600
  },
}

/** --timestamp: a file to take the time of, or UTC text. */
export const timestamp: ValueType<Nanoseconds> = {
  name: 'timestamp',
  parse(word, context) {
    return (context.fileTime(word) ?? BigInt(utcSeconds(word)) * 1_000_000_000n) as Nanoseconds
  },
}

const timestampForms = [
  /^(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2})(?:[T ](?<hour>\d{1,2}):(?<minute>\d{1,2})(?::(?<second>\d{1,2}))?)?$/,
  /^(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2})T(?<hour>\d{1,2}):(?<minute>\d{1,2}):(?<second>\d{1,2})(?:Z|\+00:00)$/,
  /^(?<year>\d{4})-(?<dayOfYear>\d{3})$/,
]

/** @throws BadValue also for days that no calendar has. */
function utcSeconds(word: string): number {
  const groups = timestampForms.map((form) => form.exec(word)?.groups).find((found) => found !== undefined)
  if (groups === undefined) throw new BadValue()
  const part = (name: string, absent: number): number => (groups[name] === undefined ? absent : Number(groups[name]))
  const month = part('month', 1)
  const day = part('day', part('dayOfYear', 1))
  const [year, hour, minute, second] = [part('year', 0), part('hour', 0), part('minute', 0), part('second', 0)]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  const sameDay =
    groups['dayOfYear'] === undefined ? date.getUTCDate() === day && date.getUTCMonth() === month - 1 : day > 0
  if (!sameDay || date.getUTCFullYear() !== year || hour > 23 || minute > 59 || second > 59) throw new BadValue()
  return date.getTime() / 1000
}

export const chunkerParams: ValueType<ChunkerParams> = { name: 'ChunkerParams', parse: parseChunkerParams }

/** The text of a spec that is known to be good. */
export const compression: ValueType<string> = {
  name: 'CompressionSpec',
  parse(word) {
    parseCompressionSpec(word)
    return word
  },
}

export type ArchiveSortKey = 'timestamp' | 'name' | 'id'

export const archiveSortKeys: ValueType<readonly ArchiveSortKey[]> = {
  name: 'SortBySpec',
  parse(word) {
    return word.split(',').map((key) => {
      if (key === 'archive') return 'name'
      if (key === 'timestamp' || key === 'name' || key === 'id') return key
      throw refusal(`Invalid sort key: ${key}`)
    })
  },
}

const diffFields: readonly DiffSortField[] = [
  'path',
  'size_added',
  'size_removed',
  'size_diff',
  'size',
  'user',
  'group',
  'uid',
  'gid',
  'ctime',
  'mtime',
  'ctime_diff',
  'mtime_diff',
]

export const diffSortKeys: ValueType<readonly DiffSortKey[]> = {
  name: 'DiffSortSpec',
  parse(list) {
    return list.split(',').map((key) => {
      const word = key.replace(/^[<>]/, '')
      const field = diffFields.find((known) => known === word)
      if (field === undefined) throw refusal(`unsupported sort field: ${word}`)
      return { field, descending: key.startsWith('>') }
    })
  },
}

export const path: ValueType<string> = {
  name: 'PathSpec',
  parse(word) {
    if (word === '') throw refusal('Empty strings are not accepted as paths.')
    return word
  },
}

export const textWithPlaceholders: ValueType<string> = {
  name: 'replace_placeholders',
  parse(word, context) {
    try {
      return withPlaceholders(word, context)
    } catch (error) {
      if (error instanceof BorgError && error.code === 'CommandError') throw new BadValue()
      throw error
    }
  },
}

/** A glob for archive names, refused here when it cannot be compiled. */
export const archivePattern: ValueType<string> = {
  name: 'replace_placeholders',
  parse(word, context) {
    const glob = textWithPlaceholders.parse(word, context)
    archiveGlob(glob)
    return glob
  },
}

export const archiveName: ValueType<string> = {
  name: 'validator',
  parse: (word, context) => parseArchiveName(textWithPlaceholders.parse(word, context)),
}

/** '\0', '\t', '\x41' of --paths-delimiter. */
export const escapedText: ValueType<string> = {
  name: 'eval_escapes',
  parse(word) {
    const named: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' }
    return word.replace(
      /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g,
      (_, byte: string, unit: string, point: string, octalDigits: string, letter: string) => {
        const hex = byte ?? unit ?? point
        if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
        if (octalDigits !== undefined) return String.fromCodePoint(Number.parseInt(octalDigits, 8))
        if ('\\\'"'.includes(letter)) return letter
        return letter === '\n' ? '' : (named[letter] ?? `\\${letter}`)
      },
    )
  },
}

export function withPlaceholders(word: string, context: ValueContext): string {
  const { hostname, username } = context.environment
  return expandPlaceholders(word, context.host, { hostname, username })
}

function readInteger(word: string): number {
  if (!/^\s*[+-]?\d+(?:_\d+)*\s*$/.test(word)) throw new BadValue()
  return Number(word.replaceAll('_', ''))
}

/** What argparse prints behind "argument NAME: ". */
export function refusal(message: string): BorgError {
  return new BorgError('CommandError', [message])
}
