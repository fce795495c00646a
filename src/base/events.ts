/**
 * How the engine talks to whoever runs it: news as events, decisions as questions. The engine never prints.
 */
import type { WarningCode } from './error-catalog.ts'

export type { WarningCode } from './error-catalog.ts'

export type LogLevel = 'debug' | 'info' | 'warning' | 'error'

/** What an operation has to say. One variant per borg --log-json type; faces render, the engine never prints. */
export type EngineEvent =
  | {
      type: 'archive_progress'
      path: string
      originalSize: number
      compressedSize: number
      deduplicatedSize: number
      files: number
      finished: boolean
    }
  | {
      type: 'progress_percent'
      operation: number
      msgid: string
      current: number
      total: number
      message: string
      info: readonly string[]
      finished: boolean
    }
  | { type: 'progress_message'; operation: number; msgid: string; message: string; finished: boolean }
  /** What became of one item; `path` is the path as walked (create) or as archived (everything else). */
  | { type: 'file_status'; status: FileStatus; path: string }
  /** One line for people; `logger` is borg's logger name ('borg.output.list', 'borg.archiver' ...). Never changes the exit code. */
  | { type: 'log'; level: LogLevel; logger: string; message: string; msgid?: string | undefined }
  /** Something was not as it should be, and the run went on: exit code 1 or the code's own. Text: `warningMessage`. */
  | { type: 'warning'; code: WarningCode; args: readonly string[] }

/** borg's one-letter outcomes of an item: added, modified, unchanged, changed while read, error ... */
export type FileStatus = 'A' | 'M' | 'U' | 'C' | 'E' | 'd' | 's' | 'h' | 'b' | 'c' | 'f' | 'i' | '-' | 'x' | '?'

/** A decision the engine must not take alone. `msgid` is also the environment variable that answers it. */
export interface Question {
  readonly msgid:
    | 'BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK'
    | 'BORG_RELOCATED_REPO_ACCESS_IS_OK'
    | 'TSBORG_ADVISORY_LOCK_IS_OK'
    | 'BORG_CHECK_I_KNOW_WHAT_I_AM_DOING'
    | 'BORG_DELETE_I_KNOW_WHAT_I_AM_DOING'
  readonly text: string
}

export interface FilePosition {
  readonly path: string
  readonly bytes: number
  /** Undefined where nobody knows it yet: streams. */
  readonly size: number | undefined
}

/** The last parameter of every public function. */
export interface RunOptions {
  /** Stops at once: nothing uncommitted stays visible. */
  readonly signal?: AbortSignal | undefined
  /** Ends early but tidily: create saves a checkpoint first, prune and delete finish the archive at hand and commit. */
  readonly stopSoon?: AbortSignal | undefined
  readonly onEvent?: ((event: EngineEvent) => void) | undefined
  /** Called for each piece of a file's content that was stored or restored: how far it is, in bytes. Must be quick. */
  readonly onPosition?: ((position: FilePosition) => void) | undefined
  /** Absent means every question is answered no. */
  readonly ask?: ((question: Question) => Promise<boolean>) | undefined
}
export type Report = (event: EngineEvent) => void

/** Sends a log line of the main program; `logger` defaults to borg's name for it. */
export function reportLog(run: RunOptions, level: LogLevel, message: string, logger = 'borg.archiver'): void {
  run.onEvent?.({ type: 'log', level, logger, message })
}

export function reportWarning(run: RunOptions, code: WarningCode, ...args: readonly string[]): void {
  run.onEvent?.({ type: 'warning', code, args })
}
