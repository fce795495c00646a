/**
 * What a server tells its client besides answers: lines on the side, JSON once the client has said that it reads it.
 * Source: format/rpc.md §7.
 */
import type { Writable } from 'node:stream'
import { warningMessage } from '../base/error-catalog.ts'
import type { EngineEvent, LogLevel } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import { printableText } from '../base/text.ts'
import { formatLogLine } from '../format/log-json.ts'

/** How much a client hears. Progress it always hears: whether to show it is the client's business. */
export interface LogHearing {
  readonly logLevel?: LogLevel | 'critical' | undefined
  /** 'TOPIC' for the logger borg.debug.TOPIC, or a logger's whole name. */
  readonly debugTopics?: readonly string[] | undefined
}

const ranks: Readonly<Record<LogLevel | 'critical', number>> = {
  debug: 10,
  info: 20,
  warning: 30,
  error: 40,
  critical: 50,
}

export class ServerLog {
  readonly #output: Writable | undefined
  readonly #hearing: LogHearing
  readonly #host: Host
  /** Set when the client has negotiated. */
  json = false

  constructor(output: Writable | undefined, hearing: LogHearing, host: Host) {
    this.#output = output
    this.#hearing = hearing
    this.#host = host
  }

  /** For whoever must wait until the client has read its log: it cannot be kept for ever. */
  get isFull(): boolean {
    return this.#output?.writableNeedDrain === true
  }

  readonly event = (event: EngineEvent): void => {
    switch (event.type) {
      case 'log':
        if (this.#hears(event.level, event.logger)) this.#say(event, event.level, event.logger, event.message)
        return
      case 'warning':
        if (!this.#hears('warning', 'borg.archiver')) return
        this.#say(event, 'warning', 'borg.archiver', warningMessage(event.code, event.args))
        return
      case 'progress_message':
      case 'progress_percent':
        // The next one says more anyway.
        if (!this.isFull || event.finished) this.#progress(event)
        return
      case 'archive_progress':
      case 'file_status':
    }
  }

  #say(event: EngineEvent, level: LogLevel, logger: string, message: string): void {
    if (this.json) this.#write(`${formatLogLine(printable(event), this.#host.now())}\n`)
    else
      this.#write(
        message
          .split('\n')
          .map((line) => `${prefix(level, logger)}${printableText(line)}\n`)
          .join(''),
      )
  }

  #progress(event: EngineEvent & { type: 'progress_message' | 'progress_percent' }): void {
    if (this.json) this.#write(`${formatLogLine(event, this.#host.now())}\n`)
    else this.#write(`${prefix('info', 'borg.output.progress')}${event.finished ? '' : printableText(event.message)}\r`)
  }

  #hears(level: LogLevel, logger: string): boolean {
    const { logLevel = 'warning', debugTopics = [] } = this.#hearing
    if (ranks[level] >= ranks[logLevel]) return true
    return debugTopics.some((topic) => (topic.includes('.') ? topic : `borg.debug.${topic}`) === logger)
  }

  #write(text: string): void {
    this.#output?.write(text)
  }
}

function prefix(level: LogLevel, logger: string): string {
  return `$LOG ${level.toUpperCase()} ${logger} Remote: `
}

/** JSON cannot hold bytes that are no text. */
function printable(event: EngineEvent): EngineEvent {
  if (event.type === 'log') return { ...event, message: printableText(event.message) }
  return event.type === 'warning' ? { ...event, args: event.args.map(printableText) } : event
}
