/**
 * The mark that tells a file that cannot be read from a repository that cannot be written.
 *
 * Both may fail with the same EIO or ENOSPC from the same code path. Only what carries this mark may be skipped with a
 * warning; everything else ends the backup, so a full disk never looks like an unreadable file.
 */
import { systemErrorCode } from '../base/errors.ts'

const marker = Symbol.for('tsborg.SourceReadError')

/** `cause` is the system's own error, with its `code`. */
export class SourceReadError extends Error {
  override readonly name = 'SourceReadError'
  override readonly cause: Error

  constructor(cause: Error) {
    super(cause.message, { cause })
    this.cause = cause
    Object.defineProperty(this, marker, { value: true })
  }
}

/** True across copies of the package (checked by symbol, not instanceof). */
export function isSourceReadError(error: unknown): error is SourceReadError {
  return typeof error === 'object' && error !== null && marker in error
}

/** `error` marked if the system reported it ('EIO', 'EACCES' ...); an abort, a bug or a BorgError comes back as it is. */
export function asSourceReadError(error: unknown): unknown {
  const code = systemErrorCode(error)
  // Node's own codes ('ERR_INVALID_ARG_TYPE', 'ABORT_ERR') are no errno names: those have no underscore.
  if (error instanceof Error && code !== undefined && /^E[A-Z0-9]+$/.test(code)) return new SourceReadError(error)
  return error
}
