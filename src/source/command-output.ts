/**
 * Content, or lists of paths, from a command's standard output.
 *
 * The command starts with SIGINT ignored, as borg's does: ^C in a terminal reaches all of its processes at once, and the
 * command must not die before we have made our checkpoint of what it said. Node cannot set that, a shell can, and ignored
 * signals stay ignored through exec.
 * Source: cli/commands.md §2 (--content-from-command, --paths-from-command), cli/common.md §10.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { PassThrough, pipeline, type Readable } from 'node:stream'
import { BorgError, systemErrorCode } from '../base/errors.ts'
import { decodeText } from '../base/text.ts'
import { makeSystemErrorNamed, pythonQuoted, systemErrorText } from '../base/errno.ts'

export interface CommandOptions {
  /** For the command. Default: ours, so whoever holds secrets in variables must pass what is left without them. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
}

/** A running command. Dispose of it always; that kills what still runs. */
export interface CommandOutput extends AsyncDisposable {
  /** Its standard output; read once. */
  readonly output: AsyncIterable<Uint8Array>
  /** Waits for the end. @throws BorgError 'CommandError' unless it exited with 0. */
  finish(): Promise<void>
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

/** Starts `words` (program and arguments, no shell syntax). @throws BorgError 'CommandError' when it cannot be started */
export async function startCommand(words: readonly string[], options: CommandOptions = {}): Promise<CommandOutput> {
  const [program] = words
  if (program === undefined) throw new RangeError('a command needs at least one word')
  const child = spawn('/bin/sh', ['-c', startScript, 'sh', ...words], {
    stdio: ['inherit', 'pipe', 'inherit', 'pipe'],
    ...(options.environment !== undefined && { env: { ...options.environment } }),
  })
  if (child.stdout === null) throw new TypeError('the command has no output')
  // Connected at once: Node throws away what nobody reads by the time a child exits.
  const output = pipeline(child.stdout, new PassThrough(), ignoreFailure)
  const ended = endOf(child)
  const complaint = await startComplaint(child, ended)
  if (complaint !== undefined) {
    child.kill('SIGKILL')
    throw new BorgError('CommandError', [`Failed to execute command: ${systemErrorText(complaint, program)}`])
  }
  return new RunningCommand(child, output, ended, program)
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

  async finish(): Promise<void> {
    // Whoever stopped reading early must not wait for a command that waits for a reader.
    this.output.resume()
    const status = await this.#ended
    if (status === 0) return
    throw new BorgError('CommandError', [`Command ${pythonQuoted(this.#program)} exited with status ${status}`])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM')
    this.output.destroy()
    this.#child.stdout?.destroy()
    await this.#ended
  }
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
