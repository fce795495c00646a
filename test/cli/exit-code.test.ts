import { describe, expect, test } from 'vitest'
import { ExitStatus } from '../../src/cli/exit-code.ts'
import type { WarningCode } from '../../src/parsing.ts'

function codeOf(style: 'legacy' | 'modern', ...warnings: WarningCode[]): number {
  const status = new ExitStatus(style)
  for (const warning of warnings) status.addWarning(warning)
  return status.code
}

describe('warnings make the exit code', () => {
  test.each<[WarningCode[], number, number]>([
    [[], 0, 0],
    [['FileChangedWarning'], 1, 100],
    [['BackupFileNotFoundError', 'BackupFileNotFoundError'], 1, 107],
    [['BackupFileNotFoundError', 'BackupPermissionError'], 1, 1],
    [['BackupFileNotFoundError', 'BackupPermissionError', 'BackupPermissionError'], 1, 1],
    [['GenericWarning', 'FileChangedWarning'], 1, 1],
    [['FileChangedWarning', 'GenericWarning'], 1, 1],
  ])('%j: %i, modern %i', (warnings, legacy, modern) => {
    expect(codeOf('legacy', ...warnings)).toBe(legacy)
    expect(codeOf('modern', ...warnings)).toBe(modern)
  })
})

test('an error has its own code in modern mode, and 2 otherwise', () => {
  expect(new ExitStatus('legacy').errorCode(73)).toBe(2)
  expect(new ExitStatus('modern').errorCode(73)).toBe(73)
})
