import { describe, expect, test } from 'vitest'
import { exitClass } from '../../../src/cli/exit-code.ts'
import { jsonDocument, jsonLine } from '../../../src/cli/render/json.ts'
import { modeText } from '../../../src/cli/render/mode.ts'
import { formatPercent, formatSize } from '../../../src/location/sizes.ts'
import { fitToWidth, textWidth } from '../../../src/cli/render/text-width.ts'
import { durationText } from '../../../src/cli/render/times.ts'
import { joinShellWords, splitShellWords } from '../../../src/cli/shell-words.ts'
import { pythonFloat } from '../../../src/parsing.ts'
import { loadFixture } from '../../support/vectors.ts'

const misc = loadFixture<{
  format_file_size: [number, string, string][]
  format_file_size_p1_sign: [number, string][]
  format_timedelta: [number, string][]
  percent0: [number, string][]
  exit_class: [number, string][]
  shlex_quote_join: [string[], string][]
}>('cli/misc-vectors.json')

test.each(misc.format_file_size)('%d bytes are %s, or %s', (bytes, decimal, binary) => {
  expect(formatSize(bytes)).toBe(decimal)
  expect(formatSize(bytes, { iec: true })).toBe(binary)
})

test.each(misc.format_file_size_p1_sign)('a difference of %d bytes is %s', (bytes, text) => {
  expect(formatSize(bytes, { precision: 1, sign: true })).toBe(text)
})

test.each(misc.format_timedelta)('%d seconds are %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text)
})

test.each(misc.percent0)('a share of %d is %s', (share, text) => {
  expect(formatPercent(share)).toBe(text)
})

test.each(misc.exit_class)('exit code %d ends with status %s', (code, word) => {
  expect(exitClass(code)).toBe(word.startsWith('ERROR') ? 'abnormal' : word)
})

describe('words of a shell', () => {
  test.each(misc.shlex_quote_join)('%j is %s, and back', (words, text) => {
    expect(joinShellWords(words)).toBe(text)
    expect(splitShellWords(text)).toEqual(words)
  })
  test('quotes and backslashes mean what they mean to a shell', () => {
    expect(splitShellWords(` a\\ b "c \\"d\\" \\e" 'f g'h\t"" `)).toEqual(['a b', 'c "d" \\e', 'f gh', ''])
    expect(() => splitShellWords("'a")).toThrow('No closing quotation')
    expect(() => splitShellWords('a\\')).toThrow('No escaped character')
  })
})

test.each([
  [0o100644, '-rw-r--r--'],
  [0o104755, '-rwsr-xr-x'],
  [0o104644, '-rwSr--r--'],
  [0o102745, '-rwxr-Sr-x'],
  [0o041777, 'drwxrwxrwt'],
  [0o041666, 'drw-rw-rwT'],
  [0o120777, 'lrwxrwxrwx'],
  [0o060600, 'brw-------'],
  [0, '?---------'],
])('mode %o is %s', (mode, text) => {
  expect(modeText(mode)).toBe(text)
})

describe('text on a terminal', () => {
  test.each([
    ['abc', 3],
    ['日本', 4],
    ['e\u0301', 1],
    ['😀', 2],
  ])('%s takes %i columns', (text, width) => expect(textWidth(text)).toBe(width))
  test.each([
    ['short', 8, 'short   '],
    ['0123456789abcdef', 12, '012...abcdef'],
    ['0123456789abcdef', 13, '012...9abcdef'],
    ['0123456789', 5, '...  '],
    ['日本語日本語日本語', 10, '日...本語 '],
  ])('%s in %i columns', (text, columns, fitted) => {
    expect(fitToWidth(text, columns)).toBe(fitted)
    expect(textWidth(fitted)).toBe(columns)
  })
})

describe('documents', () => {
  const value = { b: [1, pythonFloat(2)], a: { text: 'ü\udcff' }, c: null }
  test('are sorted, indented and ASCII', () => {
    expect(jsonDocument(value, undefined)).toBe(
      '{\n    "a": {\n        "text": "\\u00fc?"\n    },\n    "b": [\n        1,\n        2.0\n    ],\n    "c": null\n}\n',
    )
  })
  test('are indented as BORG_JSON_INDENT says', () => {
    expect(jsonDocument(value, 'none')).toBe('{"a": {"text": "\\u00fc?"}, "b": [1, 2.0], "c": null}\n')
    expect(jsonDocument({ a: 1 }, '1')).toBe('{\n "a": 1\n}\n')
    expect(jsonDocument({ a: 1 }, '\t')).toBe('{\n\t"a": 1\n}\n')
  })
  test('of one line keep their order', () => {
    expect(
      jsonLine(
        new Map([
          ['b', 1],
          ['a', 2],
        ]),
      ),
    ).toBe('{"b": 1, "a": 2}\n')
    expect(jsonLine({ path: 'p\udcff' })).toBe('{"path": "p?"}\n')
    expect(jsonLine(new Map([['path', 'p\udcff']]))).toBe('{"path": "p?"}\n')
  })
})
