/**
 * A repository behind `borg serve`, whoever's: borg 1.0 and later, or ours. Source: format/rpc.md §3-§6.
 */
import { BorgError } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import { type ObjectId, objectId, objectIdSize } from '../base/ids.ts'
import { borgVersion, compactThresholdDefault, dataSizeMax, listBatch } from '../base/limits.ts'
import type { Unpacked } from '../format/msgpack-decode.ts'
import type { CommitOptions, Repository } from '../repository/repository.ts'
import { Turns } from '../repository/turns.ts'
import { Connection } from './connection.ts'
import { type AnswerSource, answersInOrder, ExpectedSize } from './request-window.ts'
import { settledWithin } from '../base/flow.ts'
import type { Transport } from './transport.ts'
import { formatVersion, parseVersion, versionFromWire, versionToWire } from './versions.ts'

export interface RemoteOpenOptions {
  /** As the server is to understand it. */
  readonly path: string
  /** What messages call it: the URL as typed. */
  readonly named: string
  /** Its canonical URL. */
  readonly location: string
  /** read: others may read too. write: nobody else may. unlocked: take no lock. */
  readonly access: 'read' | 'write' | 'unlocked'
  readonly lockWaitSeconds: number | 'forever'
  /** Make it first; `appendOnly` and `makeParents` are of interest then only. */
  readonly create?: boolean | undefined
  readonly appendOnly?: boolean | undefined
  readonly makeParents?: boolean | undefined
  /** 0 or undefined: as fast as it goes. */
  readonly uploadBytesPerSecond?: number | undefined
  /** Bytes that may wait to be sent besides what may anyway. */
  readonly uploadBufferBytes?: number | undefined
}

/** Uploads that may wait here: enough to keep sending while the next chunk is made. */
const sendWindowBytes = 4 * 1024 * 1024
/** Enough to fill 50 ms of round trips with small files, without asking for what nobody may want. */
const readAhead = { requests: 256, bytes: 32 * 1024 * 1024 }
/** Saying goodbye: rolling back, releasing the lock, ending ssh. */
const goodbyeMs = 30_000
/** The same when somebody said: now. */
const abortedGoodbyeMs = 5_000

/**
 * Negotiates, opens, and from then on is a Repository like any other. Takes the transport: it is disposed of with the
 * repository, or on failure.
 * @throws BorgError of borg's connection, Repository and lock families; RemoteError for the server's own
 */
export async function openRemoteRepository(
  transport: Transport,
  options: RemoteOpenOptions,
  run: RunOptions,
  host: Host,
): Promise<RemoteRepository> {
  const { uploadBytesPerSecond, uploadBufferBytes = 0 } = options
  const connection = new Connection(
    transport,
    {
      location: options.named,
      windowBytes: sendWindowBytes + uploadBufferBytes,
      bytesPerSecond: uploadBytesPerSecond === 0 ? undefined : uploadBytesPerSecond,
      host,
    },
    run,
  )
  const ends = { connection, transport, host }
  try {
    await negotiate(connection)
    const id = await open(connection, options)
    return new RemoteRepository(ends, { id, location: options.location })
  } catch (error) {
    await sayGoodbye(ends)
    throw error
  }
}

interface Ends {
  readonly connection: Connection
  readonly transport: Transport
  readonly host: Host
}

async function negotiate(connection: Connection): Promise<void> {
  const client = new Map([['client_version', versionToWire(parseVersion(borgVersion))]])
  const answer = await connection.call('negotiate', { client_data: client })
  // borg 1.0 says which framing it speaks, and no version.
  if (answer === 2) return
  const version = answer instanceof Map ? versionFromWire(answer.get('server_version')) : undefined
  if (version === undefined) throw notExpected('negotiate')
  connection.serverVersion = version
  connection.framing = 'map'
}

async function open(connection: Connection, options: RemoteOpenOptions): Promise<ObjectId> {
  const { path, access, lockWaitSeconds, create = false, appendOnly = false, makeParents = false } = options
  const id = await connection.call('open', {
    path,
    create,
    lock_wait: lockWaitSeconds === 'forever' ? null : lockWaitSeconds,
    lock: access !== 'unlocked',
    exclusive: access === 'write',
    append_only: appendOnly,
    make_parent_dirs: makeParents,
  })
  return idFrom(id, 'open')
}

/** Ends the connection; the server releases its lock when it sees that. Never throws. */
async function sayGoodbye({ connection, transport, host }: Ends, aborted = false): Promise<void> {
  connection.close()
  const end = async (): Promise<void> => {
    await transport[Symbol.asyncDispose]()
    await connection.logEnded
  }
  await settledWithin(end(), aborted ? abortedGoodbyeMs : goodbyeMs, host)
}

export class RemoteRepository implements Repository {
  readonly id: ObjectId
  readonly location: string
  readonly #ends: Ends
  readonly #connection: Connection
  readonly #answers: AnswerSource
  readonly #turns = new Turns()
  #changed = false
  #closing: Promise<void> | undefined

