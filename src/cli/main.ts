/**
 * From a command line to an exit code: understand it, set up what is heard, run the command, tell how it ended.
 *
 * The order of these steps is a contract: CLI contract, commands §0.2. The engine is not loaded before a command asks for
 * it, so usage errors and help cost nothing.
 */
import {
  BorgError,
  borgVersion,
  decodeText,
  type EngineEvent,
  type FilePosition,
  formatSize,
  isBorgError,
  systemErrorText,
} from '../parsing.ts'
import { type CommandLine, type CommandSet, parseCommandLine } from './args/parser.ts'
import { atTimestamp, type RepositoryArgument } from './args/location-argument.ts'
import { RuleError } from './args/rules.ts'
import { callName, mountProgram } from './args/usage.ts'
import { UsageError } from './args/usage-error.ts'
import type { ValueContext } from './args/value-type.ts'
import { type CommandEntry, commandSet, findCommand } from './commands.ts'
import type { CliIo } from './command.ts'
import { type Environment, readEnvironment } from './env.ts'
import { exitClass, ExitStatus } from './exit-code.ts'
import { fatalReport } from './fatal-report.ts'
import { makeAsk, makePassphrases, type PromptSettings } from './prompt.ts'
import { logSettings } from './log-settings.ts'
import { namedHost } from './named-host.ts'
import { LogSink } from './render/log-sink.ts'
import type { ProcessIo } from './process-io.ts'
import { SignalReason } from './signals.ts'
import { printableText } from '../parsing.ts'

/** Which commands there are. Tests bring their own. */
export interface Commands {
  readonly set: CommandSet
  find(name: string): Pick<CommandEntry, 'load'>
}

/** Never throws. */
export async function run(
  argv: readonly string[],
  io: ProcessIo,
  commands: Commands = { set: commandSet, find: findCommand },
): Promise<number> {
  const environment = readEnvironment(io.env)
  const context = valueContext(io, environment)
  try {
    const words = io.program === mountProgram ? ['mount', ...argv] : argv
    const onNotice = (notice: string): void => {
      if (!isRepeated(environment)) void io.stderr.write(`${notice}\n`)
    }
    const line = await parseCommandLine(words, commands.set, context, onNotice)
    switch (line.kind) {
      case 'version':
        await io.stdout.write(`${io.program} ${borgVersion}\n`)
        return 0
      case 'help': {
        const { helpPage } = await import('./help-pages.ts')
        await io.stdout.write(await helpPage(line.words, helpStyle(io, environment)))
        return 0
      }
      case 'command':
        return await runCommand(settle(line, context), io, environment, commands)
    }
  } catch (error) {
    return await refuse(error, io, environment)
  }
}

/** In the background: the process that was called has said it already, or will. */
function isRepeated({ newsDescriptor }: Environment): boolean {
  return newsDescriptor !== undefined
}

type Parsed = Extract<CommandLine, { kind: 'command' }>

/** What can only be judged, or finished, when all arguments are known. */
function settle(line: Parsed, context: ValueContext): Parsed {
  if (line.common.bypassLock && line.table.mayBypassLock !== true) {
    throw new BorgError('Error', ['Not allowed to bypass locking mechanism for chosen command'])
  }
  const { stats, quickStats, timestamp, location } = line.args
  if (stats === true && quickStats === true) {
    throw new UsageError('--stats and --quick-stats are mutually exclusive.')
  }
  if (typeof timestamp !== 'bigint' || !isLocation(location)) return line
  const args = {
    ...line.args,
    location: atTimestamp(location, timestamp as Parameters<typeof atTimestamp>[1], context),
  }
  return { ...line, args }
}

function isLocation(value: unknown): value is RepositoryArgument {
  return typeof value === 'object' && value !== null && 'raw' in value && 'location' in value
}

async function runCommand(line: Parsed, io: ProcessIo, environment: Environment, commands: Commands): Promise<number> {
  const { common } = line
  io.setUmask(common.umask)
  const sink = new LogSink(logSettings(line, io, environment), {
    write: (text) => void io.stderr.write(text),
    now: () => io.host.now(),
    monotonicMs: () => io.host.monotonicMs(),
  })
  const status = new ExitStatus(environment.exitCodes)
  const cli = commandIo(line, io, environment, { sink, status })
  const args = withoutPointlessStatistics(line.args, cli)
  if (environment.loggingConfiguration !== undefined) {
    cli.log('warning', `setup_logging for "${environment.loggingConfiguration}" failed with "not supported".`)
  }
  if (common.debugProfile !== undefined) io.createFile(common.debugProfile)
  if (common.showVersion && !isRepeated(environment))
    cli.log('info', `borgbackup version ${borgVersion}`, 'borg.output.show-version')
  const code = await outcome(line, args, cli, { sink, status, io, environment, commands })
  if (common.showRc && !isRepeated(environment)) tellCode(code, cli)
  return code
}

interface Ending {
  readonly sink: LogSink
  readonly status: ExitStatus
  readonly io: ProcessIo
  readonly environment: Environment
  readonly commands: Commands
}

async function outcome(line: Parsed, args: Parsed['args'], cli: CliIo, ending: Ending): Promise<number> {
  const { sink, status, io, environment, commands } = ending
  try {
    const { load } = commands.find(line.table.name)
    if (load === undefined) throw new BorgError('Error', [`"${line.table.name}" is not available in this version.`])
    const command = await load()
    // The parser has made every value by the argument's own type; see ArgsOf.
    const code = await command.run(args as never, cli)
    return code ?? status.code
  } catch (error) {
    if (error instanceof UsageError) throw error
    // What fails after the signal fails because of it.
    const cause = io.signals.signal.aborted ? io.signals.signal.reason : whatCameFirst(error)
    const report = fatalReport(cause, { environment, argv: io.commandLine, currentFolder: io.currentFolder })
    sink.event({ type: 'log', level: 'error', logger: 'borg.archiver', message: report.message, msgid: report.msgid })
    sink.event({ type: 'log', level: report.traceLevel, logger: 'borg.archiver', message: report.trace })
    return report.exitCode ?? status.errorCode(report.modernExitCode)
  }
}

