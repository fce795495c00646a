import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import { type CompressionSpec, formatCompressionSpec, parseCompressionSpec } from '../../src/compress/spec.ts'
import { loadFixture } from '../support/vectors.ts'

type Shape = readonly (string | number | Shape)[]
const { compression } = loadFixture<{ compression: readonly (readonly [string, Shape | string])[] }>(
  'cli/misc-vectors.json',
)

/** As the vectors show a spec: name, level, inner; the inner of an inner is left out. */
function shapeOf(spec: CompressionSpec, depth = 0): Shape {
  if (!('inner' in spec)) return 'level' in spec ? [spec.name, spec.level] : [spec.name]
  const inner = depth === 0 ? [shapeOf(spec.inner, 1)] : []
  return spec.name === 'obfuscate' ? [spec.name, spec.level, ...inner] : [spec.name, ...inner]
}

function refusalOf(text: string): string {
  try {
    parseCompressionSpec(text)
  } catch (error) {
    if (isBorgError(error, 'CommandError')) return error.args[0]
    throw error
  }
  return 'accepted'
}

describe('compression arguments are read as borg reads them', () => {
  test.each(compression.map(([text, expected]) => ({ text, expected })))("'$text'", ({ text, expected }) => {
    if (typeof expected !== 'string') {
      expect(shapeOf(parseCompressionSpec(text))).toEqual(expected)
      return
    }
    // argparse replaces a ValueError's text by its own; every other text is shown as it is.
    const [, kind, message] = /^ERROR (\w+): (.*)$/s.exec(expected) ?? []
    expect(refusalOf(text)).toBe(kind === 'ValueError' ? `invalid CompressionSpec value: '${text}'` : message)
  })

  // Seen with borg 1.2.4, which refuses these without a text.
  test.each([
    ['zstd,', "invalid CompressionSpec value: 'zstd,'"],
    ['zstd,1,2', 'bad arguments'],
    ['auto,', 'unsupported compression type'],
    ['auto,obfuscate,1,none', 'bad arguments'],
    ['auto,auto,zstd,5', 'bad arguments'],
    ['obfuscate,1,', 'unsupported compression type'],
    ['obfuscate,1,zstd,3,4', 'bad arguments'],
    ['obfuscate,1,obfuscate,2,zstd,3', 'bad arguments'],
    [' zstd', 'unsupported compression type'],
    ['zstd, 5', 'accepted'],
    ['zstd,+5', 'accepted'],
    ['zstd,1_0', 'accepted'],
    ['auto,lz4,5', 'accepted'],
    ['obfuscate,1,lz4,3,4', 'accepted'],
    ['obfuscate,1,obfuscate,2,none', 'accepted'],
  ])("'%s' is %s", (text, outcome) => {
    expect(refusalOf(text)).toBe(outcome)
  })
})

test('a printed spec parses to itself', () => {
  for (const text of ['none', 'lz4', 'zstd,3', 'zlib,0', 'lzma,9', 'auto,zstd,10', 'obfuscate,250,auto,lzma,6']) {
    expect(formatCompressionSpec(parseCompressionSpec(text))).toBe(text)
  }
  expect(formatCompressionSpec(parseCompressionSpec('obfuscate,110,zstd'))).toBe('obfuscate,110,zstd,3')
})

test('parsing a spec loads no codec', () => {
  const source = readFileSync(new URL('../../src/compress/spec.ts', import.meta.url), 'utf8')
  const imports = [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1])
  expect(imports).toEqual(['../base/errors.ts'])
})
