/**
 * Repository over a Store: lock, state, one transaction at a time, reads.
 *
 * Lazy like borg: the state is looked up when first needed. So a damaged repository can be opened, to be checked.
 * Source: format/repository.md §2, §9, §11, §14, §17.
 */
import { equalBytes, toHex } from '../base/bytes.ts'
import { BorgError, isBorgError, systemErrorCode } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import type { ObjectId } from '../base/ids.ts'
import { decodeText, encodeText } from '../base/text.ts'
import type { Store } from '../store/store.ts'
import { checkRepository } from './check.ts'
import { destroyRepository } from './initialise.ts'
import type { Hints } from './ledger.ts'
import { LedgerFiles } from './ledger-files.ts'
import { acquireLock, breakLock, type Lock } from './lock.ts'
import { loadFreeNonce, reserveNonce } from './nonce-file.ts'
import { readInOrder } from './read-ahead.ts'
import { clearForWriting, type Committed, completeForWriting, loadCommitted } from './recover.ts'
import { measureSuperseded } from './replay.ts'
import { RepositoryConfig } from './repo-config.ts'
import type { CommitOptions, Repository } from './repository.ts'
import { atticMagic, type EntryPlace, magicSize } from './segment-entry.ts'
import { type LogEntry, type LogPart, saveFitting, SegmentFiles } from './segment-files.ts'
import { SegmentReader } from './segment-reader.ts'
import { Transaction } from './transaction.ts'
import { Turns } from './turns.ts'

export interface OpenStoreOptions {
  /** What messages call this repository: a path, a URL. */
  readonly location: string
  /** read: shared lock, made exclusive by the first write. write: exclusive lock. unlocked: --bypass-lock, only reads. */
  readonly access: 'read' | 'write' | 'unlocked'
  readonly lockWaitSeconds: number | 'forever'
  /** In force besides the repository's own setting. */
  readonly appendOnly?: boolean | undefined
  /** Instead of the repository's own quota. */
  readonly quotaBytes?: number | undefined
}

/** What a repository on a Store can do beyond the line: for `config` and `debug`. */
export interface StoreRepository extends Repository {
  /** Options of the config file; changes count once saved, for those who open it next. */
  readonly config: RepositoryConfig
  saveConfig(): Promise<void>
  /** Everything in the log, live or not, in its order; damaged segments as far as they go. Data are views of one use. */
  logEntries(part?: LogPart): AsyncIterable<LogEntry>
  hints(): Promise<Hints>
}

/**
 * Opens what `initialiseRepository` made. From here on the repository owns `store`: disposing one disposes the other; if
 * this throws, the store stays the caller's.
 * @throws BorgError 'Repository.DoesNotExist' | 'Repository.InvalidRepository' | 'Repository.InvalidRepositoryConfig' |
 * 'Repository.AtticRepository' | 'LockTimeout' | 'LockFailed'
 */
export async function openStoreRepository(
  store: Store,
  options: OpenStoreOptions,
  host: Host,
  run: RunOptions,
): Promise<StoreRepository> {
  const { location, access, lockWaitSeconds } = options
  await requireRepository(store, location)
  const kind = access === 'write' ? 'exclusive' : 'shared'
  const lock = access === 'unlocked' ? undefined : await acquireLock(store, { kind, lockWaitSeconds }, host, run)
  try {
    const config = await RepositoryConfig.load(store, location)
    const { segmentsPerFolder, segmentSizeMax } = config
    const files = new SegmentFiles(store, { segmentsPerFolder, segmentSizeMax })
    await refuseAttic(files, location)
    return new SegmentRepository(files, config, lock, options, host, run)
  } catch (error) {
    await lock?.[Symbol.asyncDispose]()
    throw error
  }
}

const accepted = Promise.resolve()

class SegmentRepository implements StoreRepository {
  readonly config: RepositoryConfig
  readonly #files: SegmentFiles
  readonly #reader: SegmentReader
  readonly #ledgerFiles: LedgerFiles
  readonly #lock: Lock | undefined
  readonly #options: OpenStoreOptions
  readonly #host: Host
  readonly #run: RunOptions
  readonly #turns = new Turns()
  #state: Promise<Committed> | undefined
  #transaction: Transaction | undefined
  #disposed = false

  constructor(
    files: SegmentFiles,
    config: RepositoryConfig,
    lock: Lock | undefined,
    options: OpenStoreOptions,
    host: Host,
    run: RunOptions,
  ) {
    this.config = config
    this.#files = files
    this.#reader = new SegmentReader(files)
    this.#ledgerFiles = new LedgerFiles(files.store, run)
    this.#lock = lock
    this.#options = options
    this.#host = host
    this.#run = run
  }

  get id(): ObjectId {
    return this.config.id
  }

  get location(): string {
    return this.#options.location
  }

