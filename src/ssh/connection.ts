/**
 * A connection of the embedded SSH client: host key checked, let in, ready for commands.
 *
 * The protocol is the package ssh2's; what it leaves to others is here: which settings count, whom to trust, what to
 * show, and ends that are told apart. Decision 026.
 */
import type { Duplex } from 'node:stream'
import type { Client, ClientChannel, ServerHostKeyAlgorithm } from 'ssh2'
import { BorgError, isBorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { Authentication } from './authentication.ts'
import { type ConnectionEnd, execChannel, type SshExecChannel } from './exec-channel.ts'
import {
  addKnownKey,
  fingerprint,
  hostKeyComplaint,
  judgeHostKey,
  type KnownKey,
  keyType,
  knownTypes,
  loadKnownKeys,
} from './known-hosts.ts'
import type { SshOptions } from './ssh-options.ts'
import { resolveSshSettings, type SshSettings } from './ssh-settings.ts'
import { openProxyCommand, openTcp, parseJump, type SshTransport } from './transport.ts'

export type { SshExecChannel, SshExit } from './exec-channel.ts'

/** More hosts in a row than this are a circle. */
const jumpsMax = 8

const goodbyeMs = 1000

const hostKeyAlgorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

export interface SshConnection extends AsyncDisposable {
  /** 'user@host', for messages. */
  readonly name: string
  /** 'user@hostname:port' of what is really connected to, whatever alias it was called by. */
  readonly place: string
  /** Settles when it is over: with the reason, or with undefined when we ended it. */
  readonly closed: Promise<BorgError | undefined>
  /** Given to the shell of the account. @throws BorgError 'ConnectionClosedWithHint' */
  exec(command: string): Promise<SshExecChannel>
  /** The SFTP server of the other side, unparsed: src/sftp talks with it. @throws BorgError 'ConnectionClosedWithHint' */
  sftp(): Promise<SshExecChannel>
  /** Bytes to and from a port as seen from there. @throws BorgError 'ConnectionClosedWithHint' */
  forward(host: string, port: number): Promise<Duplex>
}

/**
 * Loads ssh2 on first use. Disposing ends all channels.
 * @throws BorgError 'ConnectionClosedWithHint' when the host cannot be reached or does not let us in, 'Error' for host
 * keys that are unknown, changed or revoked and for settings that cannot be read; the signal's reason.
 */
export async function openSshConnection(options: SshOptions, run: RunOptions = {}): Promise<SshConnection> {
  run.signal?.throwIfAborted()
  return await connect(await resolveSshSettings(options, run.signal), options, run, 0)
}

async function connect(
  settings: SshSettings,
  options: SshOptions,
  run: RunOptions,
  depth: number,
): Promise<SshConnection> {
  const known = [...(await loadKnownKeys(settings))]
  const deadline = new Deadline(settings, run.signal)
  let transport: SshTransport | undefined
  try {
    transport = await openTransport(settings, options, { ...run, signal: deadline.signal }, depth)
    // A CommonJS package: its names are on `default` in Node and beside it in bundles.
    const loaded = await import('ssh2')
    const ssh2 = loaded.default ?? loaded
    const authentication = new Authentication(ssh2, settings, options, (ask) => deadline.pausedWhile(ask))
    const client = new ssh2.Client()
    return await new Connecting(client, transport, settings, known, run).authenticate(authentication, deadline)
  } catch (error) {
    await transport?.dispose()
    throw error
  } finally {
    deadline[Symbol.dispose]()
  }
}

async function openTransport(
  settings: SshSettings,
  options: SshOptions,
  run: RunOptions & { signal: AbortSignal },
  depth: number,
): Promise<SshTransport> {
  if (settings.proxyCommand !== undefined) return openProxyCommand(settings, settings.proxyCommand)
  const last = settings.jumps.at(-1)
  const jump = last === undefined ? undefined : parseJump(last)
  // 'Host *' with a ProxyJump means everyone else.
  if (jump === undefined || jump.host === settings.alias) return await openTcp(settings, run.signal)
  if (depth === jumpsMax) throw new BorgError('Error', [`ProxyJump leads from host to host without end, to ${last}`])
  const { host: _host, port: _port, user: _user, arguments: given, ...rest } = options
  const next: SshOptions = { ...rest, ...jump, arguments: settingsFileIn(given ?? []) }
  const own = await resolveSshSettings(next, run.signal)
  const before = settings.jumps.slice(0, -1)
  const through = await connect(before.length === 0 ? own : { ...own, jumps: before }, next, run, depth + 1)
  try {
    const stream = await through.forward(settings.hostname, settings.port)
    return { stream, dispose: async () => await through[Symbol.asyncDispose]() }
  } catch (error) {
    await through[Symbol.asyncDispose]()
    throw error
  }
}

/** Of the arguments for one host only the settings file holds for the hosts on the way, as with ssh -J. */
function settingsFileIn(given: readonly string[]): readonly string[] {
  const at = given.findIndex((argument) => argument.startsWith('-F'))
  if (at < 0) return []
  return given[at] === '-F' ? given.slice(at, at + 2) : given.slice(at, at + 1)
}

/** Aborts when the host takes too long; the time people need is not the host's. */
class Deadline implements Disposable {
  readonly #control = new AbortController()
  readonly #settings: SshSettings
  readonly #outer: AbortSignal | undefined
  readonly #abort = (): void => this.#control.abort(this.#outer?.reason)
  #timer: NodeJS.Timeout | undefined

  constructor(settings: SshSettings, outer: AbortSignal | undefined) {
    this.#settings = settings
    this.#outer = outer
    outer?.addEventListener('abort', this.#abort, { once: true })
    this.#start()
  }

  get signal(): AbortSignal {
    return this.#control.signal
  }

  async pausedWhile<T>(ask: () => Promise<T>): Promise<T> {
    clearTimeout(this.#timer)
    try {
      return await ask()
    } finally {
      this.#start()
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#outer?.removeEventListener('abort', this.#abort)
  }

  #start(): void {
    const { alias, connectTimeoutSeconds } = this.#settings
    const late = `${alias} did not let us in within ${connectTimeoutSeconds} seconds.`
    this.#timer = setTimeout(
      () => this.#control.abort(new BorgError('ConnectionClosedWithHint', [late])),
      connectTimeoutSeconds * 1000,
    )
  }
}

/** From a byte stream to a connection, or to the one error that says why not. */
class Connecting {
  readonly #client: Client
  readonly #transport: SshTransport
  readonly #settings: SshSettings
  readonly #known: KnownKey[]
  readonly #run: RunOptions

  constructor(client: Client, transport: SshTransport, settings: SshSettings, known: KnownKey[], run: RunOptions) {
    this.#client = client
    this.#transport = transport
    this.#settings = settings
    this.#known = known
    this.#run = run
  }

  async authenticate(authentication: Authentication, deadline: Deadline): Promise<SshConnection> {
    const client = this.#client
    let fail: (error: unknown) => void = () => {}
    const ready = new Promise<void>((resolve, reject) => {
      fail = reject
      client.once('ready', resolve)
      client.on('error', (error) => {
        // An agent that does not sign is one proof less, not the end.
        if (error.level === 'agent' || error.message.startsWith('Error signing')) authentication.note(error.message)
        else reject(this.#refusal(error, authentication))
      })
      client.once('close', () => reject(this.#refusal(new Error('the connection was closed'), authentication)))
      deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason), { once: true })
    })
    const connection = new OpenConnection(client, this.#transport, this.#settings)
    try {
      client.connect({
        sock: this.#transport.stream,
        username: this.#settings.user,
        // The deadline is ours: it knows when people are being asked.
        readyTimeout: 0,
        keepaliveInterval: this.#settings.keepAliveSeconds * 1000,
        keepaliveCountMax: this.#settings.keepAliveCount,
        algorithms: { serverHostKey: preferredAlgorithms(this.#known) },
        hostVerifier: (key: Buffer, answer: (trusted: boolean) => void) => {
          this.#verify(key).then(answer, (error: unknown) => {
            fail(error)
            answer(false)
          })
        },
        authHandler: authentication.handler(fail),
      })
      deadline.signal.throwIfAborted()
      await ready
      return connection
    } catch (error) {
      await connection[Symbol.asyncDispose]()
      throw error
    }
  }

  /** False never comes back: whatever is wrong with a key is thrown, with its reason. */
  async #verify(key: Buffer): Promise<boolean> {
    const verdict = judgeHostKey(this.#known, key)
    if (verdict.kind === 'known') return true
    if (verdict.kind !== 'unknown' || this.#settings.unknownHosts === 'refuse') {
      throw new BorgError('Error', [hostKeyComplaint(this.#settings, key, this.#known)])
    }
    await addKnownKey(this.#settings, key)
    // Keys are shown again when a long connection renews its own.
    const base64 = key.toString('base64')
    this.#known.push({ kind: 'host', type: keyType(key), key: base64, exact: true, where: 'accepted now' })
    const file = this.#settings.knownHostsFiles[0]
    const what = `${keyType(key)} key ${fingerprint(key)} of ${this.#settings.alias}`
    reportLog(this.#run, 'warning', `Added the ${what} to ${file}.`)
    return true
  }

  #refusal(error: Error, authentication: Authentication): unknown {
    if (isBorgError(error)) return error
    const [user, host] = [this.#settings.user, this.#settings.alias]
    const words = error.message.startsWith('All configured') ? '' : `${user}@${host}: ${error.message}. `
    const proxy = this.#transport.complaint?.() ?? ''
    const said = proxy === '' ? '' : ` ProxyCommand: ${proxy}`
    const complaint = authentication.started ? authentication.complaint() : ''
    return new BorgError('ConnectionClosedWithHint', [`${words}${complaint}${said}`.trim()], { cause: error })
  }
}

/** Types the host is known by come first: of the others we could not judge a key. */
function preferredAlgorithms(known: readonly KnownKey[]): ServerHostKeyAlgorithm[] {
  const types = knownTypes(known)
  const isKnown = (algorithm: string): boolean => types.includes(algorithm.replace(/^rsa-sha2-\d+$/, 'ssh-rsa'))
  return [...hostKeyAlgorithms.filter(isKnown), ...hostKeyAlgorithms.filter((algorithm) => !isKnown(algorithm))]
}

class OpenConnection implements SshConnection {
  readonly name: string
  readonly place: string
  readonly closed: Promise<BorgError | undefined>
  readonly #client: Client
  readonly #transport: SshTransport
  readonly #end: { lost: BorgError | undefined } = { lost: undefined }
  readonly #ended: Promise<ConnectionEnd>
  #endedByUs = false

  constructor(client: Client, transport: SshTransport, settings: SshSettings) {
    this.#client = client
    this.#transport = transport
    this.name = `${settings.user}@${settings.alias}`
    this.place = `${settings.user}@${settings.hostname.toLowerCase()}:${settings.port}`
    let reason: string | undefined
    client.on('error', (error) => {
      reason ??= error.message
    })
    this.#ended = new Promise((resolve) => {
      client.once('close', () => {
        if (!this.#endedByUs) this.#end.lost = this.#failure(reason ?? 'the connection was closed')
        resolve(this.#end)
      })
    })
    this.closed = this.#ended.then(({ lost }) => lost)
  }

  async exec(command: string): Promise<SshExecChannel> {
    const channel = await this.#open<ClientChannel>('running a command', (done) => this.#client.exec(command, done))
    return execChannel(channel, this.#ended, this.#end)
  }

  async sftp(): Promise<SshExecChannel> {
    const channel = await this.#open<ClientChannel>('starting SFTP', (done) => this.#client.subsys('sftp', done))
    return execChannel(channel, this.#ended, this.#end)
  }

  async forward(host: string, port: number): Promise<Duplex> {
    return await this.#open<ClientChannel>(`connecting to ${host} port ${port}`, (done) =>
      this.#client.forwardOut('127.0.0.1', 0, host, port, done),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endedByUs = true
    const { stream } = this.#transport
    // Goodbye is sent, if the network takes it; a dead one gets a moment and no more.
    const patience = setTimeout(() => stream.destroy(), goodbyeMs)
    stream.once('finish', () => stream.destroy())
    this.#client.end()
    if (!stream.writable) stream.destroy()
    if (!stream.destroyed) await new Promise<void>((resolve) => stream.once('close', () => resolve()))
    clearTimeout(patience)
    await this.#transport.dispose()
  }

  async #open<T>(what: string, act: (done: (error: Error | undefined, channel: T) => void) => unknown): Promise<T> {
    const opened = new Promise<T>((resolve, reject) => {
      act((error, channel) => {
        if (error === undefined || error === null) resolve(channel)
        else reject(error)
      })
    })
    const lost = this.closed.then((error): never => {
      throw error ?? this.#failure('it was ended')
    })
    lost.catch(() => {})
    try {
      return await Promise.race([opened, lost])
    } catch (error) {
      // Whoever asks a dead connection hears why it died.
      if (this.#end.lost !== undefined) throw this.#end.lost
      if (isBorgError(error)) throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw this.#failure(`${what} failed: ${reason}`, error)
    }
  }

  #failure(what: string, cause?: unknown): BorgError {
    return new BorgError('ConnectionClosedWithHint', [`${this.name}: ${what}`], { cause })
  }
}
