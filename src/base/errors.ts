/**
 * The one error class of the engine, over the catalog of borg's errors.
 *
 * The code is the identity, the message is derived from code and arguments. Callers test codes with `isBorgError`.
 */
import { type ErrorSpec, errorCatalog } from './error-catalog.ts'

export type ErrorCode = keyof typeof errorCatalog
export type ErrorArgs<C extends ErrorCode> = Parameters<(typeof errorCatalog)[C]['message']>

const marker = Symbol.for('tsborg.BorgError')

/** The only error the engine throws on purpose. Anything else is a bug or the operating system. */
export class BorgError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'BorgError'
  readonly code: C
  readonly args: ErrorArgs<C>
  /** Exit code under BORG_EXIT_CODES=modern. */
  readonly exitCode: number

  constructor(code: C, args: ErrorArgs<C>, options?: { cause?: unknown }) {
    const spec: ErrorSpec = errorCatalog[code]
    const message = spec.message as (...args: readonly string[]) => string
    super(message(...args), options)
    this.code = code
    this.args = args
    this.exitCode = spec.exit
    Object.defineProperty(this, marker, { value: true })
  }
}

/** True across copies of the package (checked by symbol, not instanceof). */
export function isBorgError<C extends ErrorCode>(error: unknown, code?: C): error is BorgError<C> {
  if (typeof error !== 'object' || error === null || !(marker in error)) return false
  return code === undefined || (error as unknown as BorgError).code === code
}

/** Codes that say "these bytes are not what was written", which checks collect and repairs act on. */
const integrityCodes: ReadonlySet<ErrorCode> = new Set([
  'IntegrityError',
  'FileIntegrityError',
  'DecompressionError',
  'ArchiveTAMInvalid',
  'TAMInvalid',
])

/** True for every error that means damaged or forged data, whichever layer found it. */
export function isIntegrityError(error: unknown): error is BorgError {
  return isBorgError(error) && integrityCodes.has(error.code)
}

/** True for everything that can be wrong with one stored object: damaged, forged, of an unknown kind, or not there. */
export function isObjectError(error: unknown): error is BorgError {
  return (
    isIntegrityError(error) ||
    isBorgError(error, 'UnsupportedPayloadError') ||
    isBorgError(error, 'Repository.ObjectNotFound')
  )
}

/** The `errno` name of a system error ('ENOENT', 'ENOSPC'), or undefined for any other error. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error) || isBorgError(error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
