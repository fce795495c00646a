import { expect, test } from 'vitest'
import { idProblem, parseHex } from '../../../src/cli/hex-argument.ts'
import { pythonBytes } from '../../../src/cli/render/python-bytes.ts'
import { rawJson, rawJsonPart } from '../../../src/cli/render/raw-json.ts'
import type { Unpacked, UnpackedKey } from '../../../src/format/msgpack-decode.ts'

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))

test('stored metadata is text where it is UTF-8, else DEL and hex', () => {
  const value = new Map<UnpackedKey, Unpacked>([
    ['text', bytes('\xc3\xbc')],
    ['id', bytes('\xff\x00')],
    ['marked', bytes('\x7fabc')],
    [bytes('\xff'), null],
    ['list', [1, -2, 2n ** 63n, true, bytes('a'), [], new Map()]],
  ])

  expect(rawJson(value)).toBe(`{
    "id": "\\u007fff00",
    "list": [
        1,
        -2,
        9223372036854775808,
        true,
        "a",
        [],
        {}
    ],
    "marked": "\\u007f7f616263",
    "text": "\\u00fc",
    "\\u007fff": null
}`)
  expect(rawJsonPart(new Map([['a', 1]]))).toBe('    {\n        "a": 1\n    }')
})

test.each([
  ['plain ~', "b'plain ~'"],
  ["it's", `b"it's"`],
  [`'"`, `b'\\'"'`],
  ['\\ \t\n\r\x00\x7f\xff', "b'\\\\ \\t\\n\\r\\x00\\x7f\\xff'"],
])('%j is %s', (text, repr) => {
  expect(pythonBytes(bytes(text))).toBe(repr)
})

test.each([
  ['', 'Expected 32 bytes (64 hex digits), got 0 bytes.'],
  ['12', 'Expected 32 bytes (64 hex digits), got 1 bytes.'],
  ['124', 'Odd-length string'],
  ['xyza', 'Non-hexadecimal digit found'],
  ['é', 'string argument should contain only ASCII characters'],
  ['0'.repeat(66), 'Expected 32 bytes (64 hex digits), got 33 bytes.'],
  ['aB'.repeat(32), undefined],
])('the id %s: %s', (digits, problem) => {
  expect(idProblem(digits)).toBe(problem)
})

test('hex digits are bytes', () => {
  expect(parseHex('00fF')).toEqual(Uint8Array.of(0, 255))
})
