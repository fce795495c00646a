/**
 * Progress as text on stderr.
 *
 * On a terminal a line replaces the one before ('\r', filled up to the width); elsewhere backups print one line per update,
 * and all other indicators still end in '\r', as borg's do.
 * Source: CLI contract "Progress".
 */
import { type EngineEvent, printableText } from '../../parsing.ts'
import { formatSize } from '../../parsing.ts'
import { fitToWidth, padToWidth, textWidth } from './text-width.ts'

export interface ProgressSettings {
  readonly isTerminal: boolean
  /** Undefined when neither a terminal nor COLUMNS says. */
  readonly columns: number | undefined
  readonly iec: boolean
}

export type ProgressEvent = Extract<EngineEvent, { type: 'archive_progress' | 'progress_percent' | 'progress_message' }>

export function progressText(event: ProgressEvent, settings: ProgressSettings): string {
  switch (event.type) {
    case 'archive_progress':
      return archiveLine(event, settings)
    case 'progress_message':
    case 'progress_percent':
      return `${indicatorText(event, settings.columns)}\r`
  }
}

function archiveLine(event: ProgressEvent & { type: 'archive_progress' }, settings: ProgressSettings): string {
  const { isTerminal, columns, iec } = settings
  const end = isTerminal ? '\r' : '\n'
  if (event.finished) return (isTerminal ? ' '.repeat(columns ?? 80) : '') + end
  const { originalSize, compressedSize, deduplicatedSize, files } = event
  const sizes = [originalSize, compressedSize, deduplicatedSize].map((bytes) => formatSize(bytes, { iec }))
  const numbers = `${sizes[0]} O ${sizes[1]} C ${sizes[2]} D ${files} N `
  const path = printableText(event.path)
  if (!isTerminal || columns === undefined) return numbers + path + end
  const room = columns - textWidth(numbers)
  return (room < 12 ? fitToWidth(path, columns) : numbers + fitToWidth(path, room)) + end
}

/** Where a path is named in the text, the path gives way; all other texts are filled up to the width. */
function indicatorText(event: ProgressEvent, columns: number | undefined): string {
  if (event.type === 'archive_progress') return ''
  const message = event.finished ? '' : printableText(event.message)
  if (columns === undefined) return message
  const path = event.type === 'progress_percent' ? printableText(event.info.at(-1) ?? '') : ''
  if (path === '' || !message.endsWith(path)) return padToWidth(message, columns)
  const before = message.slice(0, -path.length)
  return before + fitToWidth(path, Math.max(columns - textWidth(before), 0))
}
