/**
 * What one client of a server has open, and the methods it may call. Source: format/rpc.md §3, §4, §8; decision 029.
 */
import { BorgError, type ErrorCode, isBorgError } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import type { ObjectId } from '../base/ids.ts'
import { borgVersion } from '../base/limits.ts'
import type { Packable } from '../format/msgpack-encode.ts'
import { initialiseRepository } from '../repository/initialise.ts'
import { openStoreRepository, type StoreRepository } from '../repository/segment-repository.ts'
import { LocalStore } from '../store/local-store.ts'
import type { Store } from '../store/store.ts'
import type { MethodName } from './methods.ts'
import { allowedPath, type PathPolicy } from './path-policy.ts'
import type { CallArguments } from './server-arguments.ts'
import type { LogHearing, ServerLog } from './server-log.ts'
import { parseVersion, versionToWire } from './versions.ts'

/** What clients of a server may do. */
export interface ServePolicy extends PathPolicy, LogHearing {
  /** Nothing is removed for good, except in a repository that the same connection has made. */
  readonly appendOnly: boolean
  /** Instead of the repository's own quota. */
  readonly quotaBytes?: number | undefined
  /** Bits taken from the modes of new files and folders. */
  readonly umask?: number | undefined
  /** Where the repository of that path is: to put something else than a disk behind the server. The server disposes it. */
  readonly openStore?: ((path: string) => Promise<Store>) | undefined
}

/** What clients before 1.1 send instead of their version, and want to hear back. */
const oldProtocol = 2

export class ServerSession implements AsyncDisposable {
  readonly #policy: ServePolicy
  readonly #log: ServerLog
  readonly #run: RunOptions
  readonly #host: Host
  #repository: StoreRepository | undefined
  #appendOnly = false
  #hasOpened = false

  constructor(policy: ServePolicy, log: ServerLog, run: RunOptions, host: Host) {
    this.#policy = policy
    this.#log = log
    this.#run = run
    this.#host = host
  }

  /** Whether the client has asked for a repository that it may have, with or without success. */
  get hasOpened(): boolean {
    return this.#hasOpened
  }

  /** @throws whatever the method throws: told to the client, the session goes on. */
  async call(method: MethodName, args: CallArguments): Promise<Packable> {
    switch (method) {
      case 'negotiate':
        return this.#negotiate(args)
      case 'open':
        return this.#openAgain(args)
      case 'inject_exception':
        injectException(args.text('kind'))
        return null
      case 'check':
      case 'commit':
      case 'destroy':
      case 'rollback':
      case 'commit_nonce_reservation':
        return this.#transact(method, args)
      case 'put':
        await this.#opened.put(args.id('id'), args.bytes('data'))
        return null
      case 'get':
        return this.#opened.get(args.id('id'))
      case 'delete':
        await this.#opened.delete(args.id('id'))
        return null
      case '__len__':
        return this.#opened.count()
      case 'list':
        return this.#opened.list(limitOf(args), args.optionalId('marker'))
      case 'scan':
        return this.#opened.scan(limitOf(args), args.optionalId('marker'))
      case 'save_key':
        await this.#opened.saveKey(args.bytes('keydata'))
        return null
      case 'load_key':
        return this.#opened.loadKey()
      case 'get_free_nonce':
        return (await this.#opened.freeNonce()) ?? null
      case 'break_lock':
        await this.#opened.breakLock()
        return null
    }
  }

  /** As many calls of `get`, in their order, until the first that fails. */
  async *getMany(ids: readonly ObjectId[]): AsyncGenerator<Uint8Array> {
    yield* this.#opened.getMany(ids)
  }

  /** Rolls back what was not committed, and gives up the lock. */
  async [Symbol.asyncDispose](): Promise<void> {
    const repository = this.#repository
    this.#repository = undefined
    await repository?.[Symbol.asyncDispose]()
  }

  async #transact(
    method: 'check' | 'commit' | 'destroy' | 'rollback' | 'commit_nonce_reservation',
    args: CallArguments,
  ): Promise<Packable> {
    const repository = this.#opened
    switch (method) {
      case 'check': {
        const repair = args.boolean('repair')
        if (repair) this.#refuseAppendOnly()
        return repository.check({ repair, maxSeconds: args.number('max_duration') })
      }
      case 'commit': {
        const threshold = args.number('threshold')
        const cleanupCommits = args.boolean('cleanup_commits')
        await repository.commit(args.boolean('compact') ? { compact: { threshold, cleanupCommits } } : {})
        return null
      }
      case 'destroy':
        this.#refuseAppendOnly()
        await repository.destroy()
        return null
      case 'rollback':
        await repository.rollback()
        return null
      case 'commit_nonce_reservation':
        await reserve(repository, args.integer('next_unreserved'), args.optionalInteger('start_nonce'))
        return null
    }
  }

