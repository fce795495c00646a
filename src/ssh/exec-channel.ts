/**
 * One command or subsystem of a connection, as Node streams.
 */
import { type Readable, Writable } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import type { BorgError } from '../base/errors.ts'

export interface SshExit {
  /** Undefined when a signal ended it, or when nobody can know because the connection was lost. */
  readonly code: number | undefined
  /** 'SIGTERM' ... */
  readonly signal: string | undefined
  /** Why the connection ended first. */
  readonly lost: BorgError | undefined
}

export interface SshExecChannel {
  /** `end` says end of file. Writes fail once the channel is over; that error need not be listened for. */
  readonly stdin: Writable
  /** Must be read to its end, or `exit` waits. Ends when the connection is lost, too: look at `exit` then. */
  readonly stdout: Readable
  /** Both outputs share one window: whoever does not want it must `resume` it. */
  readonly stderr: Readable
  /** Settles once, however it ends. Never rejects. */
  readonly exit: Promise<SshExit>
  /** Ends it from our side; what is on the way is lost. */
  close(): void
}

/** How a whole connection ended, known in the moment it does. */
export interface ConnectionEnd {
  /** Undefined while it lives, and when it was we who ended it. */
  readonly lost: BorgError | undefined
}

export function execChannel(channel: ClientChannel, ended: Promise<ConnectionEnd>, end: ConnectionEnd): SshExecChannel {
  let code: number | undefined
  let signal: string | undefined
  channel.on('exit', (status: number | null, name?: string) => {
    code = status ?? undefined
    signal = name
  })
  channel.on('error', () => {})
  const exit = new Promise<SshExit>((resolve) => {
    const settle = (): void => {
      resolve({ code, signal, lost: code === undefined && signal === undefined ? end.lost : undefined })
    }
    channel.once('close', settle)
    // A channel whose output nobody reads never closes.
    void ended.then(settle)
  })
  return {
    stdin: writableSide(channel, exit),
    stdout: channel,
    stderr: channel.stderr,
    exit,
    close: () => channel.close(),
  }
}

/** ssh2 forgets writes that are waiting when a channel closes; these fail. */
function writableSide(channel: ClientChannel, exit: Promise<SshExit>): Writable {
  let over = false
  let pending: ((error?: Error | null) => void) | undefined
  const failure = (lost?: Error): Error => lost ?? new Error('the other side closed the channel')
  const stdin = new Writable({
    write(bytes, _encoding, done) {
      if (over) {
        done(failure())
        return
      }
      pending = done
      channel.write(bytes, () => {
        if (pending !== done) return
        pending = undefined
        done()
      })
    },
    final(done) {
      channel.end()
      done()
    },
  })
  stdin.on('error', () => {})
  void exit.then(({ lost }) => {
    over = true
    pending?.(failure(lost))
    pending = undefined
    stdin.destroy()
  })
  return stdin
}
