import { describe, expect, test } from 'vitest'
import { filesCacheMode } from '../../../src/cli/args/files-cache-mode.ts'
import { archive, repository, repositoryOrArchive } from '../../../src/cli/args/location-argument.ts'
import type { ValueContext, ValueType } from '../../../src/cli/args/value-type.ts'
import { BadValue } from '../../../src/cli/args/value-type.ts'
import {
  archiveName,
  archiveSortKeys,
  chunkerParams,
  compression,
  diffSortKeys,
  escapedText,
  interval,
  octal,
  parseFileSize,
  positiveInt,
  storageQuota,
  timestamp,
} from '../../../src/cli/args/value-types.ts'
import { readEnvironment } from '../../../src/cli/env.ts'
import {
  chunkerParamsFields,
  type CompressionSpec,
  isBorgError,
  parseCompressionSpec,
  strftime,
  utcTime,
  wholeMicroseconds,
} from '../../../src/parsing.ts'
import { FakeHost } from '../../support/fake-host.ts'
import { loadFixture } from '../../support/vectors.ts'

type Row = [string, unknown]
const misc = loadFixture<Record<string, Row[]> & { location_validator: [boolean | null, string, string][] }>(
  'cli/misc-vectors.json',
)
const parsing =
  loadFixture<Record<'chunker_params' | 'files_cache_modes' | 'parse_file_size', Row[]>>('vectors/parsing.json')

const context: ValueContext = {
  host: new FakeHost(),
  environment: readEnvironment({}),
  readFile: () => '',
  fileTime: () => undefined,
}

/**
 * The value, or 'refused: TEXT' with the text that follows "argument NAME: ". Python's ValueErrors have no text of their
 * own there ("invalid NAME value"), so for them any refusal is the same.
 */
function outcome<T>(type: ValueType<T>, word: string, show: (value: T) => unknown = (value) => value): unknown {
  try {
    return show(type.parse(word, context))
  } catch (error) {
    if (error instanceof BadValue) return 'refused'
    if (isBorgError(error, 'CommandError')) return `refused: ${error.args[0]}`
    if (isBorgError(error)) return `refused: ${error.message}`
    throw error
  }
}

function expected(value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (value.startsWith('ERROR ValueError')) return 'refused'
  return value.replace(/^ERROR \w+: /, 'refused: ')
}

function sameOutcome<T>(type: ValueType<T>, word: string, value: unknown, show?: (value: T) => unknown): void {
  const got = outcome(type, word, show)
  const wanted = expected(value)
  if (wanted === 'refused') expect(got).toMatch(/^refused/)
  else expect(got).toEqual(wanted)
}

function compressionWords(spec: CompressionSpec): unknown[] {
  if (spec.name === 'obfuscate') return [spec.name, spec.level, shortened(spec.inner)]
  if (spec.name === 'auto') return [spec.name, shortened(spec.inner)]
  return 'level' in spec ? [spec.name, spec.level] : [spec.name]
}

/** The vectors show an inner 'auto' by its name alone. */
function shortened(spec: CompressionSpec): unknown[] {
  return spec.name === 'auto' ? [spec.name] : compressionWords(spec)
}

describe('interval', () => {
  test.each(misc['interval_hours'] ?? [])('%j: %j', (word, hours) => {
    sameOutcome(interval, word, hours, (seconds) => seconds / 3600)
  })
})

describe('timestamp', () => {
  test.each(misc['timestamp_utc'] ?? [])('%j: %j', (word, time) => {
    sameOutcome(timestamp, word, time, (at) => strftime('%Y-%m-%dT%H:%M:%S', utcTime(wholeMicroseconds(at))))
  })
  test('days that no calendar has are refused', () => {
    for (const word of ['2024-02-30', '2023-366', '2024-13-01', '2024-01-01T24:00']) {
      expect(outcome(timestamp, word)).toBe('refused')
    }
  })
  test('the name of a file means its time', () => {
    expect(timestamp.parse('some-file', { ...context, fileTime: () => 5n })).toBe(5n)
  })
})

