/**
 * What S3 or the way to it answered instead of doing what was asked.
 */
import { BorgError } from '../base/errors.ts'
import { childText, parseXml } from './xml.ts'

export class S3Failure extends Error {
  override readonly name = 'S3Failure'
  /** HTTP status; 0 when no answer came. */
  readonly status: number
  /** S3's name for it ('NoSuchKey'), the system's ('ECONNRESET'), or ''. */
  readonly s3Code: string

  constructor(status: number, s3Code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.status = status
    this.s3Code = s3Code
  }
}

/** What is of use in an error answer. Bodies repeat signed strings and key ids: nothing else of them is kept. */
export interface ErrorAnswer {
  readonly code: string
  readonly message: string
  readonly requestId: string
  /** Where the bucket really is, if it says so. */
  readonly region: string
}

/** Empty texts for a body that is missing (HEAD) or not S3's. */
export function parseErrorAnswer(body: Uint8Array): ErrorAnswer {
  try {
    const root = parseXml(new TextDecoder().decode(body))
    if (root.name !== 'Error') return nothingSaid
    return {
      code: childText(root, 'Code'),
      message: childText(root, 'Message'),
      requestId: childText(root, 'RequestId'),
      region: childText(root, 'Region'),
    }
  } catch {
    return nothingSaid
  }
}

const nothingSaid: ErrorAnswer = { code: '', message: '', requestId: '', region: '' }

const transientStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])
/** Whatever status they come with. ConditionalRequestConflict: another conditional write was under way. */
const transientCodes: ReadonlySet<string> = new Set([
  'InternalError',
  'ServiceUnavailable',
  'SlowDown',
  'RequestTimeout',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'RequestLimitExceeded',
  'OperationAborted',
  'ConditionalRequestConflict',
  'BadDigest',
  'IncompleteBody',
])
/** Names of the system and of Node for "try again"; a name that does not resolve or a bad certificate is not among them. */
const transientSystemCodes: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
])

export function isTransient({ status, s3Code }: S3Failure): boolean {
  if (status === 0) return transientSystemCodes.has(s3Code) || s3Code.startsWith('HPE_')
  return transientStatuses.has(status) || transientCodes.has(s3Code)
}

/** The service does not know what was asked of it, a header or a whole operation. */
export function isUnsupported(error: unknown): boolean {
  return (
    error instanceof S3Failure &&
    (error.status === 501 || error.s3Code === 'NotImplemented' || error.s3Code === 'MethodNotAllowed')
  )
}

/** Runs `work`; what S3 said against it becomes the one clear error of the run. */
export async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof S3Failure) throw new BorgError('Error', [error.message], { cause: error })
    throw error
  }
}
