/**
 * `borg serve`: repositories for one client, over any pair of streams.
 *
 * One request at a time, answered in order. Nothing queues without a bound: a frame has `frameLimits`, requests are read only
 * when those before are answered, and answers are written only as fast as the client reads them.
 * Source: format/rpc.md §2, §8; decision 029.
 */
import { BorgError, isBorgError } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import { type Host, systemHost } from '../base/host.ts'
import type { ObjectId } from '../base/ids.ts'
import { borgVersion } from '../base/limits.ts'
import { Unpacker, type Unpacked } from '../format/msgpack-decode.ts'
import { Packer } from '../format/msgpack-encode.ts'
import { isMethodName, type MethodName } from './methods.ts'
import { CallArguments } from './server-arguments.ts'
import { Connection, type ServeStreams } from './server-connection.ts'
import { ServerLog } from './server-log.ts'
import { type ServePolicy, ServerSession } from './server-session.ts'
import { failureToWire } from './wire-errors.ts'
import { decodeRequest, encodeFailure, encodeResult, frameLimits, type Request } from './wire.ts'

export type { ServeStreams } from './server-connection.ts'
export type { ServePolicy } from './server-session.ts'

/** Answers are collected up to here, then written. */
const batchSize = 64 * 1024

/** Pipelined gets that are read together. */
const getsMax = 1000

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
    connection.destroy()
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
    for (;;) {
      const received = await this.#connection.receive()
      if (received === undefined) break
      for (const bytes of received) this.#unpacker.feed(bytes)
      await this.#answerAll()
    }
    if (this.#session.hasOpened) return
    // On the wrong channel, but that is where people look who call the server by hand.
    await this.#connection.write(`Borg ${borgVersion}: Got connection close before repository was opened.\n`)
  }

  async #answerAll(): Promise<void> {
    try {
      let request = this.#next()
      while (request !== undefined) {
        const gets: WantedObject[] = []
        for (let get = wantedObject(request); get !== undefined; get = wantedObject(request)) {
          gets.push(get)
          request = this.#next()
          if (request === undefined || gets.length === getsMax) break
        }
        if (gets.length > 0) await this.#answerGets(gets)
        else if (request !== undefined) {
          await this.#answer(request)
          await this.#answered()
          request = this.#next()
        }
      }
    } finally {
      if (!this.#connection.signal.aborted) await this.#flush()
    }
  }

  /** The next request that has arrived whole. */
  #next(): Request | undefined {
    let next: { readonly value: Unpacked } | undefined
    try {
      next = this.#unpacker.next()
    } catch (error) {
      throw unexpected(error)
    }
    if (next === undefined) return undefined
    const request = decodeRequest(next.value)
    if (request === undefined) throw unexpected()
    return request
  }

  /** As one by one, but neighbours on the disk are read together. After a refusal the rest is asked for anew. */
  async #answerGets(gets: readonly WantedObject[]): Promise<void> {
    let answered = 0
    while (answered < gets.length) {
      const rest = gets.slice(answered)
      try {
        for await (const object of this.#session.getMany(rest.map(({ objectId }) => objectId))) {
          const { id, framing } = gets[answered] as WantedObject
          encodeResult(this.#packer, id, object, framing)
          answered += 1
          await this.#answered()
        }
        return
      } catch (error) {
        const refused = gets[answered]
        if (refused === undefined) throw error
        this.#refuse(refused, error)
        answered += 1
        await this.#answered()
      }
    }
  }

  /** Between two requests: whoever does not read must wait, and whoever is told to stop stops. */
  async #answered(): Promise<void> {
    this.#connection.signal.throwIfAborted()
    if (this.#packer.size >= batchSize) await this.#flush()
    if (this.#log.isFull) await this.#connection.logDrained()
  }

  async #answer({ id, method, args, framing }: Request): Promise<void> {
    try {
      if (!isMethodName(method)) throw new BorgError('InvalidRPCMethod', [method])
      if (slowMethods.has(method)) await this.#flush()
      const result = await this.#session.call(method, new CallArguments(method, args))
      encodeResult(this.#packer, id, result, framing)
    } catch (error) {
      this.#refuse({ id, framing }, error)
    }
  }

  #refuse({ id, framing }: Pick<Request, 'id' | 'framing'>, error: unknown): void {
    this.#connection.signal.throwIfAborted()
    const failure = failureToWire(error)
    encodeFailure(this.#packer, id, failure, framing)
    // Old clients get no more than the class: the rest is for their log.
    if (framing === 'list') {
      this.#log.event({ type: 'log', level: 'error', logger: 'root', message: failure.short.join('\n').trimEnd() })
    }
  }

  async #flush(): Promise<void> {
    if (this.#packer.size > 0) await this.#connection.write(this.#packer.take())
  }
}

interface WantedObject extends Pick<Request, 'id' | 'framing'> {
  readonly objectId: ObjectId
}

/** Undefined for any other request, and for a get that makes no sense: that one is answered alone. */
function wantedObject({ id, method, args, framing }: Request): WantedObject | undefined {
  if (method !== 'get') return undefined
  try {
    return { id, framing, objectId: new CallArguments(method, args).id('id') }
  } catch {
    return undefined
  }
}

function unexpected(cause?: unknown): BorgError {
  return new BorgError('UnexpectedRPCDataFormatFromClient', [borgVersion], { cause })
}
