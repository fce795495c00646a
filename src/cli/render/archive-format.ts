/**
 * `list --format` and `--json` for the archives of a repository.
 * Source: CLI contract "Format keys" and "list --json"; fixtures/cli/format-vectors.json.
 */
import {
  fieldNames,
  type FormatPart,
  type Nanoseconds,
  parsePythonFormat,
  type PythonJson,
  renderPythonFormat,
} from '../../parsing.ts'
import { joinShellWords } from '../shell-words.ts'
import { fixedKeys } from './fixed-keys.ts'
import { archiveTimeIso, archiveTimeText, formatArchiveTime } from './times.ts'

export const defaultArchiveFormat = '{archive:<36} {time} [{id}]{NL}'
export const shortArchiveFormat = '{archive}{NL}'

/** One archive, as listings see it. */
export interface ArchiveRecord {
  readonly name: string
  /** 64 hex digits. */
  readonly id: string
  readonly start: Nanoseconds
  /** What is in the archive's own record, which must be read for it. */
  details(): Promise<ArchiveDetails>
}

export interface ArchiveDetails {
  readonly comment: string
  readonly hostname: string
  readonly username: string
  readonly end: Nanoseconds
  readonly commandLine: readonly string[]
  readonly tam: 'verified' | 'none'
}

const detailKeys: Readonly<Record<string, (details: ArchiveDetails) => string>> = {
  comment: (details) => details.comment,
  bcomment: (details) => details.comment,
  hostname: (details) => details.hostname,
  username: (details) => details.username,
  command_line: (details) => joinShellWords(details.commandLine),
  tam: (details) => details.tam,
}

/** '%-36s TIME [ID]', as in the lists of delete and prune. */
export function archiveLine(archive: Pick<ArchiveRecord, 'name' | 'id' | 'start'>): string {
  return `${archive.name.padEnd(36)} ${archiveTimeText(archive.start)} [${archive.id}]`
}

export class ArchiveFormat {
  readonly #parts: readonly FormatPart[]
  readonly #names: readonly string[]
  readonly #needsDetails: boolean

  /** @throws PythonFormatError for a malformed format. Unknown keys show when an archive is printed as text. */
  constructor(format: string) {
    this.#parts = parsePythonFormat(format)
    this.#names = fieldNames(this.#parts)
    this.#needsDetails = this.#names.some((name) => name in detailKeys || name === 'end')
  }

  /** @throws PythonFormatError for unknown keys and specs that do not fit. */
  async text(archive: ArchiveRecord): Promise<string> {
    const details = this.#needsDetails ? await archive.details() : undefined
    return renderPythonFormat(this.#parts, (name) => {
      const fixed = fixedKeys[name]
      if (fixed !== undefined) return fixed
      if (name === 'archive' || name === 'name' || name === 'barchive') return archive.name
      if (name === 'id') return archive.id
      if (name === 'time' || name === 'start') return { format: (spec) => formatArchiveTime(archive.start, spec) }
      if (details === undefined) return undefined
      if (name === 'end') return { format: (spec) => formatArchiveTime(details.end, spec) }
      return detailKeys[name]?.(details)
    })
  }

  /** One element of "archives". Keys nobody knows are left out. */
  async json(archive: ArchiveRecord): Promise<Record<string, PythonJson>> {
    const start = archiveTimeIso(archive.start)
    const element: Record<string, PythonJson> = {
      archive: archive.name,
      barchive: archive.name,
      id: archive.id,
      name: archive.name,
      start,
      time: start,
    }
    if (!this.#needsDetails) return element
    const details = await archive.details()
    for (const name of this.#names) {
      const detail = detailKeys[name]
      if (name === 'end') element['end'] = archiveTimeIso(details.end)
      else if (name === 'command_line') element[name] = details.commandLine
      else if (detail !== undefined) element[name] = detail(details)
    }
    return element
  }
}
