/**
 * Calls over a transport: many under way at once, answers matched by id.
 *
 * Answers are always read, also while requests are being sent: a server blocked on an answer nobody reads takes no
 * request. The one exception: answers of streams that nobody waits for may stay with the server, once enough of them lie
 * here. Source: format/rpc.md §2, §3, §6.
 */
import { BorgError } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import { decodeText, hasLoneSurrogate } from '../base/text.ts'
import { type Unpacked, Unpacker } from '../format/msgpack-decode.ts'
import { type Packable, Packer } from '../format/msgpack-encode.ts'
import { type MethodName, methodSpec, type MethodSpec } from './methods.ts'
import { followRemoteLog } from './remote-log.ts'
import { SendQueue } from './send-queue.ts'
import { settledWithin } from '../base/flow.ts'
import type { Transport } from './transport.ts'
import { type BorgVersion, compareVersions, parseVersion } from './versions.ts'
import { type Answer, decodeAnswer, encodeRequest, type Framing, frameLimits } from './wire.ts'
import { errorFromWire } from './wire-errors.ts'

export interface ConnectionOptions {
  /** What the repository is called in messages. */
  readonly location: string
  /** Bytes of requests that may wait to be sent. */
  readonly windowBytes: number
  readonly bytesPerSecond: number | undefined
  readonly host: Host
}

export type Arguments = Readonly<Record<string, Packable | undefined>>

/** A request whose answer is awaited, or was given up. */
interface Pending {
  readonly resolve: (result: Unpacked) => void
  readonly reject: (error: unknown) => void
}

/** Answers of streams kept for consumers that have not come for them yet. */
const heldBytesMax = 64 * 1024 * 1024
/** Requests without an answer; a server that takes more without a word is not working. */
const unansweredMax = 50_000
/** What borg says when a connection ends before it began. */
const hint = 'Is borg working on the server?'
/** How long the last words of ssh are waited for, to be heard before the error that they explain. */
const lastWordsMs = 1000

export class Connection {
  /** Set by who negotiates. */
  framing: Framing = 'list'
  serverVersion: BorgVersion = parseVersion('1.0.8')
  readonly #transport: Transport
  readonly #options: ConnectionOptions
  readonly #queue: SendQueue
  readonly #packer = new Packer()
  readonly #unpacker = new Unpacker(frameLimits)
  readonly #pending = new Map<number, Pending>()
  readonly #logEnded: Promise<void>
  #lastId = 0
  #urgent = 0
  #held = 0
  /** Requests whose answer nobody awaits, and the first thing that went wrong with one. */
  #posted = 0
  #lateFailure: { readonly error: unknown } | undefined
  readonly #drained: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = []
  #broken: { readonly error: unknown } | undefined
  #answered = false
  #ending = false
  readonly #stopListening: () => void

