/**
 * The real process as `ProcessIo`: streams that outlive their readers, signals, files.
 */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { systemHost } from '../parsing.ts'
import { run } from './main.ts'
import type { Output } from './process-io.ts'
import { watchSignals } from './signals.ts'
import { makeAsker } from './terminal.ts'

/** Runs and ends the process. */
export async function runProcess(argv: readonly string[], program: string): Promise<void> {
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
    currentFolder: process.cwd(),
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
  process.exit(code)
}

/** When the reader is gone the work goes on, and what would have been written is dropped. */
function output(stream: NodeJS.WriteStream): Output {
  let isGone = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    isGone = true
  })
  return {
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

function fileTime(path: string): bigint | undefined {
  try {
    return statSync(path, { bigint: true }).mtimeNs
  } catch {
    return undefined
  }
}
