/**
 * `with-lock`. Source: CLI contract, commands §14.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { BorgError, borgVersion, systemErrorText } from '../../parsing.ts'
import { withLockTable } from '../args/tables/lock.ts'
import type { CliIo, Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'
import { childEnvironment } from '../env.ts'
import { requireNativeWords } from '../native-name.ts'

export const withLock: Command<typeof withLockTable> = {
  table: withLockTable,
  async run(args, io) {
    requireNativeWords(args.command, args.args)
    const engine = await loadEngine()
    const options = openOptions(engine, io, 'write')
    return await engine.withLock(
      args.location,
      options,
      async () => await exitCodeOf(args.command, args.args, io),
      io.run,
    )
  },
}

/** How long a command may take to end itself when we have to. */
const graceMs = 5000

/**
 * Ends when the command does, not before: the lock is there for it. ^C reaches it by itself, other signals through us;
 * where they do not help, after a while or when somebody insists, it is killed.
 */
async function exitCodeOf(command: string, args: readonly string[], io: CliIo): Promise<number> {
  const failed = (reason: string, cause?: unknown): BorgError =>
    new BorgError('CommandError', [`Error while trying to run '${command}': ${reason}`], { cause })
  // Node takes an empty name for a mistake in the program.
  if (command === '') throw failed("[Errno 2] No such file or directory: ''")
  io.signal.throwIfAborted()
  return await new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', env: childEnvironment(io.env, borgVersion) })
    const kill = (): void => void child.kill('SIGKILL')
    let grace: NodeJS.Timeout | undefined
    const pass = (): void => {
      child.kill('SIGTERM')
      grace = setTimeout(kill, graceMs)
    }
    io.signal.addEventListener('abort', pass)
    io.whenInsisted(kill)
    child.on('error', (error) => reject(failed(systemErrorText(error, command), error)))
    child.on('close', (code, signal) => {
      clearTimeout(grace)
      io.signal.removeEventListener('abort', pass)
      if (code !== null) resolve(code)
      else reject(failed(`invalid error code: -${signal === null ? '?' : constants.signals[signal]}`))
    })
  })
}