  constructor(transport: Transport, options: ConnectionOptions, run: RunOptions) {
    this.#transport = transport
    this.#options = options
    this.#queue = new SendQueue(transport.output, options)
    this.#logEnded = followRemoteLog(transport.log, run)
    const { input, output } = transport
    input.on('data', (chunk: Uint8Array) => this.#receive(chunk))
    input.on('end', () => void this.#ended())
    input.on('error', () => void this.#ended())
    input.on('close', () => void this.#ended())
    output.on('error', () => this.#sendingFailed())
    const { signal } = run
    const abort = (): void => this.fail(signal?.reason)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    this.#stopListening = () => signal?.removeEventListener('abort', abort)
  }

  /** Why nothing can be called any more. */
  get broken(): { readonly error: unknown } | undefined {
    return this.#broken
  }

  /** @throws the server's error; BorgError 'ConnectionClosed' and its family */
  call(method: MethodName, args: Arguments = {}): Promise<Unpacked> {
    return this.#ask(method, args, true)
  }

  /** A call whose answer may wait: a stream's. */
  callAhead(method: MethodName, args: Arguments): Promise<Unpacked> {
    return this.#ask(method, args, false)
  }

  /**
   * Sends in the order of the calls and resolves when the send window has room: what the server says to it surfaces at a
   * later `post` or `drain`. The bytes in `args` are not needed any more once this has returned.
   */
  async post(method: MethodName, args: Arguments): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken.error
    this.#throwLateFailure()
    const settle = (): void => {
      this.#urgent--
      this.#posted--
      if (this.#posted === 0) for (const { resolve } of this.#drained.splice(0)) resolve()
    }
    const failed = (error: unknown): void => {
      this.#lateFailure ??= { error }
      settle()
    }
    this.#send(method, args, { resolve: settle, reject: failed })
    this.#posted++
    this.#urgent++
    this.#flow()
    if (this.#posted >= unansweredMax) await this.#allAnswered()
    await this.#queue.room()
  }

  /** Resolves when all that was posted is done. @throws the first failure among it, once */
  async drain(): Promise<void> {
    await this.#allAnswered()
    this.#throwLateFailure()
  }

  /** What went wrong with posted requests concerns nobody any more. */
  forgetLateFailure(): void {
    this.#lateFailure = undefined
  }

  /** Bytes of stream answers that came to lie here, or (negative) were taken. */
  hold(bytes: number): void {
    this.#held += bytes
    this.#flow()
  }

  /** While `awaited` is pending, answers are read however many lie here. */
  async urgently<T>(awaited: Promise<T>): Promise<T> {
    this.#urgent++
    this.#flow()
    try {
      return await awaited
    } finally {
      this.#urgent--
    }
  }

  /** Ends all calls with `error`, and sends nothing more: the server sees the end of its input. */
  fail(error: unknown): void {
    if (this.#broken !== undefined) return
    this.#broken = { error }
    this.#queue.stop(error)
    this.#transport.output.destroy()
    for (const { reject } of [...this.#pending.values()]) reject(error)
    this.#pending.clear()
    for (const { reject } of this.#drained.splice(0)) reject(error)
    this.#flow()
  }

  /** Answers that still come are nobody's. Does not dispose of the transport. */
  close(): void {
    this.#stopListening()
    this.#broken ??= { error: new BorgError('ConnectionClosed', []) }
  }

  /** Resolves when the server's log has ended. */
  get logEnded(): Promise<void> {
    return this.#logEnded
  }

  async #ask(method: MethodName, args: Arguments, urgent: boolean): Promise<Unpacked> {
    if (this.#broken !== undefined) throw this.#broken.error
    if (urgent) this.#urgent++
    try {
      return await new Promise<Unpacked>((resolve, reject) => {
        this.#send(method, args, { resolve, reject })
        this.#flow()
      })
    } finally {
      if (urgent) this.#urgent--
    }
  }

  #send(method: MethodName, args: Arguments, pending: Pending): void {
    const request = { id: this.#lastId + 1, method, args: sentArguments(method, args, this.serverVersion) }
    encodeRequest(this.#packer, request, this.framing)
    this.#lastId = request.id
    this.#pending.set(request.id, pending)
    this.#queue.push(this.#packer.take())
  }

  async #allAnswered(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken.error
    if (this.#posted === 0) return
    await new Promise<void>((resolve, reject) => this.#drained.push({ resolve, reject }))
  }

  #throwLateFailure(): void {
    const failure = this.#lateFailure
    this.#lateFailure = undefined
    if (failure !== undefined) throw failure.error
  }

  #receive(chunk: Uint8Array): void {
    if (this.#broken !== undefined) return
    try {
      this.#unpacker.feed(chunk)
      for (let next = this.#unpacker.next(); next !== undefined; next = this.#unpacker.next()) {
        const answer = decodeAnswer(next.value)
        if (answer === undefined || !this.#settle(answer)) throw unexpected(chunk)
      }
    } catch (error) {
      this.fail(error instanceof BorgError && error.code !== 'IntegrityError' ? error : unexpected(chunk))
    }
  }

  /** False when nobody asked. */
  #settle(answer: Answer): boolean {
    const pending = this.#pending.get(answer.id)
    if (pending === undefined) return false
    this.#pending.delete(answer.id)
    this.#answered = true
    if ('failure' in answer) pending.reject(errorFromWire(answer.failure, this.#options.location))
    else pending.resolve(answer.result)
    return true
  }

  #flow(): void {
    const { input } = this.#transport
    const wait = this.#held > heldBytesMax && this.#urgent === 0 && this.#broken === undefined
    if (wait && !input.isPaused()) input.pause()
    else if (!wait && input.isPaused()) input.resume()
  }

  async #ended(): Promise<void> {
    if (this.#broken !== undefined || this.#ending) return
    this.#ending = true
    await settledWithin(this.#logEnded, lastWordsMs, this.#options.host)
    const why = this.#transport.ending()
    const cause = why === undefined ? {} : { cause: new Error(why) }
    this.fail(
      this.#answered
        ? new BorgError('ConnectionClosed', [], cause)
        : new BorgError('ConnectionClosedWithHint', [hint], cause),
    )
  }

  #sendingFailed(): void {
    // Before the first answer the end of the input, which comes too, tells more.
    if (this.#answered) this.fail(new BorgError('ConnectionBrokenWithHint', [hint]))
    else void this.#ended()
  }
}

/** In the order of the method's table, without what the server does not know. @throws BorgError 'RemoteRepository.RPCServerOutdated' */
export function sentArguments(method: MethodName, args: Arguments, server: BorgVersion): [string, Packable][] {
  const spec: MethodSpec = methodSpec(method)
  const tooOld = (since: string | undefined): boolean =>
    since !== undefined && compareVersions(server, parseVersion(since)) < 0
  if (tooOld(spec.since)) throw new BorgError('RemoteRepository.RPCServerOutdated', [method, spec.since ?? ''])
  const sent: [string, Packable][] = []
  for (const { name, since, before, default: usual } of spec.args) {
    const given = args[name]
    const value = given === undefined ? usual : given
    if (value === undefined) throw new RangeError(`${method} needs ${name}`)
    if (!tooOld(since)) sent.push([name, value])
    else if (before !== undefined && value !== before) {
      const what = `${method} ${name}=${pythonWord(value)}`
      throw new BorgError('RemoteRepository.RPCServerOutdated', [what, since ?? ''])
    }
  }
  return sent
}

function pythonWord(value: Packable): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return String(value)
}

/** borg shows the first bytes: as text if they are, else in hexadecimal. */
function unexpected(data: Uint8Array): BorgError {
  const start = data.subarray(0, 128)
  const text = decodeText(start)
  return new BorgError('UnexpectedRPCDataFormatFromServer', [hasLoneSurrogate(text) ? hexLines(start) : text])
}

function hexLines(bytes: Uint8Array): string {
  const words = [...bytes].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
  const lines: string[] = []
  for (let at = 0; at < words.length; at += 16) lines.push(words.slice(at, at + 16).join(' '))
  return lines.join('\n')
}
