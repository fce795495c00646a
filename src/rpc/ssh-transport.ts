/**
 * `borg serve` at the end of the system's ssh, or of whatever program stands in for it. Source: format/rpc.md §1.
 */
import { spawn } from 'node:child_process'
import type { Host } from '../base/host.ts'
import { borgVersion } from '../base/limits.ts'
import { settledWithin } from '../base/flow.ts'
import type { Transport } from './transport.ts'

export interface SshTarget {
  readonly user?: string | undefined
  /** IPv6 addresses without brackets. */
  readonly host: string
  readonly port?: number | undefined
}

/** What runs on the far side. */
export interface ServerCommand {
  /** Default: borg, as the far shell finds it. */
  readonly remoteBorg?: string | undefined
  /** '--info', '--storage-quota=1000' ... */
  readonly serveOptions?: readonly string[] | undefined
}

export type ChildEnvironment = Readonly<Record<string, string | undefined>>

/** What stays here. ssh can be told to send variables, and the far side has no use for these. */
const secrets = ['BORG_PASSPHRASE', 'BORG_NEW_PASSPHRASE', 'BORG_PASSCOMMAND', 'BORG_PASSPHRASE_FD']

/**
 * ^C is ours to act on: an ssh that dies of it takes the transaction with it. The signal stays ignored across `exec`, and
 * ssh respects that; it stays in the terminal's foreground, so that it can ask for its password.
 */
const wrapper = `trap '' INT; exec "$@"`

/** How long ssh gets to end by itself, and after SIGTERM. */
const endMs = 20_000
const killMs = 2_000

/** 'borg serve --info' */
export function serverWords({ remoteBorg = 'borg', serveOptions = [] }: ServerCommand): string[] {
  return [remoteBorg, 'serve', ...serveOptions]
}

/** The whole command line. `rsh`: the program and its first arguments. */
export function sshWords(rsh: readonly string[], target: SshTarget, server: ServerCommand): string[] {
  const port = target.port === undefined ? [] : ['-p', String(target.port)]
  const destination = target.user === undefined ? target.host : `${target.user}@${target.host}`
  return [...rsh, ...port, destination, ...serverWords(server)]
}

/** Starts `words`, with `environment` less our secrets. A program that cannot be started is a connection that ends at once; its log says why. */
export function openCommandTransport(words: readonly string[], environment: ChildEnvironment, host: Host): Transport {
  const [program = 'ssh', ...rest] = words
  const windows = process.platform === 'win32'
  const [command, args] = windows ? [program, rest] : ['/bin/sh', ['-c', wrapper, 'sh', ...words]]
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...withoutSecrets(environment), BORG_VERSION: borgVersion },
  })
  const failure: { error?: Error } = {}
  child.on('error', (error) => (failure.error = error))
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  // Whoever talks to it listens for these; when nobody does any more they are no news.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {})
  return {
    input: child.stdout,
    output: child.stdin,
    log: child.stderr,
    ending() {
      if (failure.error !== undefined) return failure.error.message
      if (child.signalCode !== null) return `${program}: killed by ${child.signalCode}`
      return child.exitCode === null ? undefined : `${program}: exit status ${child.exitCode}`
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      // Unread answers would keep the server from seeing that nobody listens.
      child.stdout.resume()
      child.stderr.resume()
      if (await settledWithin(closed, endMs, host)) return
      child.kill('SIGTERM')
      if (await settledWithin(closed, killMs, host)) return
      child.kill('SIGKILL')
    },
  }
}

/** For programs that have no business with passphrases of repositories. */
export function withoutSecrets(environment: ChildEnvironment): ChildEnvironment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !secrets.includes(name)))
}
