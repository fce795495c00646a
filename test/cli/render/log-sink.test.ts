import { describe, expect, test } from 'vitest'
import { type LogSettings, LogSink } from '../../../src/cli/render/log-sink.ts'
import type { EngineEvent, Nanoseconds } from '../../../src/parsing.ts'

const quiet: LogSettings = {
  json: false,
  threshold: 'warning',
  debugTopics: [],
  enabled: new Set(),
  progress: false,
  iec: false,
  statusFilter: undefined,
  isTerminal: false,
  columns: undefined,
}

/** What is written about these events. `clock` gives the milliseconds at each look. */
function written(
  settings: Partial<LogSettings>,
  events: readonly EngineEvent[],
  clock: readonly number[] = [],
): string {
  let text = ''
  const times = [...clock]
  const output = {
    write: (more: string) => {
      text += more
    },
    now: () => 1_500_000_000n as Nanoseconds,
    monotonicMs: () => times.shift() ?? 0,
  }
  const sink = new LogSink({ ...quiet, ...settings }, output)
  for (const event of events) sink.event(event)
  return text
}

function log(level: 'debug' | 'info' | 'warning' | 'error', logger = 'borg.archiver'): EngineEvent {
  return { type: 'log', level, logger, message: `${level} of ${logger}` }
}

function archiveProgress(path: string, finished = false): EngineEvent {
  const sizes = { originalSize: 20650, compressedSize: 20650, deduplicatedSize: 0, files: 3 }
  return { type: 'archive_progress', path, finished, ...sizes }
}

function percent(message: string, info: readonly string[] = [], finished = false): EngineEvent {
  const numbers = { operation: 1, msgid: 'extract', current: 2, total: 9 }
  return { type: 'progress_percent', message, info, finished, ...numbers }
}

describe('messages', () => {
  test.each([
    ['critical', ''],
    ['error', 'error of borg.archiver\n'],
    ['warning', 'warning of borg.archiver\nerror of borg.archiver\n'],
    ['info', 'info of borg.archiver\nwarning of borg.archiver\nerror of borg.archiver\n'],
  ] as const)('below %s are not heard', (threshold, text) => {
    expect(written({ threshold }, [log('debug'), log('info'), log('warning'), log('error')])).toBe(text)
  })
  test('of a list are heard only if the list was asked for, and then always', () => {
    const list = log('info', 'borg.output.list')

    expect(written({ threshold: 'debug' }, [list])).toBe('')
    expect(written({ threshold: 'critical', enabled: new Set(['borg.output.list']) }, [list])).toBe(
      'info of borg.output.list\n',
    )
  })
  test('about a topic are heard if it was named', () => {
    expect(written({ debugTopics: ['repository'] }, [log('debug', 'borg.debug.repository'), log('debug')])).toBe(
      'debug of borg.debug.repository\n',
    )
    expect(written({ debugTopics: ['some.logger'] }, [log('debug', 'some.logger')])).toBe('debug of some.logger\n')
  })
  test('are JSON objects with --log-json', () => {
    const warning: EngineEvent = {
      type: 'warning',
      code: 'BackupFileNotFoundError',
      args: ['x', 'stat', '[Errno 2] gone'],
    }

    expect(written({ json: true }, [warning])).toBe(
      '{"type": "log_message", "time": 1.5, "message": "x: stat: [Errno 2] gone", "levelname": "WARNING", "name": "borg.archiver", "msgid": "BackupFileNotFoundError"}\n',
    )
  })
  test('show bytes that are no text as ?', () => {
    const message: EngineEvent = { type: 'log', level: 'error', logger: 'borg.archiver', message: 'a\udcffb' }

    expect(written({}, [message])).toBe('a?b\n')
    expect(written({ json: true }, [message])).toContain('"message": "a?b"')
  })
})

