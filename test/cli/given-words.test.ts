import { describe, expect, test } from 'vitest'
import { givenArguments, givenVariables, LostBytes } from '../../src/cli/given-words.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

describe('arguments', () => {
  test('are looked up only when one of them has lost bytes', () => {
    const words = ['create', 'repo::a', 'ordinary']
    const read = (): never => {
      throw new Error('read')
    }
    expect(givenArguments(words, read)).toBe(words)
  })
  test('are the last words of the process, whatever options Node got', () => {
    const read = () => bytes('node\0--import\0tsx\0tsborg.ts\0list\0\0a\xffb\0\xc3\xa4\0')
    expect(givenArguments(['list', '', 'a\ufffdb', 'ä'], read)).toEqual(['list', '', 'a\udcffb', 'ä'])
  })
  test('may hold the replacement character itself', () => {
    expect(givenArguments(['\ufffd'], () => bytes('node\0x\0\xef\xbf\xbd\0'))).toEqual(['\ufffd'])
  })
  test('are refused where their bytes cannot be had, or are of something else', () => {
    expect(() => givenArguments(['\ufffd'], () => undefined)).toThrow(LostBytes)
    expect(() => givenArguments(['a\ufffd'], () => bytes('node\0x\0b\xff\0'))).toThrow(LostBytes)
  })
})

describe('variables', () => {
  test('that hold names get their bytes, others stay', () => {
    const env = { BORG_REPO: 'r\ufffd', LS_COLORS: '\ufffd', HOME: '/root' }
    const read = () => bytes('HOME=/root\0LS_COLORS=\xff\0BORG_REPO=r\xff\0')
    expect(givenVariables(env, read)).toEqual({ ...env, BORG_REPO: 'r\udcff' })
  })
  test('are refused where their bytes cannot be had', () => {
    expect(() => givenVariables({ BORG_REPO: '\ufffd' }, () => undefined)).toThrow(LostBytes)
    expect(givenVariables({ OTHER: '\ufffd' }, () => undefined)).toEqual({ OTHER: '\ufffd' })
  })
})
