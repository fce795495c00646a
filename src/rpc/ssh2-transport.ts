/**
 * `borg serve` at the end of the SSH client that is built in: no program of the system is started.
 */
import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import { openSshConnection, type SshExecChannel, type SshExit } from '../ssh/connection.ts'
import type { SshOptions } from '../ssh/ssh-options.ts'
import { settledWithin } from '../base/flow.ts'
import { type ServerCommand, serverWords, type SshTarget } from './ssh-transport.ts'
import type { Transport } from './transport.ts'

/** How this client is let in. */
export type BuiltinSshOptions = Omit<SshOptions, 'host' | 'port' | 'user'>

/** How long the server gets to end by itself. */
const endMs = 20_000

/** Connects at once. @throws BorgError 'ConnectionClosedWithHint' and what else `openSshConnection` does */
export async function openBuiltinSshTransport(
  target: SshTarget,
  server: ServerCommand,
  options: BuiltinSshOptions,
  host: Host,
  run: RunOptions,
): Promise<Transport> {
  const connection = await openSshConnection({ ...options, ...target }, run)
  let channel: SshExecChannel
  try {
    // As ssh does it: the words go to the far shell as they are, so a remote path may be a command with arguments.
    channel = await connection.exec(serverWords(server).join(' '))
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
  let exit: SshExit | undefined
  void channel.exit.then((how) => (exit = how))
  for (const stream of [channel.stdin, channel.stdout, channel.stderr]) stream.on('error', () => {})
  return {
    input: channel.stdout,
    output: channel.stdin,
    log: channel.stderr,
    ending: () => describe(exit),
    async [Symbol.asyncDispose]() {
      channel.stdin.end()
      // Unread answers would keep the server from seeing that nobody listens.
      channel.stdout.resume()
      channel.stderr.resume()
      await settledWithin(channel.exit, endMs, host)
      channel.close()
      await connection[Symbol.asyncDispose]()
    },
  }
}

function describe(exit: SshExit | undefined): string | undefined {
  if (exit === undefined) return undefined
  if (exit.lost !== undefined) return exit.lost.message
  return exit.signal === undefined ? `exit status ${exit.code}` : `killed by ${exit.signal}`
}
