/**
 * The real process as `ProcessIo`: streams that outlive their readers, signals, files.
 */
import { closeSync, fstatSync, openSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { decodeText, systemHost, nativePath } from '../parsing.ts'
import { type Env, newsVariable } from './env.ts'
import { exitClass } from './exit-code.ts'
import { givenArguments, givenVariables, LostBytes } from './given-words.ts'
import { run } from './main.ts'
import type { Output } from './process-io.ts'
import { watchSignals } from './signals.ts'
import { makeAsker } from './terminal.ts'

const errorCode = 2
const lastWordsMs = 500

/** Runs and ends the process. */
export async function runProcess(words: readonly string[], program: string): Promise<void> {
  const { argv, env } = asGiven(words)
  const currentFolder = workingFolder()
  if (currentFolder === undefined) {
    process.stderr.write('Error: the current working directory does not exist any more.\n')
    process.exit(errorCode)
  }
  const stdout = output(process.stdout)
  const stderr = output(process.stderr)
  using signals = watchSignals({
    source: process,
    monotonicMs: () => performance.now(),
    exit: (code) => process.exit(code),
  })
  const asker = makeAsker({ writeError: (text) => void stderr.write(text), ...signals })
  const code = await run(argv, {
    program,
    commandLine: [process.argv[1] ?? program, ...argv],
    env,
    host: systemHost,
    currentFolder,
    // Made when somebody reads it: prompts take single lines off the descriptor.
    get stdin() {
      return process.stdin
    },
    stdout,
    stderr,
    standardStreams() {
      // Node waits for the readers of pipes; a server must hear signals meanwhile.
      for (const stream of [process.stdout, process.stderr]) unblock(stream)
      return { input: process.stdin, output: process.stdout, log: process.stderr }
    },
    asker,
    signals,
    setUmask: (mask) => void process.umask(mask),
    readFile: (path) => readFileSync(nativePath(path)),
    createFile: (path) => closeSync(openSync(nativePath(path), 'a')),
    fileTime,
  })
  const written = Promise.all([flushed(process.stdout), flushed(process.stderr)])
  // Somebody who does not read must not keep us from ending when we are told to.
  await (signals.signal.aborted ? Promise.race([written, systemHost.sleep(lastWordsMs)]) : written)
  const lost = stdout.failure()
  if (lost !== undefined) await stderr.write(`Error: cannot write the output: ${lost.message}\n`)
  process.exit(lost === undefined || exitClass(code) === 'error' ? code : errorCode)
}

function asGiven(words: readonly string[]): { readonly argv: readonly string[]; readonly env: Env } {
  try {
    return { argv: givenArguments(words), env: givenVariables(withoutStrayNews(process.env)) }
  } catch (error) {
    if (!(error instanceof LostBytes)) throw error
    process.stderr.write(`Error: ${error.message}\n`)
    process.exit(errorCode)
  }
}

/** Who sets the variable without being our own parent, which connects a socket, does not start us in the background. */
function withoutStrayNews(env: Env): Env {
  const { [newsVariable]: descriptor, ...rest } = env
  return descriptor === undefined || isSocket(Number(descriptor)) ? env : rest
}

function isSocket(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isSocket()
  } catch {
    return false
  }
}

/**
 * When the reader is gone the work goes on, and what would have been written is dropped. The same when it cannot be
 * written for another reason, a full disk say: a backup must not end half-way for that. But then somebody must be told.
 */
function output(stream: NodeJS.WriteStream): Output & { failure(): Error | undefined } {
  let isGone = false
  let failure: Error | undefined
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && !isGone) failure = error
    isGone = true
  })
  return {
    failure: () => failure,
    isTerminal: stream.isTTY === true,
    columns: stream.isTTY === true ? stream.columns : undefined,
    async write(data) {
      if (isGone || stream.write(data)) return
      await new Promise<void>((resolve) => {
        const done = (): void => {
          stream.off('drain', done)
          stream.off('error', done)
          resolve()
        }
        stream.on('drain', done)
        stream.on('error', done)
      })
    },
  }
}

/** Node has no public way; where the inner one is missing, too, only a reader that hangs makes a difference. */
function unblock(stream: NodeJS.WriteStream): void {
  const handle: unknown = '_handle' in stream ? stream._handle : undefined
  if (typeof handle !== 'object' || handle === null || !('setBlocking' in handle)) return
  if (typeof handle.setBlocking === 'function') handle.setBlocking(false)
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve())
  })
}

/** Undefined when somebody has removed it from under us. */
function workingFolder(): string | undefined {
  try {
    const folder = process.cwd()
    return folder.includes('\ufffd') && process.platform === 'linux'
      ? decodeText(readlinkSync('/proc/self/cwd', 'buffer'))
      : folder
  } catch {
    return undefined
  }
}

function fileTime(path: string): bigint | undefined {
  try {
    return statSync(nativePath(path), { bigint: true }).mtimeNs
  } catch {
    return undefined
  }
}
