/**
 * How a server with `borg serve` is reached.
 */
import { BorgError } from '../base/errors.ts'
import type { Host } from '../base/host.ts'
import type { Location } from '../location/location.ts'
import { type ChildEnvironment, openCommandTransport, sshWords } from '../rpc/ssh-transport.ts'
import type { Transport } from '../rpc/transport.ts'

export interface RemoteOptions {
  /** The program that connects and its first arguments, or the SSH client that is built in. Default: the system's ssh. */
  readonly rsh?: readonly string[] | 'builtin' | undefined
  /** The program to run on the server. Default: borg. */
  readonly remoteBorg?: string | undefined
  /** More of its arguments: log level, debug topics. */
  readonly serveOptions?: readonly string[] | undefined
  /** Of the program that connects; secrets of ours in it are left out. Default: this process's. */
  readonly environment?: ChildEnvironment | undefined
  readonly uploadBytesPerSecond?: number | undefined
  /** Bytes that may wait to be sent, besides the few MiB that may anyway. */
  readonly uploadBufferBytes?: number | undefined
}

/** `quotaBytes` is for the server to keep: 0 or absent is none. */
export async function connectServer(
  server: Extract<Location, { scheme: 'ssh' }>,
  options: RemoteOptions,
  quotaBytes: number | undefined,
  host: Host,
): Promise<Transport> {
  const { rsh = ['ssh'], remoteBorg, environment } = options
  const quota = quotaBytes === undefined || quotaBytes === 0 ? [] : [`--storage-quota=${quotaBytes}`]
  const serveOptions = [...(options.serveOptions ?? []), ...quota]
  if (rsh === 'builtin') {
    throw new BorgError('CommandError', ['--rsh builtin: this version connects with the ssh of the system only'])
  }
  return openCommandTransport(sshWords(rsh, server, { remoteBorg, serveOptions }), environment, host)
}
