/**
 * What a command is, and what it may touch.
 *
 * A command file names its table, calls one or two functions of the engine (`loadEngine` of engine.ts), and says
 * what came of it through `CliIo`. Errors are thrown; warnings arrive as events; main.ts makes text and exit codes of both.
 */
import type { EngineEvent, Host, LogLevel, Question, RunOptions, WarningCode } from '../parsing.ts'
import type { ArgsOf, CommandTable } from './args/argument.ts'
import type { CommonOptions } from './args/common-options.ts'
import type { Env, Environment } from './env.ts'
import type { StandardStreams } from './process-io.ts'
import type { Passphrases } from './prompt.ts'

/** One file each, imported when used. */
export interface Command<Table extends CommandTable = CommandTable> {
  readonly table: Table
  /**
   * A returned number is the exit code (with-lock hands its child's through); otherwise it follows from the warnings.
   * @throws BorgError; UsageError for what only a command can find wrong with its arguments.
   */
  run(args: ArgsOf<Table>, io: CliIo): Promise<number | undefined>
}

/** Everything a command may touch of the outside. Tests pass a fake and read what was written. */
export interface CliIo {
  readonly common: CommonOptions
  readonly environment: Environment
  readonly env: Env
  readonly host: Host
  /** As received, program name first: archives keep it. */
  readonly commandLine: readonly string[]
  readonly currentFolder: string
  /** Raw bytes; read once. */
  readonly stdin: AsyncIterable<Uint8Array>
  /** To stdout. Text may hold bytes that are not UTF-8 (surrogate escapes): those are shown as '?'. */
  write(text: string): void
  /** To stderr, for prompts: no line of its own, whatever --log-json says. */
  writeError(text: string): void
  /** To stdout, unchanged. Resolves when more is welcome. */
  writeBytes(bytes: Uint8Array): Promise<void>
  readonly stdoutIsTerminal: boolean
  /** The standard streams themselves, for a protocol on them: from then on nothing else may use them. */
  standardStreams(): StandardStreams
  /** A line of the main program on stderr, or a JSON record of it. */
  log(level: LogLevel, message: string, logger?: Logger): void
  /** A line, and exit code 1 or the warning's own. */
  warn(code: WarningCode, ...args: readonly string[]): void
  /** Passed to the engine: signal, events and questions in one. */
  readonly run: RunOptions
  readonly onEvent: (event: EngineEvent) => void
  readonly ask: (question: Question) => Promise<boolean>
  /** Aborts on the second ^C, on SIGTERM and SIGHUP: stop now. */
  readonly signal: AbortSignal
  /** Aborts on the first ^C: for commands that can stop halfway in good order. */
  readonly interrupted: AbortSignal
  /** Called by a signal after `signal` has aborted, once, instead of the end of the process. */
  whenInsisted(listener: () => void): void
  readonly passphrases: Passphrases
  /** The help page of a topic or command, or the main one; for the help command. @throws UsageError */
  explain(topic: string | undefined, only: 'epilog' | 'usage' | undefined): Promise<string>
  /** What teaches a shell our command lines; for the completion command. */
  completionScript(shell: 'bash' | 'zsh' | 'fish'): Promise<string>
}

/** Loggers that are heard at level info when their option is given, and not otherwise. */
export type Logger =
  | 'borg.archiver'
  | 'borg.output.list'
  | 'borg.output.stats'
  | 'borg.output.progress'
  | 'borg.output.show-version'
  | 'borg.output.show-rc'