  async count(): Promise<number> {
    return (await this.#committed()).ledger.count
  }

  async list(limit: number, after?: ObjectId): Promise<readonly ObjectId[]> {
    const { ledger } = await this.#committed()
    if (after !== undefined) this.#require(ledger.find(after), after)
    return ledger.index.list(limit, after)
  }

  async scan(limit: number, after?: ObjectId): Promise<readonly ObjectId[]> {
    if (limit < 1) throw new RangeError(`scan needs a limit of at least 1, got ${limit}`)
    const { ledger } = await this.#committed()
    return ledger.index.scan(limit, after === undefined ? undefined : this.#require(ledger.find(after), after))
  }

  async get(id: ObjectId): Promise<Uint8Array> {
    const { ledger } = await this.#committed()
    const place = this.#require(ledger.find(id), id)
    if (this.#transaction !== undefined) await this.#makeReadable(place)
    return this.#reader.read({ id, place })
  }

  async *getMany(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncGenerator<Uint8Array> {
    const { ledger } = await this.#committed()
    yield* readInOrder(ids, this.#reader, {
      locate: (id) => this.#require(ledger.find(id), id),
      makeReadable: (place) => (this.#transaction === undefined ? accepted : this.#makeReadable(place)),
    })
  }

  put(id: ObjectId, stored: Uint8Array): Promise<void> {
    if (this.#turns.idle && this.#transaction?.putAtOnce(id, stored) === true) return accepted
    return this.#turns.take(async () => (await this.#begun()).put(id, stored))
  }

  delete(id: ObjectId): Promise<void> {
    if (this.#turns.idle && this.#transaction?.deleteAtOnce(id) === true) return accepted
    return this.#turns.take(async () => (await this.#begun()).delete(id))
  }

  commit(options: CommitOptions = {}): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#transaction === undefined && options.compact === undefined) return
      const transaction = await this.#begun()
      try {
        const committed = await transaction.commit(options)
        this.#transaction = undefined
        const { ledger } = transaction
        const state: Committed = { transaction: committed, ledger, source: 'hints', lostTransaction: undefined }
        this.#state = Promise.resolve(state)
      } catch (error) {
        await this.#forget(error)
        throw error
      }
    })
  }

  rollback(): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#transaction !== undefined) await this.#forget(this.#transaction.failure?.error)
    })
  }

