import { lstatSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  asFileProblem,
  during,
  FileProblem,
  fileWarning,
  isFileProblem,
  makeSystemError,
  makeSystemErrorNamed,
  pythonQuoted,
  systemErrorText,
} from '../../src/base/errno.ts'

describe('names in error texts are quoted as Python does', () => {
  // Right-hand sides printed by Python 3.11's repr().
  test.each([
    ['plain', "'plain'"],
    ["it's", `"it's"`],
    ['say "x"', `'say "x"'`],
    [`it's "x"`, `'it\\'s "x"'`],
    ['a\nb\tc\rd', "'a\\nb\\tc\\rd'"],
    ['back\\slash', "'back\\\\slash'"],
    ['\x00\x1f\x7f', "'\\x00\\x1f\\x7f'"],
    ['ünï €', "'ünï €'"],
    ['\u00a0\u2028\u200b', "'\\xa0\\u2028\\u200b'"],
    ['\udcff', "'\\udcff'"],
    ['😀', "'😀'"],
    ['\u{e0001}', "'\\U000e0001'"],
  ])('%j', (name, quoted) => {
    expect(pythonQuoted(name)).toBe(quoted)
  })
})

test('a system error reads as in Python', () => {
  const error = failure(() => lstatSync('/nowhere at all'))
  expect(systemErrorText(error, 'nowhere at all')).toBe("[Errno 2] No such file or directory: 'nowhere at all'")
  expect(systemErrorText(makeSystemErrorNamed('EISDIR', 'read'))).toBe('[Errno 21] Is a directory')
  expect(systemErrorText(makeSystemError(95, 'setxattr'))).toBe('[Errno 95] Operation not supported')
  expect(systemErrorText(makeSystemErrorNamed('ENOTSUP', 'x'))).toBe('[Errno 95] Operation not supported')
})

test.each([
  ['ENOENT', 'BackupFileNotFoundError'],
  ['EPERM', 'BackupPermissionError'],
  ['EACCES', 'BackupPermissionError'],
  ['EBUSY', 'BackupPermissionError'],
  ['EIO', 'BackupIOError'],
  ['ENOSPC', 'BackupOSError'],
])('%s becomes the warning %s', (code, warning) => {
  const problem = failure(() =>
    during('open', 'name', () => {
      throw makeSystemErrorNamed(code, 'open')
    }),
  )
  expect(fileWarning('dir/name', problem)?.code).toBe(warning)
  expect(fileWarning('dir/name', problem)?.args.slice(0, 2)).toEqual(['dir/name', 'open'])
})

test('only system errors become problems of a file; all else must end the run', () => {
  const bug = new TypeError('bug')
  const argument = Object.assign(new TypeError('bad'), { code: 'ERR_INVALID_ARG_TYPE' })

  expect(
    failure(() =>
      during('open', 'n', () => {
        throw bug
      }),
    ),
  ).toBe(bug)
  expect(asFileProblem('open', 'n', argument)).toBe(argument)
  expect(fileWarning('n', bug)).toBeUndefined()
  expect(isFileProblem(new FileProblem('BackupError', ['why']))).toBe(true)
})

function failure(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('did not fail')
}
