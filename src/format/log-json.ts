/**
 * borg's --log-json lines: one JSON object per line on stderr, from a program to its front end or from a server to its
 * client. The order of the keys differs from type to type and is part of the contract.
 * Source: contract sheet common.md §4; format sheet rpc.md "stderr".
 */
import { warningMessage } from '../base/error-catalog.ts'
import type { EngineEvent, FileStatus, LogLevel } from '../base/events.ts'
import type { Nanoseconds } from '../base/ids.ts'
import { printableText } from '../base/text.ts'
import { toSeconds } from '../base/time.ts'
import { type PythonFloat, type PythonJsonObject, pythonFloat, stringifyPython } from './python-json.ts'

/** What happens around a yes/no question, in borg's words. */
export type QuestionEvent =
  | 'question_prompt'
  | 'question_prompt_retry'
  | 'question_invalid_answer'
  | 'question_accepted_default'
  | 'question_accepted_true'
  | 'question_accepted_false'

/** borg's logger for everything its main program says. */
const mainLogger = 'borg.archiver'

const levelNames: Readonly<Record<LogLevel, string>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warning: 'WARNING',
  error: 'ERROR',
}

/** One line, without its newline. */
export function formatLogLine(event: EngineEvent, time: Nanoseconds): string {
  return stringifyPython(recordOf(event, pythonFloat(toSeconds(time))))
}

/** One line about a question asked; no time in these. */
export function formatQuestionLine(type: QuestionEvent, msgid: string, message: string): string {
  return stringifyPython({ type, msgid, message })
}

/** The line that says which environment variable answered a question. */
export function formatQuestionEnvironmentLine(msgid: string, message: string): string {
  return stringifyPython({ env_var: msgid, type: 'question_env_answer', msgid, message })
}

/** Back from a line of a borg process; undefined for a line that is no such record (plain text of ssh, for example). */
export function parseLogLine(line: string): EngineEvent | undefined {
  if (!line.startsWith('{')) return undefined
  let record: unknown
  try {
    record = JSON.parse(line)
  } catch {
    return undefined
  }
  return typeof record === 'object' && record !== null ? eventOf(new Map(Object.entries(record))) : undefined
}

function recordOf(event: EngineEvent, time: PythonFloat): PythonJsonObject {
  switch (event.type) {
    case 'log': {
      const { message, level, logger, msgid } = event
      return { type: 'log_message', time, message, levelname: levelNames[level], name: logger, msgid }
    }
    case 'warning': {
      const message = warningMessage(event.code, event.args)
      const msgid = event.code === 'GenericWarning' ? undefined : event.code
      return { type: 'log_message', time, message, levelname: 'WARNING', name: mainLogger, msgid }
    }
    case 'file_status':
      return { type: 'file_status', status: event.status, path: printableText(event.path) }
    case 'archive_progress':
      return archiveProgress(event, time)
    case 'progress_message': {
      const { operation, msgid, type, finished } = event
      return { message: finished ? undefined : event.message, operation, msgid, type, finished, time }
    }
    case 'progress_percent': {
      const { operation, msgid, type, finished } = event
      if (finished) return { operation, msgid, type, finished, time }
      const info = event.info.length === 0 ? null : event.info
      return {
        message: event.message,
        current: event.current,
        total: event.total,
        info,
        operation,
        msgid,
        type,
        finished,
        time,
      }
    }
  }
}

function archiveProgress(event: EngineEvent & { type: 'archive_progress' }, time: PythonFloat): PythonJsonObject {
  const { type, finished } = event
  if (finished) return { time, type, finished }
  return {
    original_size: event.originalSize,
    compressed_size: event.compressedSize,
    deduplicated_size: event.deduplicatedSize,
    nfiles: event.files,
    path: printableText(event.path),
    time,
    type,
    finished,
  }
}

function eventOf(record: ReadonlyMap<string, unknown>): EngineEvent | undefined {
  const type = record.get('type')
  switch (type) {
    case 'log_message': {
      const msgid = record.get('msgid')
      return {
        type: 'log',
        level: levelOf(text(record, 'levelname')),
        logger: text(record, 'name'),
        message: text(record, 'message'),
        ...(typeof msgid === 'string' ? { msgid } : {}),
      }
    }
    case 'file_status': {
      const status = text(record, 'status')
      return isFileStatus(status) ? { type, status, path: text(record, 'path') } : undefined
    }
    case 'archive_progress':
      return {
        type,
        path: text(record, 'path'),
        originalSize: count(record, 'original_size'),
        compressedSize: count(record, 'compressed_size'),
        deduplicatedSize: count(record, 'deduplicated_size'),
        files: count(record, 'nfiles'),
        finished: record.get('finished') === true,
      }
    case 'progress_message':
      return { type, ...progress(record) }
    case 'progress_percent': {
      const info = record.get('info')
      const texts = Array.isArray(info) ? info.map(String) : []
      return {
        type,
        ...progress(record),
        current: count(record, 'current'),
        total: count(record, 'total'),
        info: texts,
      }
    }
  }
  return undefined
}

function progress(record: ReadonlyMap<string, unknown>): {
  operation: number
  msgid: string
  message: string
  finished: boolean
} {
  return {
    operation: count(record, 'operation'),
    msgid: text(record, 'msgid'),
    message: text(record, 'message'),
    finished: record.get('finished') === true,
  }
}

function levelOf(name: string): LogLevel {
  switch (name) {
    case 'DEBUG':
      return 'debug'
    case 'INFO':
      return 'info'
    case 'WARNING':
      return 'warning'
    default:
      return 'error'
  }
}

const fileStatuses: ReadonlySet<string> = new Set<FileStatus>([
  'A',
  'M',
  'U',
  'C',
  'E',
  'd',
  's',
  'h',
  'b',
  'c',
  'f',
  'i',
  '-',
  'x',
  '?',
])

function isFileStatus(text: string): text is FileStatus {
  return fileStatuses.has(text)
}

function text(record: ReadonlyMap<string, unknown>, key: string): string {
  const value = record.get(key)
  return typeof value === 'string' ? value : ''
}

function count(record: ReadonlyMap<string, unknown>, key: string): number {
  const value = record.get(key)
  return typeof value === 'number' ? value : 0
}
