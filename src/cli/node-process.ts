/**
 * The real process as `ProcessIo`: streams that outlive their readers, signals, files.
 */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { systemHost } from '../parsing.ts'
import { exitClass } from './exit-code.ts'
import { run } from './main.ts'
import type { Output } from './process-io.ts'
import { watchSignals } from './signals.ts'
import { makeAsker } from './terminal.ts'

const errorCode = 2

/** Runs and ends the process. */
export async function runProcess(argv: readonly string[], program: string): Promise<void> {
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
    commandLine: process.argv.slice(1),
    env: process.env,
    host: systemHost,
    currentFolder,
    // Made when somebody reads it: prompts take single lines off the descriptor.
    get stdin() {
      return process.stdin
    },
    stdout,
    stderr,
    asker,
    signals,
    setUmask: (mask) => void process.umask(mask),
    readFile: (path) => readFileSync(path),
    createFile: (path) => closeSync(openSync(path, 'a')),
    fileTime,
  })
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  const lost = stdout.failure()
  if (lost !== undefined) await stderr.write(`Error: cannot write the output: ${lost.message}\n`)
  process.exit(lost === undefined || exitClass(code) === 'error' ? code : errorCode)
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

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve())
  })
}

/** Undefined when somebody has removed it from under us. */
function workingFolder(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}

function fileTime(path: string): bigint | undefined {
  try {
    return statSync(path, { bigint: true }).mtimeNs
  } catch {
    return undefined
  }
}
