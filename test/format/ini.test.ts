import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatIni, iniBoolean, parseIni } from '../../src/format/ini.ts'
import { loadFixture } from '../support/vectors.ts'

function plain(text: string): Record<string, Record<string, string>> {
  return Object.fromEntries([...parseIni(text)].map(([name, options]) => [name, Object.fromEntries(options)]))
}

describe('read as Python’s ConfigParser reads', () => {
  // Right-hand sides printed by Python 3's configparser.ConfigParser(interpolation=None).
  test.each([
    ['[a]\nx = 1\n  y\n\n  z\n\nw=2\n', { a: { x: '1\ny\n\nz', w: '2' } }],
    ['[a]\nx=1\n#c\n  y\n', { a: { x: '1\ny' } }],
    ['[a]\nx=1\n\n\n  y\n', { a: { x: '1\n\n\ny' } }],
    ['  [a]\n  x=1\n  y=2\n', { a: { x: '1', y: '2' } }],
    ['[a] trailing\nx=1', { a: { x: '1' } }],
    ['[a]\nx = 1 ; no\ny: = 2\n', { a: { x: '1 ; no', y: '= 2' } }],
    ['[a]\nx =\n\ty\n', { a: { x: '\ny' } }],
    ['[a]\nx=1\n  [b]\ny=2\n', { a: { x: '1\n[b]', y: '2' } }],
    ['[a]b]\nx=1\n', { 'a]b': { x: '1' } }],
    ['[a]\nx=1\n ;c\n  y\n', { a: { x: '1\ny' } }],
    ['[a]\nkéy=ü\u00a0\n', { a: { kéy: 'ü' } }],
    ['[a]\r\nx=1\r\n\ty\r\n', { a: { x: '1\ny' } }],
    ['[a]\nx=1\n[b]\n  y=2\n  z=3\n', { a: { x: '1' }, b: { y: '2', z: '3' } }],
    ['[a]\n  y=2\n z=3\n', { a: { y: '2', z: '3' } }],
    ['[a]\ntwo words = v:w=x', { a: { 'two words': 'v:w=x' } }],
    ['[a]\nKeY = Value\n', { a: { key: 'Value' } }],
    ['', {}],
  ])('%j', (text, expected) => {
    expect(plain(text)).toEqual(expected)
  })

  test.each(['[a]\nx\n', 'x=1\n', '[a]\nX=1\nx=2\n', '[a]\n[a]\n', '[a]\n=1\n', '[]\nx=1'])('%j is refused', (text) => {
    expect(() => parseIni(text)).toThrow(expect.objectContaining({ code: 'IntegrityError' }))
  })
})

test.each(['1.2.4', '1.4.5'])('a cache config of borg %s is written back byte for byte', (version) => {
  const { real_cache_dirs } = loadFixture<{
    real_cache_dirs: Record<string, { cache_files: { config: { text: string } } }>
  }>('vectors/cache.json')
  const text = real_cache_dirs[version]?.cache_files.config.text ?? ''

  expect(text.length).toBeGreaterThan(100)
  expect(formatIni(parseIni(text))).toBe(text)
})

test('values with line breaks are written indented by a tab and read back', () => {
  const text = '[repository]\nversion = 1\nempty = \nkey = abc\n\tdef\n\n'

  expect(
    formatIni(
      new Map([
        [
          'repository',
          new Map([
            ['version', '1'],
            ['empty', ''],
            ['key', 'abc\ndef'],
          ]),
        ],
      ]),
    ),
  ).toBe(text)
  expect(plain(text)).toEqual({ repository: { version: '1', empty: '', key: 'abc\ndef' } })
})

test('what is written reads back the same', () => {
  const key = fc.stringMatching(/^[a-z][a-z0-9_ ]{0,10}[a-z]$/)
  const word = fc.stringMatching(/^[!"$-:<-~]{1,20}$/)
  const value = fc.array(word, { maxLength: 4 }).map((lines) => lines.join('\n'))
  const section = fc
    .uniqueArray(fc.tuple(key, value), { selector: ([name]) => name })
    .map((entries) => new Map(entries))
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(key, section), { selector: ([name]) => name }), (sections) => {
      const ini = new Map(sections)
      expect(parseIni(formatIni(ini))).toEqual(ini)
    }),
  )
})

test('booleans are ConfigParser’s', () => {
  expect(['1', 'YES', 'True', 'on', '0', 'no', 'FALSE', 'off', '2', ''].map(iniBoolean)).toEqual([
    true,
    true,
    true,
    true,
    false,
    false,
    false,
    false,
    undefined,
    undefined,
  ])
})