/** When leaving a block fails after its body has, both come wrapped in one error: the body's says what went wrong. */
function whatCameFirst(error: unknown): unknown {
  return error instanceof Error && 'suppressed' in error ? whatCameFirst(error.suppressed) : error
}

function tellCode(code: number, cli: CliIo): void {
  const word = exitClass(code)
  const level = word === 'success' ? 'info' : word === 'warning' ? 'warning' : 'error'
  cli.log(level, `terminating with ${word} status, rc ${code}`, 'borg.output.show-rc')
}

/** A dry run has nothing to count. */
function withoutPointlessStatistics(args: Parsed['args'], cli: CliIo): Parsed['args'] {
  if (args['dryRun'] !== true) return args
  const pointless = { stats: '--stats', quickStats: '--quick-stats' } as const
  let kept = args
  for (const [key, option] of Object.entries(pointless)) {
    if (args[key] !== true) continue
    cli.log('warning', `Ignoring ${option}. It is not supported when using --dry-run.`)
    kept = { ...kept, [key]: false }
  }
  return kept
}

function commandIo(
  line: Parsed,
  io: ProcessIo,
  environment: Environment,
  { sink, status }: { sink: LogSink; status: ExitStatus },
): CliIo {
  const prompts: PromptSettings = {
    env: io.env,
    asker: io.asker,
    writeError: (text) => void io.stderr.write(text),
    tell: (type, msgid, message) => sink.question(type, msgid, message),
  }
  const onEvent = (event: EngineEvent): void => {
    if (event.type === 'warning') status.addWarning(event.code)
    sink.event(event)
  }
  const ask = makeAsk(prompts)
  const { signal, interrupted } = io.signals
  const log: CliIo['log'] = (level, message, logger = 'borg.archiver') =>
    sink.event({ type: 'log', level, logger, message })
  const onPosition = answerSignals(io, log)
  return {
    common: line.common,
    environment,
    env: io.env,
    host: namedHost(io.host, environment.hostId),
    commandLine: io.commandLine,
    currentFolder: io.currentFolder,
    stdin: io.stdin,
    write: (text) => void io.stdout.write(printableText(text)),
    writeError: prompts.writeError,
    writeBytes: (bytes) => io.stdout.write(bytes),
    stdoutIsTerminal: io.stdout.isTerminal,
    standardStreams: () => io.standardStreams(),
    log,
    warn: (code, ...args) => onEvent({ type: 'warning', code, args }),
    run: { signal, stopSoon: interrupted, onEvent, ask, onPosition },
    onEvent,
    ask,
    signal,
    interrupted,
    whenInsisted: (listener) => io.signals.whenInsisted(listener),
    passphrases: makePassphrases(prompts),
    async explain(topic, only) {
      const { helpPage, topicPage } = await import('./help-pages.ts')
      const style = helpStyle(io, environment)
      return topic === undefined ? await helpPage([], style) : await topicPage(topic, style, { only })
    },
    completionScript: async (shell) => await (await import('./completion/shells.ts')).completionScript(shell),
  }
}

/** SIGUSR1 asks how far we are: in which file, and where. Returns who keeps account of it. */
function answerSignals(io: ProcessIo, log: CliIo['log']): (position: FilePosition) => void {
  let position: FilePosition | undefined
  io.signals.answer((question) => {
    if (question === 'trace') {
      void io.stderr.write(
        `\nReceived SIGUSR2 at ${new Date().toISOString()}, dumping trace...\n${new Error().stack}\n`,
      )
    } else if (position !== undefined) {
      const size = position.size === undefined ? '???' : formatSize(position.size)
      log('info', `${position.path} ${formatSize(position.bytes)}/${size}`)
    }
  })
  return (latest) => {
    position = latest
  }
}

/** What stops us before anything is set up is said in plain text, whatever --log-json says. */
async function refuse(error: unknown, io: ProcessIo, environment: Environment): Promise<number> {
  const code = new ExitStatus(environment.exitCodes)
  if (error instanceof UsageError) {
    const { usageBlock } = await import('./help-pages.ts')
    const style = helpStyle(io, environment)
    const usage = await usageBlock(error.words, style)
    const program = callName(io.program, error.words)
    await io.stderr.write(printableText(`${usage}${program}: error: ${error.message}\n`))
    return 2
  }
  const expected = error instanceof RuleError || isBorgError(error)
  if (expected) {
    await io.stderr.write(printableText(`${error.message}\n`))
    return code.errorCode(isBorgError(error) ? error.exitCode : 4)
  }
  const report = fatalReport(error, { environment, argv: io.commandLine, currentFolder: io.currentFolder })
  await io.stderr.write(printableText(`${report.message}\n${report.trace}\n`))
  return error instanceof SignalReason ? error.exitCode : 2
}

function helpStyle(io: ProcessIo, environment: Environment): { program: string; columns: number } {
  return { program: io.program, columns: Math.max((environment.columns ?? io.stdout.columns ?? 80) - 2, 40) }
}

function valueContext(io: ProcessIo, environment: Environment): ValueContext {
  return {
    host: io.host,
    environment,
    readFile(path) {
      try {
        return decodeText(io.readFile(path))
      } catch (error) {
        throw new BorgError('Error', [systemErrorText(error, path)], { cause: error })
      }
    },
    fileTime: (path) => io.fileTime(path),
  }
}
