import { describe, expect, test } from 'vitest'
import { compilePythonRegex } from '../../src/patterns/python-regex.ts'

/** [expression, text, found]: what Python's re.search says. */
const rows: [string, string, boolean][] = [
  ['\\S(?#x)+é', 'abé', true],
  ['(?>a+)a', 'aaa', false],
  ['a++b', 'aab', true],
  ['a++ab', 'aaab', false],
  ['(a)(?>b)(c)\\2', 'abcc', true],
  ['\\B', '', false],
  ['[^\\W\\d]', '7_', true],
  ['[^\\W\\d]', '7-', false],
  ['[\\W]', 'a٣', false],
  ['(?x) a b # comment', 'ab', true],
  ['(?m)^b$', 'a\nb\nc', true],
  ['a$', 'a\n\n', false],
  ['\\x41\\u00e9\\U0001f600', 'Aé😀', true],
  ['a{,2}b', 'b', true],
  ['a{b', 'a{b', true],
  ['\\0', '\0', true],
  ['\\101', 'A', true],
  ['.', '\udcff', true],
]

describe('expressions find what they find in Python', () => {
  test.each(rows)('%j in %j: %s', (expression, text, found) => {
    expect(compilePythonRegex(expression).test(text)).toBe(found)
  })
})

const refused = [
  '(',
  ')',
  '[a',
  '*a',
  '{2}',
  '^*',
  'a**',
  '\\',
  '\\q',
  '(?P<1>a)',
  '(?P<a>)(?P<a>)',
  '(?P=x)',
  '\\1',
  '(\\1)',
  'a(?i)b',
  '[b-a]',
  '(?(1)a)',
  '(?a)x',
  '(?i:a)',
]

test.each(refused)('%j is refused', (expression) => {
  expect(() => compilePythonRegex(expression)).toThrow(/^Error: invalid regular expression/)
})
