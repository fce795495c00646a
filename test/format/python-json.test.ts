import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pythonFloat, pythonFloatText, stringifyPython } from '../../src/format/python-json.ts'

// Every expected text was printed by Python 3's json.dumps or repr.

test('one line, with blanks after commas and colons', () => {
  expect(stringifyPython({ b: 1, a: [true, false, null], c: {}, d: [] })).toBe(
    '{"b": 1, "a": [true, false, null], "c": {}, "d": []}',
  )
})

test('indented and sorted', () => {
  expect(stringifyPython({ b: [1, { a: [] }], a: {} }, { indent: 4, sortKeys: true })).toBe(
    '{\n    "a": {},\n    "b": [\n        1,\n        {\n            "a": []\n        }\n    ]\n}',
  )
  expect(stringifyPython([1, [2]], { indent: 0 })).toBe('[\n1,\n[\n2\n]\n]')
  expect(stringifyPython([1], { indent: '\t' })).toBe('[\n\t1\n]')
})

test('ASCII only', () => {
  expect(stringifyPython('é\u007f\u2028😀"\\\n\u0001\udcff')).toBe(
    '"\\u00e9\\u007f\\u2028\\ud83d\\ude00\\"\\\\\\n\\u0001\\udcff"',
  )
})

test('keys sort by code point, not by UTF-16', () => {
  expect(stringifyPython({ '😀': 1, '\uffee': 2, a: 3 }, { sortKeys: true })).toBe(
    '{"a": 3, "\\uffee": 2, "\\ud83d\\ude00": 1}',
  )
})

test.each([
  [1, '1.0'],
  [1e16, '1e+16'],
  [1e15, '1000000000000000.0'],
  [1e-5, '1e-05'],
  [0.0001, '0.0001'],
  [1.2345678901234568e17, '1.2345678901234568e+17'],
  [1e22, '1e+22'],
  [5e-324, '5e-324'],
  [-0, '-0.0'],
  [0, '0.0'],
  [1.5e300, '1.5e+300'],
  [-1.25e-3, '-0.00125'],
  [123456789.125, '123456789.125'],
  [1795429526.3639562, '1795429526.3639562'],
  [0.1, '0.1'],
  [Number.NaN, 'nan'],
  [Number.NEGATIVE_INFINITY, '-inf'],
])('the float %d prints as %s', (value, text) => {
  expect(pythonFloatText(value)).toBe(text)
})

test('floats read back as the same number, and always look like floats', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = pythonFloatText(value)
      expect(Object.is(Number(text), value)).toBe(true)
      expect(text).toMatch(/[.e]/)
    }),
  )
})

test('whole numbers are integers unless marked, big ones keep all digits, undefined members vanish', () => {
  expect(stringifyPython({ i: 1, f: pythonFloat(1), half: 0.5, big: 2n ** 64n, gone: undefined })).toBe(
    '{"i": 1, "f": 1.0, "half": 0.5, "big": 18446744073709551616}',
  )
})

test('a Map keeps its order whatever its keys', () => {
  expect(
    stringifyPython(
      new Map([
        ['10', 1],
        ['2', 2],
      ]),
    ),
  ).toBe('{"10": 1, "2": 2}')
})

test('any text reads back through an ordinary JSON parser', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const json = stringifyPython({ value })
      expect(json).toMatch(/^[ -~]*$/)
      expect(JSON.parse(json)).toEqual({ value })
    }),
  )
})
