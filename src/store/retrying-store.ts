/**
 * A Store that asks again when the way to it fails for a moment, over a new connection if it can have one.
 *
 * Asked again is what may be asked twice; where the answer to the first attempt was lost, we look what became of it (what
 * is safe, call by call: docs/decisions/032-retries.md). Everything else fails with the error that it met. What
 * the Store inside refuses (a missing file, a full disk, a wrong password) is never asked again.
 */
import { systemErrorCode, isBorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { type Host, systemHost } from '../base/host.ts'
import type { StorePath } from '../base/ids.ts'
import { type Attempt, type Connection, Connections, type Reopen } from './connections.ts'
import { RepeatableContent } from './repeatable-content.ts'
import { Failures, type RetryPace, retryPaceDefault } from './retries.ts'
import { RetryingAppendFile } from './retrying-append-file.ts'
import {
  type AppendFile,
  type FileContent,
  isStoreNotFound,
  type NewFile,
  type RootState,
  type Store,
  type StoreEntry,
  type StoreTraits,
  type WriteOptions,
} from './store.ts'
import { isTransientFailure } from './transient-failure.ts'

export interface RetryOptions extends Partial<RetryPace> {
  /** A new Store on the same files, when the connection of the last one is broken. Absent: the same Store is asked again. */
  readonly reopen?: Reopen | undefined
  /** By default `isTransientFailure`. */
  readonly isTransient?: ((error: unknown) => boolean) | undefined
  /** Of a stream, or of a file being appended, so much is kept in memory to be sent again. */
  readonly keptBytesMax?: number | undefined
  readonly host?: Host | undefined
  /** Its signal ends waiting at once, and after it nothing is asked twice; its events tell of each break. */
  readonly run?: RunOptions | undefined
}

const keptBytesMaxDefault = 16 * 1024 * 1024

export class RetryingStore implements Store {
  readonly name: string
  readonly place: string
  readonly moveFolder: ((from: StorePath, to: StorePath) => Promise<void>) | undefined
  readonly #parent: () => Store | undefined
  readonly #connections: Connections
  readonly #isTransient: (error: unknown) => boolean
  readonly #pace: RetryPace
  readonly #keptBytesMax: number
  readonly #host: Host
  readonly #run: RunOptions
  /** Failures to connect that have been reported: many calls meet the same. */
  readonly #reported = new WeakSet<object>()

  /** Owns `first` and what `reopen` gives. */
  constructor(first: Store, options: RetryOptions = {}) {
    const { reopen, isTransient = isTransientFailure, host = systemHost, run = {}, ...pace } = options
    this.name = first.name
    this.place = first.place
    this.#parent = () => first.parent()
    this.#connections = new Connections(first, reopen)
    this.#isTransient = isTransient
    this.#pace = { ...retryPaceDefault, ...pace }
    this.#keptBytesMax = options.keptBytesMax ?? keptBytesMaxDefault
    this.#host = host
    this.#run = run
    if (first.moveFolder !== undefined) this.moveFolder = (from, to) => this.#moveFolder(from, to)
  }

  get traits(): StoreTraits {
    return this.#connections.latest.traits
  }

  root(): Promise<RootState> {
    return this.#again('root', ({ store }) => store.root())
  }

  createRoot(options?: { parents?: boolean }): Promise<void> {
    return this.#again('create', ({ store }) => store.createRoot(options))
  }

  /** Looked at only while a repository is made, where a failure costs nothing: not asked again. */
  parent(): Store | undefined {
    return this.#parent()
  }

  async *list(folder: StorePath): AsyncGenerator<StoreEntry> {
    const given = new Set<StorePath>()
    const failures = new Failures(this.#pace, this.#host)
    for (;;) {
      let connection: Connection | undefined
      try {
        connection = await this.#connections.get()
        for await (const entry of connection.store.list(folder)) {
          if (given.has(entry.path)) continue
          given.add(entry.path)
          yield entry
        }
        return
      } catch (error) {
        await this.#pauseAfter(error, `list ${folder}`, connection, failures)
      }
    }
  }

  stat(path: StorePath): Promise<StoreEntry | undefined> {
    return this.#again(`stat ${path}`, ({ store }) => store.stat(path))
  }

  read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    return this.#again(`read ${path}`, ({ store }) => store.read(path, range))
  }

  write(path: StorePath, content: FileContent, options?: WriteOptions): Promise<void> {
    return this.#sending(`write ${path}`, [{ path, content }], async (store, [file]) => {
      if (file !== undefined) await store.write(path, file.content, options)
    })
  }

  writeInOrder(files: readonly NewFile[]): Promise<void> {
    const what = `write ${files.map(({ path }) => path).join(', ')}`
    return this.#sending(what, files, (store, contents) => store.writeInOrder(contents))
  }

  async append(path: StorePath): Promise<AppendFile> {
    let wasFree = false
    const opened = await this.#again(`append ${path}`, async (connection) => {
      const { store } = connection
      const there = await store.stat(path)
      if (wasFree && there?.kind === 'file' && there.size === 0 && this.#connections.holdsClaims) {
        // Ours, of an attempt whose answer was lost: it was not there before, and nobody else may write while we hold
        // the claim, which was verified after the break.
        await store.remove(path)
      }
      wasFree ||= there === undefined
      return { connection, file: await store.append(path) }
    })
    return new RetryingAppendFile(path, opened, {
      keptBytesMax: this.#keptBytesMax,
      connections: this.#connections,
      again: (what, attempt, mayRepeat) => this.#again(what, attempt, mayRepeat),
    })
  }

  remove(path: StorePath): Promise<void> {
    return this.#again(`remove ${path}`, ({ store }) => store.remove(path))
  }

  removeEmptyFolders(folder: StorePath): Promise<void> {
    return this.#again(`remove folders in ${folder}`, ({ store }) => store.removeEmptyFolders(folder))
  }

  async removeAll(): Promise<void> {
    let begun = false
    await this.#again(
      'remove everything',
      ({ store }) => {
        begun = true
        // The lock goes as well.
        this.#connections.forgetAllClaims()
        return store.removeAll()
      },
      // With the lock gone, what is there the second time may be somebody else's.
      () => !begun,
    )
  }

  async claim(path: StorePath, owner: string): Promise<boolean> {
    // Its owner may repeat it: so a claim whose answer was lost is ours the second time.
    const claimed = await this.#again(`lock ${path}`, ({ store }) => store.claim(path, owner))
    if (claimed) this.#connections.noteClaim(path, owner)
    return claimed
  }

  owners(path: StorePath): Promise<readonly string[]> {
    return this.#again(`look at ${path}`, ({ store }) => store.owners(path))
  }

  async unclaim(path: StorePath, owner: string): Promise<void> {
    // First, so that nobody misses it when the answer is lost.
    this.#connections.forgetClaim(path, owner)
    await this.#again(`unlock ${path}`, ({ store }) => store.unclaim(path, owner))
  }

  async passClaim(path: StorePath, from: string, to: string): Promise<boolean> {
    const wasOurs = this.#connections.forgetClaim(path, from)
    try {
      return await this.#again(`pass ${path} on`, async ({ store }, isRepeated) => {
        if (await store.passClaim(path, from, to)) return true
        return isRepeated && (await store.owners(path)).includes(to)
      })
    } catch (error) {
      if (wasOurs) this.#connections.noteClaim(path, from)
      throw error
    }
  }

  freeBytes(): Promise<number | undefined> {
    return this.#again('free space', ({ store }) => store.freeBytes())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections.close()
  }

  #moveFolder(from: StorePath, to: StorePath): Promise<void> {
    return this.#again(`move ${from}`, async ({ store }, isRepeated) => {
      if (isRepeated && (await store.stat(from)) === undefined && (await store.stat(to)) !== undefined) return
      await store.moveFolder?.(from, to)
    })
  }

  async #sending(
    what: string,
    files: readonly NewFile[],
    send: (store: Store, files: readonly NewFile[]) => Promise<void>,
  ): Promise<void> {
    const contents = files.map(({ content }) => new RepeatableContent(content, this.#keptBytesMax))
    try {
      await this.#again(
        what,
        ({ store }) => {
          const opened = files.map(({ path }, i) => ({ path, content: contents[i]?.open() ?? new Uint8Array(0) }))
          return send(store, opened)
        },
        () => contents.every(({ repeatable }) => repeatable),
      )
    } finally {
      for (const content of contents) await content.close()
    }
  }

  async #again<T>(what: string, attempt: Attempt<T>, mayRepeat: () => boolean = () => true): Promise<T> {
    const failures = new Failures(this.#pace, this.#host)
    let isRepeated = false
    for (;;) {
      let connection: Connection | undefined
      try {
        connection = await this.#connections.get()
        const result = attempt(connection, isRepeated)
        isRepeated = true
        return await result
      } catch (error) {
        await this.#pauseAfter(error, what, connection, failures, mayRepeat)
      }
    }
  }

  /** Returns when it is time for the next attempt. @throws `error` when there is to be none; the signal's reason. */
  async #pauseAfter(
    error: unknown,
    what: string,
    connection: Connection | undefined,
    failures: Failures,
    mayRepeat: () => boolean = () => true,
  ): Promise<void> {
    const { signal } = this.#run
    if (!this.#isWorthRepeating(error, connection)) throw error
    // Also when this call ends here: the next one shall not meet the same broken connection.
    const foundItBroken = this.#connections.drop(connection)
    if (signal?.aborted === true || !mayRepeat()) throw error
    const pauseMs = failures.add()
    if (pauseMs === undefined) throw error
    const level = foundItBroken || this.#isNews(error, connection) ? 'warning' : 'debug'
    const seconds = (pauseMs / 1000).toFixed(1)
    const message = `${this.name}: ${what} failed (${reasonOf(error)}), trying again in ${seconds} seconds`
    reportLog(this.#run, level, message, 'borg.repository')
    await this.#host.sleep(pauseMs, signal)
  }

  /** A failure to connect, not yet reported by another call that waited for the same connection. */
  #isNews(error: unknown, connection: Connection | undefined): boolean {
    if (connection !== undefined || typeof error !== 'object' || error === null) return false
    if (this.#reported.has(error)) return false
    this.#reported.add(error)
    return true
  }

  /** The way failed, or somebody who found it broken closed it under this call. */
  #isWorthRepeating(error: unknown, connection: Connection | undefined): boolean {
    if (this.#isTransient(error)) return true
    const wasClosed = connection !== undefined && !this.#connections.isCurrent(connection)
    return wasClosed && !isStoreNotFound(error) && systemErrorCode(error) !== 'EEXIST'
  }
}

/** Without paths, addresses or anything else an error's text may hold, unless it is meant for people. */
function reasonOf(error: unknown): string {
  const code = systemErrorCode(error)
  if (code !== undefined) return code
  if (isBorgError(error)) return error.message
  return error instanceof Error ? error.name : 'unknown reason'
}
