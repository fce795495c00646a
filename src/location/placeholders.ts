/**
 * {now} {hostname} {user} ... in names of archives and repositories.
 * Source: CLI contract "Placeholders"; fixtures/cli/misc-vectors.json.
 */
import { toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import type { Host } from '../base/host.ts'
import { borgVersion } from '../base/limits.ts'
import type { Nanoseconds } from '../base/ids.ts'
import { type CalendarTime, localTime, utcTime, wholeMicroseconds } from './calendar.ts'
import { type FormatValue, parsePythonFormat, PythonFormatError, renderPythonFormat } from './python-format.ts'
import { isoSeconds, strftime } from './strftime.ts'

export interface PlaceholderOptions {
  /** BORG_HOSTNAME and BORG_USERNAME take the place of what the host says. */
  readonly hostname?: string | undefined
  readonly username?: string | undefined
  /** What {now} and {utcnow} mean, as with --timestamp; {unixtime} stays the real time. */
  readonly timestamp?: Nanoseconds | undefined
}

/**
 * One expansion: doubled braces become single ones, so never expand twice.
 * @throws BorgError 'InvalidPlaceholder' for an unknown name, 'PlaceholderError' for a bad spec, 'CommandError' (with
 * Python's text) for an unbalanced brace.
 */
export function expandPlaceholders(text: string, host: Host, options: PlaceholderOptions = {}): string {
  if (!/[{}]/.test(text)) return text
  const values = placeholderValues(host, options)
  const parts = parseOrRefuse(text)
  for (const part of parts) {
    if (part.kind === 'literal' || part.name === '') continue
    if (part.conversion !== undefined || !(part.name in values)) {
      throw new BorgError('InvalidPlaceholder', [part.name, text])
    }
  }
  try {
    return renderPythonFormat(parts, (name) => values[name]?.())
  } catch (error) {
    if (!(error instanceof PythonFormatError)) throw error
    const known = Object.keys(values).join(', ')
    throw new BorgError('PlaceholderError', [text, known, error.kind, error.message], { cause: error })
  }
}

function parseOrRefuse(text: string): ReturnType<typeof parsePythonFormat> {
  try {
    return parsePythonFormat(text)
  } catch (error) {
    if (!(error instanceof PythonFormatError)) throw error
    throw new BorgError('CommandError', [error.message], { cause: error })
  }
}

type Values = Readonly<Record<string, () => FormatValue>>

function placeholderValues(host: Host, options: PlaceholderOptions): Values {
  const real = host.now()
  const instant = wholeMicroseconds(options.timestamp ?? real)
  return {
    pid: () => host.processId,
    fqdn: () => host.fqdn,
    'reverse-fqdn': () => host.fqdn.split('.').reverse().join('.'),
    hostname: () => options.hostname ?? host.hostname,
    now: () => timeValue(localTime(instant)),
    utcnow: () => timeValue(utcTime(instant)),
    unixtime: () => Math.floor(wholeMicroseconds(real) / 1e6),
    user: () => options.username ?? host.username,
    uuid4: () => randomUuid(host),
    borgversion: () => borgVersion,
    borgmajor: () => borgVersion.split('.').slice(0, 1).join('.'),
    borgminor: () => borgVersion.split('.').slice(0, 2).join('.'),
    borgpatch: () => borgVersion.split('.').slice(0, 3).join('.'),
  }
}

function timeValue(time: CalendarTime): FormatValue {
  return { format: (spec) => strftime(spec === '' ? isoSeconds : spec, time) }
}

/** RFC 4122, version 4. */
function randomUuid(host: Host): string {
  const bytes = host.randomBytes(16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = toHex(bytes)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