  constructor(ends: Ends, { id, location }: { readonly id: ObjectId; readonly location: string }) {
    this.id = id
    this.location = location
    this.#ends = ends
    const { connection } = ends
    this.#connection = connection
    this.#answers = {
      ask: async (wanted) => bytesFrom(await connection.callAhead('get', { id: wanted }), 'get'),
      urgently: (awaited) => connection.urgently(awaited),
      hold: (bytes) => connection.hold(bytes),
      expected: new ExpectedSize(),
    }
  }

  /** '1.4.0'; '1.0.8' stands for all servers that do not say. */
  get serverVersion(): string {
    return formatVersion(this.#connection.serverVersion)
  }

  async count(): Promise<number> {
    return numberFrom(await this.#connection.call('__len__'), '__len__')
  }

  list(limit: number, after?: ObjectId): Promise<readonly ObjectId[]> {
    return this.#page('list', limit, after)
  }

  scan(limit: number, after?: ObjectId): Promise<readonly ObjectId[]> {
    return this.#page('scan', limit, after)
  }

  async get(id: ObjectId): Promise<Uint8Array> {
    return bytesFrom(await this.#connection.call('get', { id }), 'get')
  }

  getMany(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncIterable<Uint8Array> {
    return answersInOrder(ids, this.#answers, readAhead)
  }

  put(id: ObjectId, stored: Uint8Array): Promise<void> {
    if (stored.length > dataSizeMax) {
      const what = `More than allowed put data [${stored.length} > ${dataSizeMax}]`
      return Promise.reject(new BorgError('IntegrityError', [what]))
    }
    return this.#change(() => this.#connection.post('put', { id, data: stored }))
  }

  delete(id: ObjectId): Promise<void> {
    return this.#change(() => this.#connection.post('delete', { id }))
  }

  settled(): Promise<void> {
    return this.#turns.take(() => this.#connection.drain())
  }

  commit({ compact }: CommitOptions = {}): Promise<void> {
    return this.#turns.take(async () => {
      // A refused put would otherwise be missing from what is committed.
      await this.#connection.drain()
      await this.#connection.call('commit', {
        compact: compact !== undefined,
        threshold: compact?.threshold ?? compactThresholdDefault,
        cleanup_commits: compact?.cleanupCommits ?? false,
      })
      this.#changed = false
    })
  }

  rollback(): Promise<void> {
    return this.#turns.take(async () => {
      await this.#connection.call('rollback')
      // Answered in order: all that was posted has been answered, and is forgotten.
      this.#connection.forgetLateFailure()
      this.#changed = false
    })
  }

  check({ repair, maxSeconds }: { repair: boolean; maxSeconds: number }): Promise<boolean> {
    return this.#turns.take(async () => {
      const ok = await this.#connection.call('check', { repair, max_duration: maxSeconds })
      if (typeof ok !== 'boolean') throw notExpected('check')
      return ok
    })
  }

  async loadKey(): Promise<Uint8Array> {
    return bytesFrom(await this.#connection.call('load_key'), 'load_key')
  }

  async saveKey(blob: Uint8Array): Promise<void> {
    await this.#connection.call('save_key', { keydata: blob })
  }

  async freeNonce(): Promise<bigint | undefined> {
    const free = await this.#connection.call('get_free_nonce')
    if (free === null) return undefined
    if (typeof free !== 'number' && typeof free !== 'bigint') throw notExpected('get_free_nonce')
    return BigInt(free)
  }

  async reserveNonce(next: bigint, expected: bigint | undefined): Promise<void> {
    await this.#connection.call('commit_nonce_reservation', { next_unreserved: next, start_nonce: expected ?? null })
  }

  async breakLock(): Promise<void> {
    await this.#connection.call('break_lock')
  }

  destroy(): Promise<void> {
    return this.#turns.take(async () => {
      await this.#connection.call('destroy')
      this.#changed = false
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { connection, host } = this.#ends
    // The server would forget the transaction anyway; told so, it does it before it gives the lock to the next.
    if (this.#changed && connection.broken === undefined) {
      await settledWithin(connection.call('rollback'), goodbyeMs, host)
    }
    await sayGoodbye(this.#ends, connection.broken !== undefined)
  }

  #change(send: () => Promise<void>): Promise<void> {
    this.#changed = true
    return this.#turns.idle ? send() : this.#turns.take(send)
  }

  /** Servers give so many ids at most. */
  async #page(method: 'list' | 'scan', limit: number, after?: ObjectId): Promise<readonly ObjectId[]> {
    const ids: ObjectId[] = []
    while (ids.length < limit) {
      const page = Math.min(limit - ids.length, listBatch)
      const answer = await this.#connection.call(method, { limit: page, marker: ids.at(-1) ?? after ?? null })
      if (!Array.isArray(answer)) throw notExpected(method)
      for (const id of answer) ids.push(idFrom(id, method))
      if (answer.length < page) break
    }
    return ids
  }
}

function idFrom(value: Unpacked, method: string): ObjectId {
  if (!(value instanceof Uint8Array) || value.length !== objectIdSize) throw notExpected(method)
  return objectId(value)
}

function bytesFrom(value: Unpacked, method: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw notExpected(method)
  return value
}

function numberFrom(value: Unpacked, method: string): number {
  if (typeof value !== 'number') throw notExpected(method)
  return value
}

function notExpected(method: string): BorgError {
  return new BorgError('UnexpectedRPCDataFormatFromServer', [`not an answer to ${method}`])
}