describe('status letters', () => {
  const events: EngineEvent[] = [
    { type: 'file_status', status: 'A', path: 't/a' },
    { type: 'file_status', status: 'U', path: 't/b' },
  ]
  const enabled = new Set(['borg.output.list'])
  test('are listed on request', () => {
    expect(written({}, events)).toBe('')
    expect(written({ enabled }, events)).toBe('A t/a\nU t/b\n')
  })
  test('can be chosen', () => expect(written({ enabled, statusFilter: 'AME-+' }, events)).toBe('A t/a\n'))
  test('are records of their own in JSON', () => {
    expect(written({ enabled, json: true, statusFilter: 'U' }, events)).toBe(
      '{"type": "file_status", "status": "U", "path": "t/b"}\n',
    )
  })
})

describe('progress', () => {
  test('is shown on request only', () => {
    expect(written({}, [archiveProgress('p'), percent('  0%'), archiveProgress('', true)])).toBe('')
  })
  test('of a backup is one line per update where there is no terminal', () => {
    const text = written({ progress: true }, [archiveProgress('t/f'), archiveProgress('', true)])

    expect(text).toBe('20.65 kB O 20.65 kB C 0 B D 3 N t/f\n\n')
  })
  test('of a backup fits the terminal, and is wiped at the end', () => {
    const settings = { progress: true, isTerminal: true, columns: 48 }

    expect(written(settings, [archiveProgress('some/long/path/to/a/file')])).toBe(
      '20.65 kB O 20.65 kB C 0 B D 3 N some/...o/a/file\r',
    )
    expect(written(settings, [archiveProgress('', true)])).toBe(`${' '.repeat(48)}\r`)
  })
  test('of a backup is shown every 0.2 seconds at most', () => {
    const paths = ['a', 'b', 'c', 'd'].map((path) => archiveProgress(path))

    const text = written({ progress: true }, paths, [1000, 1199, 1200, 1399])

    expect(text.match(/\S+$/gm)).toEqual(['a', 'c'])
  })
  test('in percent is filled up to the width, and the path gives way', () => {
    const settings = { progress: true, columns: 40 }

    expect(written(settings, [percent('Compacting segments   5%')])).toBe(`${'Compacting segments   5%'.padEnd(40)}\r`)
    const path = 'a/very/long/path/to/some/file'
    expect(written(settings, [percent(`  0.0% Extracting: ${path}`, [path])])).toBe(
      '  0.0% Extracting: a/very/...o/some/file\r',
    )
    expect(written(settings, [percent('', [], true)])).toBe(`${' '.repeat(40)}\r`)
  })
  test('is a record in JSON', () => {
    expect(written({ progress: true, json: true }, [percent('  0.0% Extracting: p', ['p'])])).toBe(
      '{"message": "  0.0% Extracting: p", "current": 2, "total": 9, "info": ["p"], "operation": 1, "msgid": "extract", "type": "progress_percent", "finished": false, "time": 1.5}\n',
    )
  })
})

describe('questions', () => {
  function asked(json: boolean): string {
    let text = ''
    const write = (more: string): void => {
      text += more
    }
    const output = { write, now: () => 0n as Nanoseconds, monotonicMs: () => 0 }
    const sink = new LogSink({ ...quiet, json, threshold: 'critical' }, output)
    sink.question('question_prompt', 'BORG_X', 'Really? [yN] ')
    sink.question('question_env_answer', 'BORG_X', 'no (from BORG_X)')
    sink.question('question_accepted_false', 'BORG_X', 'Aborting.')
    return text
  }
  test('are asked in text without a newline', () => {
    expect(asked(false)).toBe('Really? [yN] no (from BORG_X)\nAborting.\n')
  })
  test('are records in JSON', () => {
    expect(asked(true)).toBe(
      [
        '{"type": "question_prompt", "msgid": "BORG_X", "message": "Really? [yN] "}',
        '{"env_var": "BORG_X", "type": "question_env_answer", "msgid": "BORG_X", "message": "no (from BORG_X)"}',
        '{"type": "question_accepted_false", "msgid": "BORG_X", "message": "Aborting."}',
        '',
      ].join('\n'),
    )
  })
})