  check(options: { repair: boolean; maxSeconds: number }): Promise<boolean> {
    return this.#turns.take(async () => {
      await this.#forget(undefined)
      // Who bypasses the lock may look, but not repair.
      if (this.#lock !== undefined || options.repair) await this.#requireExclusive()
      if (options.repair) this.#refuseAppendOnly()
      return checkRepository(options, {
        files: this.#files,
        reader: this.#reader,
        ledgerFiles: this.#ledgerFiles,
        config: this.config,
        mayWrite: this.#lock !== undefined,
        location: this.location,
        host: this.#host,
        run: this.#run,
        load: () => this.#load(),
      }).finally(() => {
        // A repair has changed what there is.
        this.#state = undefined
      })
    })
  }

  async loadKey(): Promise<Uint8Array> {
    return encodeText(this.config.key ?? '')
  }

  saveKey(blob: Uint8Array): Promise<void> {
    this.config.set('key', decodeText(blob))
    return this.saveConfig()
  }

  saveConfig(): Promise<void> {
    return this.#turns.take(() => saveFitting(this.config, this.#files, this.#run))
  }

  freeNonce(): Promise<bigint | undefined> {
    return loadFreeNonce(this.#files.store)
  }

  reserveNonce(next: bigint, expected: bigint | undefined): Promise<void> {
    return this.#turns.take(async () => {
      await this.#requireExclusive()
      await reserveNonce(this.#files.store, next, expected)
    })
  }

  breakLock(): Promise<void> {
    return breakLock(this.#files.store)
  }

  destroy(): Promise<void> {
    return this.#turns.take(async () => {
      this.#refuseAppendOnly()
      await this.#requireExclusive()
      await this.#forget(undefined)
      await destroyRepository(this.#files.store, async () => this.#lock?.release())
    })
  }

  async hints(): Promise<Hints> {
    return this.#turns.take(async () => {
      if (this.#transaction !== undefined) return this.#transaction.ledger.hints()
      const state = await completeForWriting(this.#context, await this.#committed())
      await measureSuperseded(state.ledger, this.#reader)
      return state.ledger.hints()
    })
  }

  logEntries(part: LogPart = {}): AsyncIterable<LogEntry> {
    return this.#files.entries(part, this.#run)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    await this.#turns.take(async () => {
      try {
        await this.#forget(this.#transaction?.failure?.error)
      } finally {
        await this.#lock?.[Symbol.asyncDispose]()
        await this.#files.store[Symbol.asyncDispose]()
      }
    })
  }

  get #context(): { files: SegmentFiles; ledgerFiles: LedgerFiles; location: string; run: RunOptions } {
    return { files: this.#files, ledgerFiles: this.#ledgerFiles, location: this.location, run: this.#run }
  }

  get #appendOnly(): boolean {
    return this.#options.appendOnly === true || this.config.appendOnly
  }

  #refuseAppendOnly(): void {
    if (this.#appendOnly) throw new BorgError('Error', [`${this.location} is in append-only mode`])
  }

  #require(place: EntryPlace | undefined, id: ObjectId): EntryPlace {
    if (place === undefined) throw new BorgError('Repository.ObjectNotFound', [toHex(id), this.location])
    return place
  }

  async #requireExclusive(): Promise<void> {
    const reason = `${this.location} was opened without a lock, for reading only`
    if (this.#lock === undefined) throw new BorgError('Error', [reason])
    await this.#lock.upgrade()
  }

  /** The state all calls look at; during a transaction, with what it has done so far. */
  #committed(): Promise<Committed> {
    if (this.#state === undefined) {
      const state = this.#load()
      this.#state = state
      // A later call tries again: the reason may have gone away.
      state.catch(() => {
        if (this.#state === state) this.#state = undefined
      })
    }
    return this.#state
  }

  /** Reads the state; what had to be worked out from the log is saved if that is allowed, for the next one to find. */
  async #load(): Promise<Committed> {
    const state = await loadCommitted(this.#context, () => this.#lockForReplay())
    const { transaction, ledger, source, lostTransaction } = state
    const mayWrite = this.#lock?.kind === 'exclusive'
    // The index of a lost transaction is the proof that there was one: nobody may tidy it away.
    if (source !== 'replay' || transaction === undefined || !mayWrite || lostTransaction !== undefined) return state
    await measureSuperseded(ledger, this.#reader)
    await this.#ledgerFiles.save(transaction, ledger)
    return { ...state, source: 'hints' }
  }

  /** With other readers around the replay stays in memory: nobody can write meanwhile, so it is as good. */
  async #lockForReplay(): Promise<void> {
    try {
      await this.#lock?.upgrade()
    } catch (error) {
      if (!isBorgError(error, 'LockTimeout')) throw error
    }
  }

  async #begun(): Promise<Transaction> {
    if (this.#transaction !== undefined) return this.#transaction
    await this.#requireExclusive()
    const state = await completeForWriting(this.#context, await this.#committed())
    this.#state = Promise.resolve(state)
    await clearForWriting(this.#context, state)
    const { additionalFreeBytes, quotaBytes } = this.config
    const settings = {
      appendOnly: this.#appendOnly,
      quotaBytes: this.#options.quotaBytes ?? quotaBytes,
      additionalFreeBytes,
    }
    const parts = {
      files: this.#files,
      reader: this.#reader,
      ledgerFiles: this.#ledgerFiles,
      settings,
      location: this.location,
      now: () => this.#host.now(),
      run: this.#run,
    }
    this.#transaction = new Transaction(parts, state.ledger, state.transaction)
    return this.#transaction
  }

  #makeReadable(place: EntryPlace): Promise<void> {
    return this.#turns.take(async () => this.#transaction?.makeReadable(place.segment))
  }

  /** Ends the transaction without commit. On a full disk its segments go at once, to make room. */
  async #forget(error: unknown): Promise<void> {
    const transaction = this.#transaction
    if (transaction === undefined) return
    const before = await this.#state?.catch(() => undefined)
    this.#transaction = undefined
    this.#state = undefined
    await transaction.abandon()
    const isFull = systemErrorCode(error) === 'ENOSPC' || isBorgError(error, 'Repository.InsufficientFreeSpaceError')
    if (!isFull) return
    const committed = await this.#files.lastCommitted()
    // A commit that vanished is no reason to remove what came after it.
    const expected = before?.transaction
    if (expected === undefined ? committed === undefined : committed !== undefined && committed >= expected) {
      await this.#files.discardAfter(committed)
    }
  }
}

async function requireRepository(store: Store, location: string): Promise<void> {
  switch (await store.root()) {
    case 'missing':
    case 'parent-missing':
      throw new BorgError('Repository.DoesNotExist', [location])
    case 'not-a-folder':
    case 'empty':
      throw new BorgError('Repository.InvalidRepository', [location])
    case 'denied':
      throw new BorgError('Repository.PathPermissionDenied', [location])
    case 'occupied':
      // Read once before the lock, so that a folder that is no repository is not touched.
      await RepositoryConfig.load(store, location)
  }
}

async function refuseAttic(files: SegmentFiles, location: string): Promise<void> {
  for await (const { segment } of files.list('descending')) {
    const start = await files.store.read(files.path(segment), { offset: 0, length: magicSize })
    if (equalBytes(start, atticMagic)) throw new BorgError('Repository.AtticRepository', [location])
    return
  }
}
