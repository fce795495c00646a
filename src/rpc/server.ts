/**
 * `borg serve`: repositories for one client, over any pair of streams.
 *
 * One request at a time, answered in order. Nothing queues without a bound: a frame has `frameLimits`, requests are read only
 * when those before are answered, and answers are written only as fast as the client reads them.
 * Source: format/rpc.md §2, §8; decision 029.
 */
import type { Readable, Writable } from 'node:stream'
import { BorgError, isBorgError } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import { type Host, systemHost } from '../base/host.ts'
import { borgVersion } from '../base/limits.ts'
import { Unpacker, type Unpacked } from '../format/msgpack-decode.ts'
import { Packer } from '../format/msgpack-encode.ts'
import { isMethodName, type MethodName } from './methods.ts'
import { CallArguments } from './server-arguments.ts'
import { ServerLog } from './server-log.ts'
import { type ServePolicy, ServerSession } from './server-session.ts'
import { failureToWire } from './wire-errors.ts'
import { decodeRequest, encodeFailure, encodeResult, frameLimits, type Request } from './wire.ts'

export type { ServePolicy } from './server-session.ts'

/** The client's side of the connection; one stream may be both. */
export interface ServeStreams {
  readonly input: Readable
  readonly output: Writable
  /** Lines about what is going on; nobody hears them when absent. */
  readonly log?: Writable | undefined
}

/** Answers are collected up to here, then written. */
const batchSize = 64 * 1024

/** May take their time: nobody should wait for the answers before theirs. */
const slowMethods: ReadonlySet<MethodName> = new Set(['open', 'commit', 'check', 'destroy', 'rollback', 'scan'])

/**
 * Serves until the client ends the connection. Then, and whenever it throws, what was not committed is rolled back and the
 * lock is given up. Why it throws is told to the client's log before. The streams are ended or destroyed afterwards.
 * @throws BorgError 'UnexpectedRPCDataFormatFromClient'; 'ConnectionClosed' when the client is gone without a word; the
 * signal's reason.
 */
export async function serve(
  streams: ServeStreams,
  policy: ServePolicy,
  run: RunOptions = {},
  host: Host = systemHost,
): Promise<void> {
  const log = new ServerLog(streams.log, policy, host)
  const connection = new Connection(streams, run.signal)
  const { signal } = connection
  const session = new ServerSession(policy, log, { signal, onEvent: log.event }, host)
  try {
    await using open = session
    await new Server(connection, open, log).run()
  } catch (error) {
    const reason = signal.aborted ? signal.reason : whatCameFirst(error)
    log.event({ type: 'log', level: 'error', logger: 'borg.archiver', ...describe(reason) })
    // What is still queued for a client that does not read would keep the process alive.
    streams.output.destroy()
    throw reason
  } finally {
    connection.release()
  }
}

/** When rolling back fails after something else has, that something says what went wrong. */
function whatCameFirst(error: unknown): unknown {
  return error instanceof Error && 'suppressed' in error ? error.suppressed : error
}

function describe(reason: unknown): { message: string; msgid?: string } {
  if (isBorgError(reason)) return { message: reason.message, msgid: reason.code }
  if (!(reason instanceof Error)) return { message: String(reason) }
  return 'msgid' in reason && typeof reason.msgid === 'string'
    ? { message: reason.message, msgid: reason.msgid }
    : { message: reason.message }
}

/** Streams that can break, and one signal for all the ways in which they do. */
class Connection {
  readonly #streams: ServeStreams
  readonly #lost = new AbortController()
  readonly signal: AbortSignal

