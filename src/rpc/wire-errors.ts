/**
 * borg's errors on the wire: a class name and arguments. Source: format/rpc.md §5.
 */
import { type ErrorCode, BorgError, isBorgError, systemErrorCode } from '../base/errors.ts'
import { errorCatalog } from '../base/error-catalog.ts'
import type { WireFailure } from './wire.ts'

/** An error of the server that has no counterpart here. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError'
  readonly failure: WireFailure

  constructor(failure: WireFailure) {
    super(failure.short.join('\n').trimEnd() || failure.className)
    this.failure = failure
  }
}

/** True across copies of the package: tested by name. */
export function isRemoteError(error: unknown): error is RemoteError {
  return error instanceof Error && error.name === 'RemoteError' && 'failure' in error
}

/** What stands for the client's own name of the repository in a rebuilt error. */
const path = Symbol('path')
type ArgumentSource = number | typeof path

/** How clients rebuild an error: from which of the server's arguments, or their own name for the repository. */
const rebuilt: Readonly<Partial<Record<ErrorCode, readonly ArgumentSource[]>>> = {
  Error: [0],
  ErrorWithTraceback: [0],
  'Repository.DoesNotExist': [path],
  'Repository.AlreadyExists': [path],
  'Repository.CheckNeeded': [path],
  'Repository.InvalidRepository': [path],
  'Repository.InvalidRepositoryConfig': [path, 1],
  'Repository.AtticRepository': [path],
  'Repository.ParentPathDoesNotExist': [0],
  'Repository.PathAlreadyExists': [0],
  'Repository.PathPermissionDenied': [0],
  'Repository.ObjectNotFound': [0, path],
  'Repository.InsufficientFreeSpaceError': [0, 1],
  'Repository.StorageQuotaExceeded': [0, 1],
  IntegrityError: [0],
  PathNotAllowed: [0],
  InvalidRPCMethod: [0],
  LockTimeout: [0],
  LockFailed: [0, 1],
  NotLocked: [0],
  NotMyLock: [0],
}

/** Of these only: archives have a DoesNotExist, too, and no server knows them. */
const codeOfClass: ReadonlyMap<string, ErrorCode> = new Map(
  (Object.keys(rebuilt) as ErrorCode[]).map((code) => [classOf(code), code]),
)

/** borg's class name: the msgid without the class around it. */
function classOf(code: ErrorCode): string {
  return code.slice(code.lastIndexOf('.') + 1)
}

/** `location` is what the client calls the repository: the server's own paths are its own business. */
export function errorFromWire(failure: WireFailure, location: string): Error {
  const code = codeOfClass.get(failure.className)
  const sources = code === undefined ? undefined : rebuilt[code]
  if (code === undefined || sources === undefined) return new RemoteError(failure)
  const args = sources.map((source) => (source === path ? location : String(failure.args?.[source] ?? unknownArgument)))
  return new BorgError(code, args as never, { cause: new RemoteError(failure) })
}

const unknownArgument = '(not available)'

/** Never tells more than the error itself does: no stack of ours, no paths but those in its arguments. */
export function failureToWire(error: unknown): WireFailure {
  const message = error instanceof Error ? error.message : String(error)
  if (!isBorgError(error)) {
    const className = pythonClass(error)
    // The last line of a traceback of Python's, which clients show as it is.
    const line = `${className}: ${message}\n`
    return { className, args: [message], full: [line], short: [line], trace: true, sysinfo: '' }
  }
  return {
    className: classOf(error.code),
    args: error.args.map(String),
    full: [message],
    short: [message],
    trace: errorCatalog[error.code].trace,
    sysinfo: '',
  }
}

/** What Python would have thrown: clients know those names. */
function pythonClass(error: unknown): string {
  if (systemErrorCode(error) !== undefined) return 'OSError'
  if (error instanceof RangeError) return 'ValueError'
  return error instanceof Error ? error.name : 'Exception'
}