  #negotiate(args: CallArguments): Packable {
    const data = args.value('client_data')
    if (data === oldProtocol) return oldProtocol
    if (!(data instanceof Map)) throw new TypeError("negotiate(): the argument 'client_data' must be a map")
    this.#log.json = true
    return new Map([['server_version', versionToWire(parseVersion(borgVersion))]])
  }

  /** A second open takes the place of the first, as with borg. What may not be opened leaves the first as it is. */
  async #openAgain(args: CallArguments): Promise<Packable> {
    const policy = this.#policy
    const path = allowedPath(args.text('path'), policy, { onDisk: policy.openStore === undefined })
    const options = {
      create: args.boolean('create'),
      access: args.boolean('lock') ? (args.boolean('exclusive') ? 'write' : 'read') : 'unlocked',
      lockWaitSeconds: args.optionalNumber('lock_wait') ?? 'forever',
      appendOnly: args.boolean('append_only'),
      makeParents: args.boolean('make_parent_dirs'),
    } as const
    await this[Symbol.asyncDispose]()
    this.#hasOpened = true
    const { umask } = policy
    const store = (await policy.openStore?.(path)) ?? new LocalStore(path, { umask, host: this.#host })
    try {
      this.#repository = await this.#open(store, path, options)
    } catch (error) {
      await store[Symbol.asyncDispose]()
      throw error
    }
    return this.#repository.id
  }

  async #open(
    store: Store,
    location: string,
    options: {
      readonly create: boolean
      readonly access: 'read' | 'write' | 'unlocked'
      readonly lockWaitSeconds: number | 'forever'
      readonly appendOnly: boolean
      readonly makeParents: boolean
    },
  ): Promise<StoreRepository> {
    const { create, access, lockWaitSeconds, appendOnly, makeParents } = options
    const { quotaBytes } = this.#policy
    // Written down for good, the server's own wish would be in force wherever the repository goes.
    const wish = { location, appendOnly, quotaBytes, makeParents }
    if (create) await initialiseRepository(store, wish, this.#host, this.#run)
    this.#appendOnly = appendOnly || (this.#policy.appendOnly && !create)
    const open = { location, access, lockWaitSeconds, appendOnly: this.#appendOnly, quotaBytes }
    return openStoreRepository(store, open, this.#host, this.#run)
  }

  get #opened(): StoreRepository {
    if (this.#repository === undefined) throw pythonError('AttributeError', 'no repository is open')
    return this.#repository
  }

  #refuseAppendOnly(): void {
    const { location, config } = this.#opened
    if (this.#appendOnly || config.appendOnly) throw pythonError('ValueError', `${location} is in append-only mode`)
  }
}

function limitOf(args: CallArguments): number {
  const limit = args.optionalNumber('limit') ?? Number.MAX_SAFE_INTEGER
  if (!Number.isInteger(limit) || limit < 0) throw new RangeError(`the limit must be a whole number, got ${limit}`)
  return limit
}

/** Clients expect borg's plain 'Exception' when somebody else reserved meanwhile. */
async function reserve(repository: StoreRepository, next: bigint, expected: bigint | undefined): Promise<void> {
  try {
    await repository.reserveNonce(next, expected)
  } catch (error) {
    throw isBorgError(error, 'Error') ? pythonError('Exception', error.message) : error
  }
}

/** An error whose class clients know from Python. */
function pythonError(className: string, message: string): Error {
  const error = new Error(message)
  error.name = className
  return error
}

const injected: Readonly<Record<string, ErrorCode>> = {
  DoesNotExist: 'Repository.DoesNotExist',
  AlreadyExists: 'Repository.AlreadyExists',
  CheckNeeded: 'Repository.CheckNeeded',
  IntegrityError: 'IntegrityError',
  PathNotAllowed: 'PathNotAllowed',
  ObjectNotFound: 'Repository.ObjectNotFound',
  InvalidRPCMethod: 'InvalidRPCMethod',
}

/** For the tests of clients. A kind that is not known does nothing. */
function injectException(kind: string): void {
  if (kind === 'divide') throw pythonError('ZeroDivisionError', 'integer division or modulo by zero')
  const code = Object.hasOwn(injected, kind) ? injected[kind] : undefined
  if (code === undefined) return
  const args = code === 'PathNotAllowed' ? ['foo'] : ['test string', 'test string2']
  throw new BorgError(code, (code === 'Repository.ObjectNotFound' ? args : args.slice(0, 1)) as never)
}
