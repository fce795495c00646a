/**
 * What goes wrong on the other side, as the system's errors that callers of a Store know.
 *
 * SFTP has few codes: 'failure' stands for everything from a taken name to a full disk, and who wants to know looks.
 */
import { makeSystemErrorNamed } from '../base/errno.ts'
import { systemErrorCode } from '../base/errors.ts'
import { printableText } from '../base/text.ts'
import { statusCode } from './packets.ts'

const codes: Readonly<Record<number, string>> = {
  [statusCode.noSuchFile]: 'ENOENT',
  [statusCode.permissionDenied]: 'EACCES',
  [statusCode.badMessage]: 'EINVAL',
  [statusCode.unsupported]: 'ENOTSUP',
}
/** Longest part of a server's words that is shown. */
const wordsMax = 200

/** `what` is the operation and its path, for people. */
export function statusError(status: number, words: string, what: string, path: string): Error {
  const error = makeSystemErrorNamed(codes[status] ?? 'EIO', what)
  // Whatever the server says is shown as text and nothing else.
  const shown = printableText(words.slice(0, wordsMax)).replaceAll(/\p{C}/gu, '?')
  error.message = `${error.message} (the server says: ${shown === '' ? `status ${status}` : shown})`
  return Object.assign(error, { path, status })
}

/** Of our own finding, in the same form. */
export function foundError(code: string, what: string, path: string): Error {
  return Object.assign(makeSystemErrorNamed(code, what), { path })
}

export function isMissing(error: unknown): boolean {
  return systemErrorCode(error) === 'ENOENT'
}

export function isDenied(error: unknown): boolean {
  return systemErrorCode(error) === 'EACCES'
}

/** The one status that says nothing: taken, not empty, full ... */
export function isFailure(error: unknown): boolean {
  return error instanceof Error && 'status' in error && error.status === statusCode.failure
}
