/**
 * The byte stream under a connection: TCP, a program's standard input and output (ProxyCommand), or a channel through
 * another host (ProxyJump).
 */
import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { BorgError, systemErrorCode } from '../base/errors.ts'
import { systemErrorText } from '../base/errno.ts'
import type { SshSettings } from './ssh-settings.ts'

const complaintLengthMax = 2000

export interface SshTransport {
  readonly stream: Duplex
  /** What was said about a failure, or nothing. */
  readonly complaint?: (() => string) | undefined
  /** Ends whatever is behind the stream. */
  dispose(): Promise<void>
}

/** @throws BorgError 'ConnectionClosedWithHint' naming host, port and the system's reason; the signal's reason. */
export async function openTcp(settings: SshSettings, signal: AbortSignal): Promise<SshTransport> {
  const { hostname, port, addressFamily } = settings
  signal.throwIfAborted()
  // Without noDelay each small request waits some 40 ms for the other side's acknowledgement.
  const socket = connect({ host: hostname, port, family: addressFamily, noDelay: true, keepAlive: true })
  try {
    await connected(socket, signal)
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw new BorgError('ConnectionClosedWithHint', [`${hostname} port ${port}: ${reasonOf(error)}`], { cause: error })
  }
  return { stream: socket, dispose: async () => void socket.destroy() }
}

function connected(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown): void => {
      signal.removeEventListener('abort', abort)
      socket.off('error', settle)
      if (error === undefined) resolve()
      else reject(error)
    }
    const abort = (): void => settle(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', settle)
    socket.once('connect', () => settle())
  })
}

function reasonOf(error: unknown): string {
  // Several addresses that all failed come as one error with many inside.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const code = systemErrorCode(first)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the name is not known'
  return code === undefined ? String(first) : systemErrorText(first)
}

/** Runs the settings' ProxyCommand. `complaint` is what it said last, for when the connection fails. */
export function openProxyCommand(settings: SshSettings, command: string): SshTransport {
  const child = spawn('/bin/sh', ['-c', `exec ${expandTokens(command, settings)}`], { stdio: 'pipe' })
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-complaintLengthMax)
  })
  child.on('error', (error) => stream.destroy(error))
  return {
    stream,
    complaint: () => said.trim().split('\n').at(-1) ?? '',
    async dispose() {
      stream.destroy()
      child.kill()
    },
  }
}

/** Source: ssh_config(5), TOKENS, those that ProxyCommand accepts and that mean something here. */
export function expandTokens(command: string, settings: SshSettings): string {
  const tokens: Readonly<Record<string, string>> = {
    '%%': '%',
    '%h': settings.hostname,
    '%n': settings.alias,
    '%p': String(settings.port),
    '%r': settings.user,
  }
  return command.replaceAll(/%./g, (token) => tokens[token] ?? token)
}

/** '[user@]host[:port]' or 'ssh://[user@]host[:port]', as in ProxyJump. */
export function parseJump(text: string): { host: string; port?: number; user?: string } {
  const match = /^(?:ssh:\/\/)?(?:(.+)@)?(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?\/?$/.exec(text)
  const host = match?.[2] ?? match?.[3]
  if (match === null || host === undefined) throw new BorgError('CommandError', [`ProxyJump: '${text}' names no host`])
  return {
    host,
    ...(match[1] === undefined ? {} : { user: match[1] }),
    ...(match[4] === undefined ? {} : { port: Number(match[4]) }),
  }
}
