/**
 * Commands whose output is read, or that take what we write: content and lists of paths for create, filters of tarballs.
 *
 * The command starts with SIGINT ignored, as borg's does: ^C in a terminal reaches all of its processes at once, and the
 * command must not die before we have made our checkpoint of what it said. Node cannot set that, a shell can, and ignored
 * signals stay ignored through exec.
 * Source: cli/commands.md §2 (--content-from-command, --paths-from-command), cli/common.md §10.
 */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { PassThrough, pipeline, type Readable } from 'node:stream'
import { BorgError, systemErrorCode } from '../base/errors.ts'
import { decodeText, hasLoneSurrogate, printableText } from '../base/text.ts'
import { makeSystemErrorNamed, pythonQuoted, systemErrorText } from '../base/errno.ts'

export interface CommandOptions {
  /** For the command. Default: ours, so whoever holds secrets in variables must pass what is left without them. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
  /** Descriptor of its standard input, of which it gets a copy. Default: ours. */
  readonly input?: number | undefined
}

/** A running command. Dispose of it always; that kills what still runs. */
export interface CommandOutput extends AsyncDisposable {
  /** Its standard output; read once. */
  readonly output: AsyncIterable<Uint8Array>
  /** Waits for the end. @throws BorgError 'CommandError' unless it exited with 0. */
  finish(): Promise<void>
  /** Waits for the end and gives the exit status; negative: the signal that ended it. */
  status(): Promise<number>
}

/** A running command that takes what is written. Dispose of it always; that kills what still runs. */
export interface CommandInput extends AsyncDisposable {
  /** Resolves when more is welcome. @throws the system's error, EPIPE when it takes no more */
  write(bytes: Uint8Array): Promise<void>
  /** Says that this was all, waits for the end and gives the exit status. */
  status(): Promise<number>
}

/**
 * Says on descriptor 3 why the command cannot be started, else becomes the command. A shell's own complaint (exit 126,
 * 127) could not be told from the command's.
 */
const startScript = `
trap '' INT
case "$1" in
  */*) if ! [ -e "$1" ]; then echo ENOENT >&3; exit 127; elif ! [ -x "$1" ] || [ -d "$1" ]; then echo EACCES >&3; exit 126; fi ;;
  *) command -v -- "$1" >/dev/null 2>&1 || { echo ENOENT >&3; exit 127; } ;;
esac
exec 3>&-
exec "$@"`

/**
 * Starts `words` (program and arguments, no shell syntax).
 * @throws BorgError 'CommandError' when it cannot be started; its cause is the system's error
 */
export async function startCommand(words: readonly string[], options: CommandOptions = {}): Promise<CommandOutput> {
  const child = spawnWords(words, [options.input ?? 'inherit', 'pipe', 'inherit', 'pipe'], options)
  if (child.stdout === null) throw new TypeError('the command has no output')
  // Connected at once: Node throws away what nobody reads by the time a child exits.
  const output = pipeline(child.stdout, new PassThrough(), ignoreFailure)
  const { ended } = await begun(child, words)
  return new RunningCommand(child, output, ended, words[0] ?? '')
}

/** As `startCommand`; the command's output goes to the descriptor `output`. */
export async function startCommandInto(
  output: number,
  words: readonly string[],
  options: Omit<CommandOptions, 'input'> = {},
): Promise<CommandInput> {
  const child = spawnWords(words, ['pipe', output, 'inherit', 'pipe'], options)
  const { stdin } = child
  if (stdin === null) throw new TypeError('the command has no input')
  // Whoever writes is told.
  stdin.on('error', ignoreFailure)
  const { ended } = await begun(child, words)
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stdin.write(bytes, (error) => (error ? reject(error) : resolve()))
      }),
    async status() {
      stdin.end()
      return await ended
    },
    async [Symbol.asyncDispose]() {
      stopChild(child)
      stdin.destroy()
      await ended
    },
  }
}

function spawnWords(words: readonly string[], stdio: StdioOptions, options: CommandOptions): ChildProcess {
  if (words.length === 0) throw new RangeError('a command needs at least one word')
  const odd = words.find(hasLoneSurrogate)
  if (odd !== undefined) {
    // Node would hand it on as other bytes.
    const text = `Failed to execute command: '${printableText(odd)}' is not valid UTF-8`
    throw new BorgError('CommandError', [text], { cause: makeSystemErrorNamed('EILSEQ', 'spawn') })
  }
  return spawn('/bin/sh', ['-c', startScript, 'sh', ...words], {
    stdio,
    ...(options.environment !== undefined && { env: { ...options.environment } }),
  })
}

/** Resolves when the command itself runs. */
async function begun(child: ChildProcess, words: readonly string[]): Promise<{ readonly ended: Promise<number> }> {
  const ended = endOf(child)
  const complaint = await startComplaint(child, ended)
  if (complaint === undefined) return { ended }
  child.kill('SIGKILL')
  const text = `Failed to execute command: ${systemErrorText(complaint, words[0])}`
  throw new BorgError('CommandError', [text], { cause: complaint })
}

/** Splits a stream of names at `delimiter` and decodes each; a last one without delimiter counts, an empty last one not. */
export async function* separatedPaths(
  bytes: AsyncIterable<Uint8Array>,
  delimiter: Uint8Array,
): AsyncGenerator<string, void, undefined> {
  if (delimiter.length === 0) throw new RangeError('empty separator')
  let rest = Buffer.alloc(0)
  for await (const part of bytes) {
    rest = Buffer.concat([rest, part])
    let start = 0
    for (let end = rest.indexOf(delimiter); end >= 0; end = rest.indexOf(delimiter, start)) {
      yield decodeText(rest.subarray(start, end))
      start = end + delimiter.length
    }
    rest = rest.subarray(start)
  }
  if (rest.length > 0) yield decodeText(rest)
}

class RunningCommand implements CommandOutput {
  readonly output: Readable
  readonly #child: ChildProcess
  readonly #ended: Promise<number>
  readonly #program: string

  constructor(child: ChildProcess, output: Readable, ended: Promise<number>, program: string) {
    this.#child = child
    this.output = output
    this.#ended = ended
    this.#program = program
  }

  async status(): Promise<number> {
    // Whoever stopped reading early must not wait for a command that waits for a reader.
    this.output.resume()
    return await this.#ended
  }

  async finish(): Promise<void> {
    const status = await this.status()
    if (status === 0) return
    throw new BorgError('CommandError', [`Command ${pythonQuoted(this.#program)} exited with status ${status}`])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    stopChild(this.#child)
    this.output.destroy()
    this.#child.stdout?.destroy()
    await this.#ended
  }
}

function stopChild(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
}

/** The reader of the output sees it too. */
function ignoreFailure(): void {}

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
}

/** The exit status as Python gives it: a signal's number is negative. */
function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? -(signalNumbers[signal ?? ''] ?? 1)))
    child.once('error', () => resolve(127))
  })
}

/** Waits until descriptor 3 is closed, that is, until the command itself runs. */
async function startComplaint(child: ChildProcess, ended: Promise<number>): Promise<unknown> {
  const failure = new Promise<unknown>((resolve) => child.once('error', resolve))
  const said = readAll(child.stdio[3] as Readable)
  const text = await Promise.race([said, failure])
  if (typeof text !== 'string') return systemErrorCode(text) === undefined ? makeSystemErrorNamed('EIO', 'spawn') : text
  if (text.trim() === '') return undefined
  await ended
  return makeSystemErrorNamed(text.trim(), 'spawn')
}

async function readAll(stream: Readable): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(Buffer.from(part))
  return Buffer.concat(parts).toString('utf8')
}