  constructor(streams: ServeStreams, signal: AbortSignal | undefined) {
    this.#streams = streams
    this.signal = signal === undefined ? this.#lost.signal : AbortSignal.any([signal, this.#lost.signal])
    this.signal.addEventListener('abort', this.#end, { once: true })
    if (this.signal.aborted) this.#end()
    streams.output.on('error', this.#lose)
    streams.output.on('close', this.#lose)
    streams.log?.on('error', this.#lose)
  }

  get input(): AsyncIterable<Uint8Array> {
    return this.#streams.input
  }

  /** Resolves when more is welcome. */
  async write(bytes: Uint8Array | string): Promise<void> {
    if (!this.#streams.output.write(bytes)) await this.#drained(this.#streams.output)
  }

  async logDrained(): Promise<void> {
    if (this.#streams.log?.writableNeedDrain === true) await this.#drained(this.#streams.log)
  }

  /** A late error of a stream must not end the process: the listeners for those stay. */
  release(): void {
    this.signal.removeEventListener('abort', this.#end)
    this.#streams.output.off('close', this.#lose)
  }

  async #drained(stream: Writable): Promise<void> {
    const { signal } = this
    await new Promise<void>((resolve, reject) => {
      const finish = (): void => {
        stream.off('drain', finish)
        signal.removeEventListener('abort', finish)
        if (signal.aborted) reject(signal.reason)
        else resolve()
      }
      stream.on('drain', finish)
      signal.addEventListener('abort', finish, { once: true })
      if (signal.aborted) finish()
    })
  }

  readonly #lose = (cause?: Error): void => {
    this.#lost.abort(new BorgError('ConnectionClosed', [], { cause }))
  }

  /** Wakes whoever waits for input. */
  readonly #end = (): void => {
    this.#streams.input.destroy()
  }
}

class Server {
  readonly #connection: Connection
  readonly #session: ServerSession
  readonly #log: ServerLog
  readonly #unpacker = new Unpacker(frameLimits)
  readonly #packer = new Packer(batchSize)

  constructor(connection: Connection, session: ServerSession, log: ServerLog) {
    this.#connection = connection
    this.#session = session
    this.#log = log
  }

  async run(): Promise<void> {
    const { input, signal } = this.#connection
    signal.throwIfAborted()
    for await (const bytes of input) {
      this.#unpacker.feed(bytes)
      await this.#answerAll()
    }
    if (this.#session.hasOpened) return
    // On the wrong channel, but that is where people look who call the server by hand.
    await this.#connection.write(`Borg ${borgVersion}: Got connection close before repository was opened.\n`)
  }

  async #answerAll(): Promise<void> {
    try {
      for (let value = this.#next(); value !== undefined; value = this.#next()) {
        const request = decodeRequest(value)
        if (request === undefined) throw unexpected()
        await this.#answer(request)
        this.#connection.signal.throwIfAborted()
        if (this.#packer.size >= batchSize) await this.#flush()
        if (this.#log.isFull) await this.#connection.logDrained()
      }
    } finally {
      if (!this.#connection.signal.aborted) await this.#flush()
    }
  }

  #next(): Unpacked | undefined {
    try {
      return this.#unpacker.next()?.value
    } catch (error) {
      throw unexpected(error)
    }
  }

  async #answer({ id, method, args, framing }: Request): Promise<void> {
    try {
      if (!isMethodName(method)) throw new BorgError('InvalidRPCMethod', [method])
      if (slowMethods.has(method)) await this.#flush()
      const result = await this.#session.call(method, new CallArguments(method, args))
      encodeResult(this.#packer, id, result, framing)
    } catch (error) {
      this.#connection.signal.throwIfAborted()
      const failure = failureToWire(error)
      encodeFailure(this.#packer, id, failure, framing)
      // Old clients get no more than the class: the rest is for their log.
      if (framing === 'list') {
        this.#log.event({ type: 'log', level: 'error', logger: 'root', message: failure.short.join('\n') })
      }
    }
  }

  async #flush(): Promise<void> {
    if (this.#packer.size > 0) await this.#connection.write(this.#packer.take())
  }
}

function unexpected(cause?: unknown): BorgError {
  return new BorgError('UnexpectedRPCDataFormatFromClient', [borgVersion], { cause })
}
