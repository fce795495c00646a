/**
 * How a server with `borg serve` is reached.
 */
import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import type { Location } from '../location/location.ts'
import { type ChildEnvironment, openCommandTransport, sshWords } from '../rpc/ssh-transport.ts'
import { type BuiltinSshOptions, openBuiltinSshTransport } from '../rpc/ssh2-transport.ts'
import type { Transport } from '../rpc/transport.ts'
import { processEnvironment } from './directories.ts'
import type { FarOptions } from './far-store.ts'

export interface RemoteOptions extends FarOptions {
  /** The program that connects and its first arguments, or the SSH client that is built in. Default: the system's ssh. */
  readonly rsh?: readonly string[] | 'builtin' | undefined
  /** How the built-in client is let in: keys, agent, known hosts, who answers for passwords. */
  readonly ssh?: BuiltinSshOptions | undefined
  /** The program to run on the server. Default: borg. */
  readonly remoteBorg?: string | undefined
  /** More of its arguments: log level, debug topics. */
  readonly serveOptions?: readonly string[] | undefined
  /** Of programs that connect; passphrases of ours in it are left out. Default: this process's. */
  readonly environment?: ChildEnvironment | undefined
  /** Bytes that may wait to be sent, besides the few MiB that may anyway. */
  readonly uploadBufferBytes?: number | undefined
}

/** `quotaBytes` is for the server to keep: 0 or absent is none. */
export async function connectServer(
  server: Extract<Location, { scheme: 'ssh' }>,
  options: RemoteOptions,
  quotaBytes: number | undefined,
  host: Host,
  run: RunOptions,
): Promise<Transport> {
  const { rsh = ['ssh'], ssh = {}, remoteBorg, environment = processEnvironment() } = options
  const quota = quotaBytes === undefined || quotaBytes === 0 ? [] : [`--storage-quota=${quotaBytes}`]
  const serveOptions = [...(options.serveOptions ?? []), ...quota]
  const command = { remoteBorg, serveOptions }
  const { host: name, port, user } = server
  if (rsh === 'builtin') return await openBuiltinSshTransport({ host: name, port, user }, command, ssh, host, run)
  return openCommandTransport(sshWords(rsh, server, command), environment, host)
}
