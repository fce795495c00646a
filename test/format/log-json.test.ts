import { describe, expect, test } from 'vitest'
import type { EngineEvent } from '../../src/base/events.ts'
import { nanoseconds } from '../../src/base/ids.ts'
import {
  formatLogLine,
  formatQuestionEnvironmentLine,
  formatQuestionLine,
  parseLogLine,
} from '../../src/format/log-json.ts'

/** Lines printed by borg 1.4.5 (contract, "Real lines"), with the event and the time behind each. */
const lines: [string, EngineEvent, bigint][] = [
  [
    '{"type": "log_message", "time": 1795429528.2074962, "message": "Repository /srv/nope does not exist.", "levelname": "ERROR", "name": "__main__", "msgid": "Repository.DoesNotExist"}',
    {
      type: 'log',
      level: 'error',
      logger: '__main__',
      message: 'Repository /srv/nope does not exist.',
      msgid: 'Repository.DoesNotExist',
    },
    1795429528207496200n,
  ],
  [
    '{"type": "log_message", "time": 1795429526.5425537, "message": "terminating with warning status, rc 1", "levelname": "WARNING", "name": "borg.output.show-rc"}',
    { type: 'log', level: 'warning', logger: 'borg.output.show-rc', message: 'terminating with warning status, rc 1' },
    1795429526542553700n,
  ],
  ['{"type": "file_status", "status": "A", "path": "t/d/g"}', { type: 'file_status', status: 'A', path: 't/d/g' }, 0n],
  [
    '{"original_size": 0, "compressed_size": 0, "deduplicated_size": 0, "nfiles": 0, "path": "t", "time": 1795429520.4747207, "type": "archive_progress", "finished": false}',
    {
      type: 'archive_progress',
      path: 't',
      originalSize: 0,
      compressedSize: 0,
      deduplicatedSize: 0,
      files: 0,
      finished: false,
    },
    1795429520474720700n,
  ],
  [
    '{"time": 1795429520.5117724, "type": "archive_progress", "finished": true}',
    {
      type: 'archive_progress',
      path: '',
      originalSize: 0,
      compressedSize: 0,
      deduplicatedSize: 0,
      files: 0,
      finished: true,
    },
    1795429520511772400n,
  ],
  [
    '{"message": "Initializing cache transaction: Reading config", "operation": 1, "msgid": "cache.begin_transaction", "type": "progress_message", "finished": false, "time": 1795429520.4753175}',
    {
      type: 'progress_message',
      operation: 1,
      msgid: 'cache.begin_transaction',
      message: 'Initializing cache transaction: Reading config',
      finished: false,
    },
    1795429520475317500n,
  ],
  [
    '{"operation": 1, "msgid": "cache.begin_transaction", "type": "progress_message", "finished": true, "time": 1795429520.4758024}',
    { type: 'progress_message', operation: 1, msgid: 'cache.begin_transaction', message: '', finished: true },
    1795429520475802400n,
  ],
  [
    '{"message": "Compacting segments   5%", "current": 2, "total": 22, "info": null, "operation": 1, "msgid": "repository.compact_segments", "type": "progress_percent", "finished": false, "time": 1795429529.6969593}',
    {
      type: 'progress_percent',
      operation: 1,
      msgid: 'repository.compact_segments',
      current: 2,
      total: 22,
      message: 'Compacting segments   5%',
      info: [],
      finished: false,
    },
    1795429529696959300n,
  ],
  [
    '{"message": "  0.0% Extracting: t/d/g", "current": 2, "total": 9, "info": ["t/d/g"], "operation": 1, "msgid": "extract", "type": "progress_percent", "finished": false, "time": 1795429531.1085641}',
    {
      type: 'progress_percent',
      operation: 1,
      msgid: 'extract',
      current: 2,
      total: 9,
      message: '  0.0% Extracting: t/d/g',
      info: ['t/d/g'],
      finished: false,
    },
    1795429531108564100n,
  ],
]

describe('borg’s own lines', () => {
  test.each(lines)('%s', (line, event, time) => {
    expect(formatLogLine(event, nanoseconds(time))).toBe(line)
    expect(parseLogLine(line)).toEqual(event)
  })

  test('about questions', () => {
    const msgid = 'BORG_RELOCATED_REPO_ACCESS_IS_OK'
    const prompt =
      'Warning: The repository at location /x/r2 was previously located at /x/r\nDo you want to continue? [yN] '

    expect(formatQuestionLine('question_prompt', msgid, prompt)).toBe(
      '{"type": "question_prompt", "msgid": "BORG_RELOCATED_REPO_ACCESS_IS_OK", "message": "Warning: The repository at location /x/r2 was previously located at /x/r\\nDo you want to continue? [yN] "}',
    )
    expect(formatQuestionEnvironmentLine(msgid, 'yes (from BORG_RELOCATED_REPO_ACCESS_IS_OK)')).toBe(
      '{"env_var": "BORG_RELOCATED_REPO_ACCESS_IS_OK", "type": "question_env_answer", "msgid": "BORG_RELOCATED_REPO_ACCESS_IS_OK", "message": "yes (from BORG_RELOCATED_REPO_ACCESS_IS_OK)"}',
    )
    expect(formatQuestionLine('question_accepted_false', msgid, 'Aborting.')).toBe(
      '{"type": "question_accepted_false", "msgid": "BORG_RELOCATED_REPO_ACCESS_IS_OK", "message": "Aborting."}',
    )
  })
})

test('a warning is a log message with its code as msgid; a generic one has none', () => {
  const named: EngineEvent = {
    type: 'warning',
    code: 'BackupFileNotFoundError',
    args: ['nonexist', 'stat', "[Errno 2] No such file or directory: 'nonexist'"],
  }
  const generic: EngineEvent = { type: 'warning', code: 'GenericWarning', args: ['odd'] }

  expect(formatLogLine(named, nanoseconds(1795429526363956200n))).toBe(
    '{"type": "log_message", "time": 1795429526.3639562, "message": "nonexist: stat: [Errno 2] No such file or directory: \'nonexist\'", "levelname": "WARNING", "name": "borg.archiver", "msgid": "BackupFileNotFoundError"}',
  )
  expect(formatLogLine(generic, nanoseconds(1_000_000_000n))).toBe(
    '{"type": "log_message", "time": 1.0, "message": "odd", "levelname": "WARNING", "name": "borg.archiver"}',
  )
})

test('paths with stray bytes show a question mark for each', () => {
  const event: EngineEvent = { type: 'file_status', status: 'A', path: 'a\udcff/ä' }

  expect(formatLogLine(event, nanoseconds(0n))).toBe('{"type": "file_status", "status": "A", "path": "a?/\\u00e4"}')
})

test.each([
  '',
  'plain text',
  '{',
  '[]',
  '{"type": "other"}',
  '{"no": "type"}',
  '{"type": "file_status", "status": "AB"}',
])('%j is no record', (line) => {
  expect(parseLogLine(line)).toBeUndefined()
})
