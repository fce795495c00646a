/**
 * Which failures may be gone in a moment: those of the way to a Store, never those of what was asked of it.
 */
import { systemErrorCode } from '../base/errors.ts'

/** The system's and the resolver's names for a line that is down, closed, or too slow. */
const transientCodes: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENOTCONN',
  'EPIPE',
  'ESOCKETTIMEDOUT',
  'ETIMEDOUT',
])

/** Longer chains of causes are circles. */
const causesMax = 10

/** True when the error says so of itself (`isTransient`, for a Store's own errors), or when it, or what caused it, has the code of a broken connection. */
export function isTransientFailure(error: unknown): boolean {
  let each = error
  for (let depth = 0; depth < causesMax && typeof each === 'object' && each !== null; depth++) {
    if ('isTransient' in each && typeof each.isTransient === 'boolean') return each.isTransient
    if (transientCodes.has(systemErrorCode(each) ?? '')) return true
    each = 'cause' in each ? each.cause : undefined
  }
  return false
}