describe('chunker params', () => {
  test.each(misc['chunker_params'] ?? [])('%j: %j', (word, fields) =>
    sameOutcome(chunkerParams, word, fields, chunkerParamsFields),
  )
  test.each(parsing.chunker_params)('%j: %j', (word, fields) =>
    sameOutcome(chunkerParams, word, fields ?? 'ERROR ValueError', chunkerParamsFields),
  )
})

const modeLetters: Record<string, string> = {
  'ctime,size,inode': 'cis',
  'mtime,size,inode': 'ims',
  'ctime,size': 'cs',
  'mtime,size': 'ms',
  'rechunk,ctime': 'cr',
  'rechunk,mtime': 'mr',
  disabled: 'd',
  size: 's',
}
describe('files cache modes', () => {
  test.each(misc['files_cache'] ?? [])('%j: %j', (word, letters) =>
    sameOutcome(filesCacheMode, word, letters, (mode) => modeLetters[mode]),
  )
  test.each(parsing.files_cache_modes)('%j: %j', (word, letters) =>
    sameOutcome(filesCacheMode, word, letters ?? 'ERROR ValueError', (mode) => modeLetters[mode]),
  )
})

describe('compression', () => {
  test.each(misc['compression'] ?? [])('%j: %j', (word, words) => {
    sameOutcome(compression, word, words, (text) => compressionWords(parseCompressionSpec(text)))
  })
})

const borgSortKeys = { timestamp: 'ts', name: 'name', id: 'id' }
describe('sort keys', () => {
  test.each(misc['sort_by'] ?? [])('%j: %j', (word, keys) => {
    sameOutcome(archiveSortKeys, word, keys, (list) => list.map((key) => borgSortKeys[key]).join(','))
  })
})

describe('positive numbers', () => {
  test.each(misc['positive_int'] ?? [])('%j: %j', (word, number) => sameOutcome(positiveInt, word, number))
})

describe('archive names', () => {
  test.each(misc['archive_name'] ?? [])('%j: %j', (word, name) => sameOutcome(archiveName, word, name))
})

describe('escapes', () => {
  test.each(misc['eval_escapes'] ?? [])('%j: %j', (word, text) => sameOutcome(escapedText, word, text))
})

const fileSize: ValueType<number> = { name: 'size', parse: parseFileSize }
describe('sizes', () => {
  test.each(misc['parse_file_size'] ?? [])('%j: %j', (word, bytes) => sameOutcome(fileSize, word, bytes))
  test.each(parsing.parse_file_size)('%j: %j', (word, bytes) =>
    sameOutcome(fileSize, word, bytes ?? 'ERROR ValueError'),
  )
})

describe('locations that must, may or must not name an archive', () => {
  test.each(misc.location_validator)('%j %j: %j', (archiveWanted, word, result) => {
    const type: ValueType<unknown> = archiveWanted === null ? repositoryOrArchive : archiveWanted ? archive : repository
    sameOutcome(type, word, result, () => 'ok')
  })
})

test('a quota is nothing, or at least ten megabytes', () => {
  expect(outcome(storageQuota, '0')).toBe(0)
  expect(outcome(storageQuota, '10M')).toBe(10_000_000)
  expect(outcome(storageQuota, '5M')).toBe('refused: quota is too small (5M). At least 10M are required.')
})

test('umasks are octal', () => {
  expect(outcome(octal, '0077')).toBe(0o77)
  expect(outcome(octal, '0o22')).toBe(0o22)
  expect(outcome(octal, '8')).toBe('refused')
})

test('diff sorts by known fields, in either direction', () => {
  expect(outcome(diffSortKeys, '>size,path')).toEqual([
    { field: 'size', descending: true },
    { field: 'path', descending: false },
  ])
  expect(outcome(diffSortKeys, 'x')).toBe('refused: unsupported sort field: x')
})
