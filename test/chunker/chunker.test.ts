import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import {
  type ChunkerParams,
  chunkerParamsFields,
  chunkerParamsFromFields,
  chunkerParamsProblem,
  defaultChunkerParams,
  formatChunkerParams,
  itemChunkerParams,
  parseChunkerParams,
  sameChunkerParams,
} from '../../src/chunker/chunker.ts'
import { makeChunker } from '../../src/chunker/make-chunker.ts'
import { loadFixture } from '../support/vectors.ts'

type Fields = readonly (string | number)[]
const { chunker_params: parsing } = loadFixture<{ chunker_params: readonly (readonly [string, Fields | null])[] }>(
  'vectors/parsing.json',
)
const { chunker_params: misc } = loadFixture<{ chunker_params: readonly (readonly [string, Fields | string])[] }>(
  'cli/misc-vectors.json',
)

function refusalOf(text: string): string {
  try {
    parseChunkerParams(text)
  } catch (error) {
    if (isBorgError(error, 'CommandError')) return error.args[0]
    throw error
  }
  return 'accepted'
}

describe('chunker arguments are read as borg reads them', () => {
  test.each(parsing.map(([text, fields]) => ({ text, fields })))("'$text'", ({ text, fields }) => {
    if (fields === null) expect(refusalOf(text)).not.toBe('accepted')
    else expect(chunkerParamsFields(parseChunkerParams(text))).toEqual(fields)
  })

  test.each(misc.map(([text, expected]) => ({ text, expected })))(
    "'$text' of the CLI's table",
    ({ text, expected }) => {
      if (typeof expected !== 'string') {
        expect(chunkerParamsFields(parseChunkerParams(text))).toEqual(expected)
        return
      }
      // argparse replaces a ValueError's text by its own; every other text is shown as it is.
      const [, kind, message] = /^ERROR (\w+): (.*)$/s.exec(expected) ?? []
      expect(refusalOf(text)).toBe(kind === 'ValueError' ? `invalid ChunkerParams value: '${text}'` : message)
    },
  )

  // Seen with borg 1.2.4.
  test.each([
    ['DEFAULT', 'accepted'],
    ['default,', 'invalid chunker params'],
    ['fixed, 64', 'accepted'],
    ['fixed,1_000', 'accepted'],
    ['fixed,64,', "invalid ChunkerParams value: 'fixed,64,'"],
    ['foo,1,2,3', "invalid ChunkerParams value: 'foo,1,2,3'"],
    ['1,2,3,4,5', 'invalid chunker params'],
    ['fixed,-5', 'block_size must not be less than 64 Bytes'],
    ['buzhash,6,7,6,63', 'accepted'],
  ])("'%s' is %s", (text, outcome) => {
    expect(refusalOf(text)).toBe(outcome)
  })

  // borg accepts these and fails an assertion once it starts to cut.
  test.each(['buzhash,6,6,6,1', '23,23,23,1', 'buzhash,6,7,6,65', '10,12,11,4095', '19,23,21,-1', 'fixed,64,-1'])(
    "'%s', with which nothing can be cut, is refused at once",
    (text) => {
      expect(refusalOf(text)).not.toBe('accepted')
    },
  )
})

test('printed parameters parse to themselves', () => {
  for (const params of [defaultChunkerParams, itemChunkerParams, parseChunkerParams('fixed,4096,512')]) {
    expect(parseChunkerParams(formatChunkerParams(params))).toEqual(params)
    expect(chunkerParamsFromFields(chunkerParamsFields(params))).toEqual(params)
  }
})

test('archives older than borg 1.2 have four numbers, which mean buzhash', () => {
  expect(chunkerParamsFromFields([19, 23, 21, 4095])).toEqual(defaultChunkerParams)
})

test('parameters an archive cannot have are not taken for parameters', () => {
  for (const fields of [
    [],
    [1, 2, 3],
    ['fixed', 64],
    ['fixed', '64', 0],
    ['buzhash', 19, 23, 21],
    ['x', 1, 2, 3, 4],
    [null],
  ]) {
    expect(chunkerParamsFromFields(fields)).toBeUndefined()
  }
})

test('parameters are the same when they cut the same', () => {
  expect(sameChunkerParams(defaultChunkerParams, parseChunkerParams('19,23,21,4095'))).toBe(true)
  expect(sameChunkerParams(defaultChunkerParams, itemChunkerParams)).toBe(false)
})

test('no chunker is made of parameters that have a problem', () => {
  const params: ChunkerParams = {
    algorithm: 'buzhash',
    minExponent: 10,
    maxExponent: 12,
    maskBits: 11,
    windowSize: 4095,
  }

  expect(chunkerParamsProblem(params)).toBe('required: window_size + 2^chunk_min < 2^chunk_max')
  expect(() => makeChunker(params, 0)).toThrow(/window_size/)
})

test('parsing parameters loads no kernel', () => {
  const source = readFileSync(new URL('../../src/chunker/chunker.ts', import.meta.url), 'utf8')
  const imports = [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1])
  expect(imports).toEqual(['../base/errors.ts', '../base/limits.ts'])
})
