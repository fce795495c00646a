/**
 * System errors in the words borg's users know: Python's text of an OSError, and the warning it becomes.
 *
 * Source: contract in cli/commands.md §2 "warnings" and cli/common.md §6; the texts are the C library's English ones.
 */
import { constants } from 'node:os'
import type { WarningCode } from './events.ts'
import { systemErrorCode } from './errors.ts'
import { errnoTable } from './errno-table.ts'

const marker = Symbol.for('tsborg.FileProblem')

/**
 * Something went wrong with one file, and the run can go on: what a warning needs except the path to show.
 * Thrown by `source`, `target` and `during`; turned into a warning by `fileWarning`.
 */
export class FileProblem extends Error {
  override readonly name = 'FileProblem'
  readonly code: WarningCode
  /** The arguments of the warning that follow the path: operation word and system text, or a reason. */
  readonly details: readonly string[]

  constructor(code: WarningCode, details: readonly string[] = [], options?: { cause?: unknown }) {
    super([code, ...details].join(': '), options)
    this.code = code
    this.details = details
    Object.defineProperty(this, marker, { value: true })
  }
}

/** True across copies of the package (checked by symbol, not instanceof). */
export function isFileProblem(error: unknown): error is FileProblem {
  return typeof error === 'object' && error !== null && marker in error
}

/**
 * Runs `action`; a system error in it becomes a FileProblem that carries borg's word for what was being done
 * ('open', 'stat', 'read' ...) and the name Python would show. Anything else passes through.
 */
export function during<T>(operation: string, fileName: string | undefined, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw asFileProblem(operation, fileName, error)
  }
}

/** What `during` throws for `error`: a FileProblem for a system error, `error` itself otherwise. */
export function asFileProblem(operation: string, fileName: string | undefined, error: unknown): unknown {
  if (!isSystemError(error)) return error
  return new FileProblem(warningCodeOf(error), [operation, systemErrorText(error, fileName)], { cause: error })
}

/** The warning for a file that could not be handled, or undefined when `error` is none of a file's (it must end the run). */
export function fileWarning(
  path: string,
  error: unknown,
): { readonly code: WarningCode; readonly args: readonly string[] } | undefined {
  return isFileProblem(error) ? { code: error.code, args: [path, ...error.details] } : undefined
}

/** Python's `str(OSError)`: `[Errno 2] No such file or directory: 'name'`, without the name when there was none. */
export function systemErrorText(error: unknown, fileName?: string): string {
  const code = systemErrorCode(error) ?? 'EIO'
  const base = `[Errno ${errnoNumber(error) || numberOf(code)}] ${errnoTable[code]?.[1] ?? code}`
  return fileName === undefined ? base : `${base}: ${pythonQuoted(fileName)}`
}

/** EPERM, EACCES, EBUSY: permission; ENOENT: not found; EIO: input/output; the rest: OS error. */
export function warningCodeOf(error: unknown): WarningCode {
  switch (systemErrorCode(error)) {
    case 'EPERM':
    case 'EACCES':
    case 'EBUSY':
      return 'BackupPermissionError'
    case 'ENOENT':
      return 'BackupFileNotFoundError'
    case 'EIO':
      return 'BackupIOError'
    default:
      return 'BackupOSError'
  }
}

/** Python's `repr` of a str: single quotes unless only those occur in it; unprintable characters escaped. */
export function pythonQuoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let quoted = ''
  for (const character of text) quoted += escapedCharacter(character, quote)
  return quote + quoted + quote
}

/** A system error of our own making, for calls Node does not know; same shape as Node's. `number` is errno. */
export function makeSystemError(number: number, call: string): Error {
  const code = codeByNumber().get(number) ?? `E${number}`
  return Object.assign(new Error(`${code}: ${errnoTable[code]?.[1] ?? 'unknown error'}, ${call}`), {
    code,
    errno: -number,
    syscall: call,
  })
}

/** As `makeSystemError`, by name ('ELOOP'). */
export function makeSystemErrorNamed(code: string, call: string): Error {
  return makeSystemError(numberOf(code), call)
}

const unprintable = /[\p{C}\p{Zl}\p{Zp}\p{Zs}]/u
const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

function escapedCharacter(character: string, quote: string): string {
  if (character === quote) return `\\${character}`
  const short = shortEscapes[character]
  if (short !== undefined) return short
  if (character === ' ' || !unprintable.test(character)) return character
  const code = character.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`
  return `\\U${code.toString(16).padStart(8, '0')}`
}

/** The operating system's own errors have a code like ENOENT; Node's argument errors (ERR_...) are bugs of ours. */
function isSystemError(error: unknown): boolean {
  const code = systemErrorCode(error)
  return code !== undefined && /^E[A-Z0-9]+$/.test(code)
}

function errnoNumber(error: unknown): number {
  if (typeof error === 'object' && error !== null && 'errno' in error && typeof error.errno === 'number') {
    return Math.abs(error.errno)
  }
  return 0
}

/** The platform's own number where Node knows it (they differ outside Linux), else Linux's. */
function numberOf(code: string): number {
  const known: Readonly<Record<string, number>> = constants.errno
  return known[code] ?? errnoTable[code]?.[0] ?? 5
}

let codes: ReadonlyMap<number, string> | undefined

function codeByNumber(): ReadonlyMap<number, string> {
  codes ??= new Map(Object.keys(errnoTable).map((code) => [numberOf(code), code]))
  return codes
}
