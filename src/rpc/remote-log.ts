/**
 * What comes on the server's stderr, as events: JSON records and '$LOG' lines of borg, and whatever ssh and the far shell
 * print. Source: format/rpc.md §7; CLI contract, common.md §3 "Remote start".
 */
import type { Readable } from 'node:stream'
import type { EngineEvent, LogLevel, RunOptions } from '../base/events.ts'
import { decodeText } from '../base/text.ts'
import { parseLogLine } from '../format/log-json.ts'

/** Logger of lines that are no record of borg's: they are heard whatever the level. */
export const plainLineLogger = 'root'

const lineSizeMax = 1024 * 1024
const levels: Readonly<Record<string, LogLevel>> = { DEBUG: 'debug', INFO: 'info', WARNING: 'warning' }

/** Resolves when the stream has ended, or failed: without its log a connection is as good. */
export async function followRemoteLog(log: Readable, run: RunOptions): Promise<void> {
  let rest: Uint8Array = new Uint8Array(0)
  const tell = (line: Uint8Array): void => run.onEvent?.(remoteEvent(decodeText(line)))
  try {
    for await (const chunk of log as AsyncIterable<Uint8Array>) {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      for (let end = lineEnd(bytes); end !== undefined; end = lineEnd(bytes)) {
        tell(bytes.subarray(0, end.at))
        bytes = bytes.subarray(end.next)
      }
      if (bytes.length > lineSizeMax) {
        tell(bytes)
        bytes = new Uint8Array(0)
      }
      rest = bytes
    }
  } catch {
    // The connection's own streams say what happened to it.
  }
  if (rest.length > 0) tell(rest[rest.length - 1] === 0x0d ? rest.subarray(0, -1) : rest)
}

/** '\n', '\r' or both; undefined while it is not known where the line ends. */
function lineEnd(bytes: Uint8Array): { readonly at: number; readonly next: number } | undefined {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === 0x0a) return { at, next: at + 1 }
    if (bytes[at] !== 0x0d) continue
    if (at + 1 === bytes.length) return undefined
    return { at, next: bytes[at + 1] === 0x0a ? at + 2 : at + 1 }
  }
  return undefined
}

/** One line of a server, without its end. */
export function remoteEvent(line: string): EngineEvent {
  const event = parseLogLine(line)
  switch (event?.type) {
    case 'log':
    case 'progress_message':
    case 'progress_percent':
      return event.message === '' ? event : { ...event, message: `Remote: ${event.message}` }
    case 'archive_progress':
    case 'file_status':
    case 'warning':
      return dropped(event.type, line)
    case undefined:
      return unknownType(line) ?? oldRecord(line) ?? plain(line)
  }
}

/** Servers that were told no version, and the first words of all: '$LOG WARNING borg.archiver Remote: text'. */
function oldRecord(line: string): EngineEvent | undefined {
  const match = /^\$LOG (?<level>\S+) (?:(?<logger>\S+) )??(?<message>Remote: .*)$/s.exec(line)
  const { level = '', logger = '', message = '' } = match?.groups ?? {}
  if (match === null) return undefined
  return { type: 'log', level: levels[level] ?? 'error', logger, message }
}

function unknownType(line: string): EngineEvent | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const record: unknown = JSON.parse(line)
    const type = typeof record === 'object' && record !== null && 'type' in record ? record.type : undefined
    return dropped(typeof type === 'string' ? type : 'None', line)
  } catch {
    return undefined
  }
}

function dropped(type: string, line: string): EngineEvent {
  const message = `Dropped remote log message with unknown type '${type}': ${line}`
  return { type: 'log', level: 'warning', logger: 'borg.remote', message }
}

function plain(line: string): EngineEvent {
  return { type: 'log', level: 'warning', logger: plainLineLogger, message: `Remote: ${line}` }
}
