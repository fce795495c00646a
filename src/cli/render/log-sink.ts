/**
 * What the engine and the commands say, on stderr: as text or as JSON lines, as far as somebody wants to hear it.
 * Source: CLI contract "Common options, logging, remote", "--log-json records", "Progress".
 */
import {
  type EngineEvent,
  formatLogLine,
  formatQuestionEnvironmentLine,
  formatQuestionLine,
  type LogLevel,
  type Nanoseconds,
  printableText,
  type QuestionEvent,
  warningMessage,
} from '../../parsing.ts'
import type { LogThreshold } from '../args/common-options.ts'
import { type ProgressEvent, progressText } from './progress-line.ts'

export interface LogSettings {
  readonly json: boolean
  readonly threshold: LogThreshold
  /** 'borg.debug.TOPIC' or full logger names. */
  readonly debugTopics: readonly string[]
  /** Loggers heard at level info whatever the threshold: their option was given. */
  readonly enabled: ReadonlySet<string>
  readonly progress: boolean
  readonly iec: boolean
  /** Letters of --filter; all when undefined. */
  readonly statusFilter: string | undefined
  readonly isTerminal: boolean
  readonly columns: number | undefined
}

export interface LogOutput {
  write(text: string): void
  now(): Nanoseconds
  monotonicMs(): number
}

const ranks: Readonly<Record<LogThreshold, number>> = { debug: 10, info: 20, warning: 30, error: 40, critical: 50 }

/** Loggers that stay quiet below warnings unless their option is given. */
const optionLoggers: ReadonlySet<string> = new Set([
  'borg.output.list',
  'borg.output.stats',
  'borg.output.progress',
  'borg.output.show-version',
  'borg.output.show-rc',
])

/** Of what came from a server and was no record of its own. */
const plainLineLogger = 'root'

const progressIntervalMs = 200

export class LogSink {
  readonly #settings: LogSettings
  readonly #output: LogOutput
  #lastProgressMs: number | undefined

  constructor(settings: LogSettings, output: LogOutput) {
    this.#settings = settings
    this.#output = output
  }

  event(event: EngineEvent): void {
    switch (event.type) {
      case 'log':
        if (this.hears(event.level, event.logger)) this.#say(event, event.message)
        return
      case 'warning':
        if (this.hears('warning', 'borg.archiver')) this.#say(event, warningMessage(event.code, event.args))
        return
      case 'file_status':
        if (this.#wantsStatus(event.status)) this.#say(event, `${event.status} ${event.path}`)
        return
      case 'archive_progress':
      case 'progress_percent':
      case 'progress_message':
        this.#progress(event)
    }
  }

  /** A record about a question, which is heard whatever the threshold. */
  question(type: QuestionEvent | 'question_env_answer', msgid: string, message: string): void {
    const isPrompt = type === 'question_prompt' || type === 'question_prompt_retry'
    if (!this.#settings.json) this.#output.write(isPrompt ? message : `${message}\n`)
    else if (type === 'question_env_answer') this.#output.write(`${formatQuestionEnvironmentLine(msgid, message)}\n`)
    else this.#output.write(`${formatQuestionLine(type, msgid, message)}\n`)
  }

  hears(level: LogLevel, logger: string): boolean {
    const { threshold, enabled, debugTopics } = this.#settings
    // What ssh prints, and a server that is no borg: it explains what comes next.
    if (logger === plainLineLogger) return true
    if (optionLoggers.has(logger))
      return enabled.has(logger) ? ranks[level] >= ranks.info : ranks[level] >= ranks.warning
    return ranks[level] >= ranks[threshold] || debugTopics.some((topic) => topicLogger(topic) === logger)
  }

  #wantsStatus(status: string): boolean {
    const { enabled, statusFilter } = this.#settings
    return enabled.has('borg.output.list') && (statusFilter === undefined || statusFilter.includes(status))
  }

  #progress(event: ProgressEvent): void {
    if (!this.#settings.progress || this.#isTooSoon(event)) return
    if (this.#settings.json) this.#output.write(`${formatLogLine(event, this.#output.now())}\n`)
    else this.#output.write(progressText(event, this.#settings))
  }

  /** Backups tell of every file; nobody can read that fast. */
  #isTooSoon(event: ProgressEvent): boolean {
    if (event.type !== 'archive_progress' || event.finished) return false
    const now = this.#output.monotonicMs()
    if (this.#lastProgressMs !== undefined && now - this.#lastProgressMs < progressIntervalMs) return true
    this.#lastProgressMs = now
    return false
  }

  #say(event: EngineEvent, text: string): void {
    if (!this.#settings.json) this.#output.write(`${printableText(text)}\n`)
    else this.#output.write(`${formatLogLine(printableEvent(event), this.#output.now())}\n`)
  }
}

/** JSON cannot hold bytes that are no text. */
function printableEvent(event: EngineEvent): EngineEvent {
  if (event.type === 'log') return { ...event, message: printableText(event.message) }
  return event.type === 'warning' ? { ...event, args: event.args.map(printableText) } : event
}

function topicLogger(topic: string): string {
  return topic.includes('.') ? topic : `borg.debug.${topic}`
}
