/**
 * rclone as a server of its own remotes on loopback (`rclone rcd`), started for one Store and gone with it.
 *
 * A shell stands between us: it ends rclone when its input ends, so that nothing is left running when this process dies.
 * User and password are new each time and travel in the environment, never in arguments.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { settledWithin } from '../base/flow.ts'
import type { Host } from '../base/host.ts'

export interface RcloneProgram {
  /** Default 'rclone', found in PATH. */
  readonly program?: string | undefined
  /** Further options for rclone, '--config FILE' and the like, in front of ours. */
  readonly options?: readonly string[] | undefined
  /** Environment of rclone; default: that of this process. Keep passphrases of repositories out of it. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
}

export interface RcloneDaemon extends AsyncDisposable {
  readonly port: number
  /** For HTTP basic authentication. */
  readonly authorization: string
  /** What rclone said last, for messages. */
  lastWords(): string
}

const guard = 'exec 3<&0; "$@" </dev/null & child=$!; { cat <&3; kill "$child"; } >/dev/null 2>&1 & wait "$child"'
const startMs = 30_000
const stopMs = 5_000
const announcement = /Serving remote control on http:\/\/127\.0\.0\.1:(\d+)\//
const wordsMax = 4096

/** @throws BorgError 'Error' when rclone cannot be started. */
export async function startRclone(program: RcloneProgram, host: Host, signal?: AbortSignal): Promise<RcloneDaemon> {
  const user = 'tsborg'
  const password = toHex(host.randomBytes(24))
  const command = [
    program.program ?? 'rclone',
    ...(program.options ?? []),
    'rcd',
    '--rc-addr=127.0.0.1:0',
    '--rc-serve',
    // Stored as it comes: below the cutoff rclone takes a cut-off upload for a small file.
    '--streaming-upload-cutoff=0',
    '--use-json-log=false',
  ]
  const child = spawn('sh', ['-c', guard, 'sh', ...command], {
    stdio: ['pipe', 'ignore', 'pipe'],
    // In a group of its own: ^C is ours to handle, and what is under way shall end first.
    detached: true,
    env: { ...program.environment, RCLONE_RC_USER: user, RCLONE_RC_PASS: password },
  })
  const words = new LastWords(child)
  try {
    const port = await announced(child, words, host, signal)
    return {
      port,
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      lastWords: () => words.text.trim(),
      [Symbol.asyncDispose]: () => stop(child, host),
    }
  } catch (error) {
    await stop(child, host)
    throw error
  }
}

/** The end of what a process writes to its error output. */
class LastWords {
  text = ''

  constructor(child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      this.text = (this.text + piece).slice(-wordsMax)
    })
  }
}

async function announced(child: ChildProcess, words: LastWords, host: Host, signal?: AbortSignal): Promise<number> {
  const ended = new AbortController()
  const port = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(failedStart(error.message)))
    child.once('exit', () => reject(failedStart(words.text.trim())))
    child.stderr?.on('data', () => {
      const found = announcement.exec(words.text)?.[1]
      if (found !== undefined) resolve(Number(found))
    })
  })
  const tooLate = host.sleep(startMs, signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]))
  try {
    return await Promise.race([
      port,
      tooLate.then(() => Promise.reject(failedStart(`no answer within ${startMs / 1000} seconds`))),
    ])
  } finally {
    port.catch(() => {})
    tooLate.catch(() => {})
    ended.abort()
  }
}

function failedStart(reason: string): BorgError {
  return new BorgError('Error', [`rclone could not be started: ${reason}`])
}

async function stop(child: ChildProcess, host: Host): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.stdin?.end()
  if (!(await settledWithin(gone, stopMs, host))) process.kill(-child.pid, 'SIGKILL')
}
