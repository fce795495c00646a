/**
 * An error of the server that nobody here knows: its own words, and whose they are. As borg 1.2.4 and 1.4 print it.
 */
import { expect, test } from 'vitest'
import { readEnvironment } from '../../src/cli/env.ts'
import { fatalReport } from '../../src/cli/fatal-report.ts'
import { errorFromWire } from '../../src/rpc/wire-errors.ts'

const context = { environment: readEnvironment({}), argv: ['tsborg'], currentFolder: '/' }
const failure = {
  className: 'ZeroDivisionError',
  args: ['division by zero'],
  full: ['Traceback (most recent call last):\n', '  File "x"\n', 'ZeroDivisionError: division by zero\n'],
  short: ['ZeroDivisionError: division by zero'],
  trace: true,
  sysinfo: 'Platform: far\nPID: 1\n',
}

test('the traceback is the message, the class is the msgid, the far system is told from ours', () => {
  const report = fatalReport(errorFromWire(failure, 'ssh://h/x'), context)
  expect(report.message).toBe(
    'Traceback (most recent call last):\n\n  File "x"\n\nZeroDivisionError: division by zero\n',
  )
  expect(report).toMatchObject({ msgid: 'ZeroDivisionError', traceLevel: 'error', modernExitCode: 2 })
  expect(report.trace).toMatch(/^Borg server: Platform: far\nBorg server: PID: 1\nPlatform: /)
})

test('an old server that says no more than the class', () => {
  const bare = { ...failure, args: undefined, full: [], short: [], trace: false, sysinfo: '' }
  const report = fatalReport(errorFromWire(bare, 'ssh://h/x'), context)
  expect(report.message).toBe('Remote Exception (see remote log for the traceback)')
  expect(report.msgid).toBe('ZeroDivisionError')
})
