/**
 * What is said about the error that ended a command, and with which code.
 * Source: CLI contract "Exit codes and msgids", "Failure".
 */
import { arch, platform, release } from 'node:os'
import { borgVersion, errorCatalog, isBorgError, isRemoteError, type RemoteError } from '../parsing.ts'
import type { Environment } from './env.ts'
import { SignalReason } from './signals.ts'

export interface FatalReport {
  readonly message: string
  readonly msgid: string | undefined
  /** Stack and system, for whoever looks into it. */
  readonly trace: string
  /** 'error' where borg always shows the trace. */
  readonly traceLevel: 'error' | 'debug'
  readonly modernExitCode: number
  /** The same in both modes: ended by a signal, or by a mistake of ours. */
  readonly exitCode?: number
}

/** What a server said of an error of its own. */
type RemoteFailure = RemoteError['failure']

export interface ReportContext {
  readonly environment: Environment
  readonly argv: readonly string[]
  readonly currentFolder: string
}

export function fatalReport(error: unknown, context: ReportContext): FatalReport {
  const trace = `${stackOf(error)}\n${systemInfo(context)}`
  if (error instanceof SignalReason) {
    const { message, msgid, exitCode } = error
    return { message, msgid, trace, traceLevel: 'debug', modernExitCode: exitCode, exitCode }
  }
  if (isBorgError(error)) {
    const traceLevel = errorCatalog[error.code].trace ? 'error' : 'debug'
    return { message: error.message, msgid: error.code, trace, traceLevel, modernExitCode: error.exitCode }
  }
  if (isRemoteError(error)) return remoteReport(error.failure, systemInfo(context))
  return { message: 'Local Exception', msgid: 'Exception', trace, traceLevel: 'error', modernExitCode: 2, exitCode: 2 }
}

/** Something went wrong on the server that has no name here: its own words, and whose they are. */
function remoteReport(failure: RemoteFailure, ownSystem: string): FatalReport {
  const words = failure.trace && failure.full.length > 0 ? failure.full : failure.short
  const message = words.length > 0 ? words.join('\n') : 'Remote Exception (see remote log for the traceback)'
  const lines = failure.sysinfo.split('\n').filter((line) => line !== '')
  return {
    message,
    msgid: failure.className,
    trace: [...lines.map((line) => `Borg server: ${line}`), ownSystem].join('\n'),
    traceLevel: failure.trace ? 'error' : 'debug',
    modernExitCode: 2,
  }
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? `${error.name}: ${error.message}`
  return error.cause === undefined ? own : `${own}\nCaused by: ${stackOf(error.cause)}`
}

/** As borg's block reads, which knows no distribution either: whoever collects reports knows where to look. */
export function systemInfo({ environment, argv, currentFolder }: ReportContext): string {
  if (!environment.showSystemInfo) return ''
  return [
    `Platform: ${platform()} ${release()} ${arch()}`,
    ...(platform() === 'linux' ? ['Linux: Unknown Linux  '] : []),
    `Borg: ${borgVersion}  Python: none, tsborg on Node ${process.versions.node}`,
    `PID: ${process.pid}  CWD: ${currentFolder}`,
    `sys.argv: [${argv.map((word) => `'${word}'`).join(', ')}]`,
    `SSH_ORIGINAL_COMMAND: ${environment.sshOriginalCommand === undefined ? 'None' : `'${environment.sshOriginalCommand}'`}`,
    '',
  ].join('\n')
}
