import { describe, expect, test } from 'vitest'
import { fieldNames, parsePythonFormat, pythonRepr, renderPythonFormat } from '../../src/location/python-format.ts'

function format(text: string, values: Record<string, string | number>): string {
  return renderPythonFormat(parsePythonFormat(text), (name) => values[name])
}

describe('specs do what they do in Python', () => {
  test.each([
    ['{x:>6}|', 'ab', '    ab|'],
    ['{x:*^7}', 'ab', '**ab***'],
    ['{x:.3}', 'äöüß', 'äöü'],
    ['{x:4}|', '😀', '😀   |'],
    ['{x:05}', 'ab', 'ab000'],
    ['{x!r:>6}', 'a', "   'a'"],
    ['{x:6}', 12, '    12'],
    ['{x:<6}|', 12, '12    |'],
    ['{x:+d}', 12, '+12'],
    ['{x:010,}', 3000, '00,003,000'],
    ['{x:08,}', 3000, '0,003,000'],
    ['{x:#x}', 255, '0xff'],
    ['{x:#010b}', 5, '0b00000101'],
    ['{x:_b}', 255, '1111_1111'],
    ['{x:.2f}', 3, '3.00'],
    ['{x:e}', 12345, '1.234500e+04'],
    ['{x:g}', 1000000, '1e+06'],
    ['{x:g}', 100000, '100000'],
    ['{x:%}', 1, '100.000000%'],
    ['{x:=+6}', -5, '-    5'],
    ['{x:c}', 65, 'A'],
    ['{{{x}}}', 'a', '{a}'],
    ['{x:{y}}|', 'a', 'a  |'],
  ])('%s with %j', (text, value, expected) => {
    expect(format(text, { x: value, y: 3 })).toBe(expected)
  })
})

describe('mistakes are named in the words of Python', () => {
  test.each([
    ['{x:d}', 'ValueError', "Unknown format code 'd' for object of type 'str'"],
    ['{x:+}', 'ValueError', 'Sign not allowed in string format specifier'],
    ['{x:=3}', 'ValueError', "'=' alignment not allowed in string format specifier"],
    ['{n:.2}', 'ValueError', 'Precision not allowed in integer format specifier'],
    ['{n:s}', 'ValueError', "Unknown format code 's' for object of type 'int'"],
    ['{z}', 'KeyError', "'z'"],
    ['{}', 'ValueError', 'Format string contains positional fields'],
    ['{0}', 'ValueError', 'Format string contains positional fields'],
    ['{', 'ValueError', "Single '{' encountered in format string"],
    ['}', 'ValueError', "Single '}' encountered in format string"],
    ['{x', 'ValueError', "expected '}' before end of string"],
    ['{x{y}', 'ValueError', "unexpected '{' in field name"],
    ['{x:>{y}', 'ValueError', "unmatched '{' in format spec"],
    ['{x!', 'ValueError', 'end of string while looking for conversion specifier'],
    ['{x!rr}', 'ValueError', "expected ':' after conversion specifier"],
    ['{x!q}', 'ValueError', "Unknown conversion specifier 'q'"],
  ])('%s', (text, kind, message) => {
    expect(() => format(text, { x: 'a', n: 1 })).toThrow(expect.objectContaining({ kind, message }))
  })
})

test('names of nested fields are found too', () => {
  expect(fieldNames(parsePythonFormat('{a:{b}} {a} {c}'))).toEqual(['a', 'b', 'c'])
})

test.each([
  ['a', "'a'"],
  ["it's", '"it\'s"'],
  ['\'"', "'\\'\"'"],
  ['a\tb\\\n', "'a\\tb\\\\\\n'"],
  ['é\u00a0\u200b\ud83d\ude00\udcff', "'é\\xa0\\u200b😀\\udcff'"],
])('repr of %j', (text, expected) => {
  expect(pythonRepr(text)).toBe(expected)
})
