/**
 * The Store behind a RetryingStore as one connection after the other, and the claims that must outlive a break.
 *
 * While a connection is down others may take the lock away, believing us dead. So after each break, before anything else
 * is done, we look whether our claims are still ours; if not, this Store answers nothing any more.
 */
import { BorgError } from '../base/errors.ts'
import type { StorePath } from '../base/ids.ts'
import type { Store } from './store.ts'

export interface Connection {
  readonly store: Store
}

/** One attempt at something, and whether an attempt before it may have had its effect. */
export type Attempt<T> = (connection: Connection, isRepeated: boolean) => Promise<T>

export type Reopen = () => Store | Promise<Store>

export class Connections {
  readonly #name: string
  readonly #reopen: Reopen | undefined
  /** Of the claims held through us, who has them. */
  readonly #claims = new Map<StorePath, string>()
  #current: Connection | undefined
  /** The current one, or the last there was. */
  #latest: Store
  #connecting: Promise<Connection> | undefined
  #lost: Error | undefined
  /** Whether there was a break since we last looked after our claims. */
  #doubtful = false
  #closed = false

  constructor(first: Store, reopen: Reopen | undefined) {
    this.#name = first.name
    this.#reopen = reopen
    this.#current = { store: first }
    this.#latest = first
  }

  /** Whether a break makes a new Store, and so the end of everything that hung on the old one. */
  get reopens(): boolean {
    return this.#reopen !== undefined
  }

  /** For what is known without asking. */
  get latest(): Store {
    return this.#latest
  }

  get holdsClaims(): boolean {
    return this.#claims.size > 0
  }

  noteClaim(path: StorePath, owner: string): void {
    this.#claims.set(path, owner)
  }

  /** Who had it through us, if anyone. */
  forgetClaim(path: StorePath, owner: string): boolean {
    return this.#claims.get(path) === owner && this.#claims.delete(path)
  }

  forgetAllClaims(): void {
    this.#claims.clear()
  }

  isCurrent(connection: Connection | undefined): boolean {
    return connection !== undefined && connection === this.#current
  }

  /** The one connection, made again after a break; who comes while it is made waits for the same. */
  async get(): Promise<Connection> {
    if (this.#lost !== undefined) throw this.#lost
    if (this.#current !== undefined && !this.#doubtful) return this.#current
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  /** The next `get` makes a new one. False when somebody has said so before. */
  drop(connection: Connection | undefined): boolean {
    if (connection === undefined || connection !== this.#current) return false
    this.#doubtful = true
    if (this.#reopen === undefined) return true
    this.#current = undefined
    disposeQuietly(connection.store)
    return true
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#connecting?.catch(() => {})
    const connection = this.#current
    this.#current = undefined
    if (connection !== undefined) await connection.store[Symbol.asyncDispose]()
  }

  async #connect(): Promise<Connection> {
    const fresh = this.#current ?? (await this.#open())
    try {
      await this.#verifyClaims(fresh.store)
    } catch (error) {
      if (this.#reopen !== undefined) disposeQuietly(fresh.store)
      throw error
    }
    this.#current = fresh
    this.#latest = fresh.store
    this.#doubtful = false
    return fresh
  }

  async #open(): Promise<Connection> {
    // Without a way to open another one the first is never given up, but for good.
    if (this.#closed || this.#reopen === undefined) throw new RangeError(`${this.#name} is closed`)
    return { store: await this.#reopen() }
  }

  async #verifyClaims(store: Store): Promise<void> {
    for (const [path, owner] of [...this.#claims]) {
      const owners = await store.owners(path)
      // The second: given back while we asked.
      if (owners.includes(owner) || this.#claims.get(path) !== owner) continue
      this.#lost = new BorgError('ConnectionBrokenWithHint', [
        `Somebody has taken the lock ${this.#name}/${path} away meanwhile: nothing more is read or written.`,
      ])
      throw this.#lost
    }
  }
}

/** Whatever it says: it is broken. Not waited for: it may hang as the line does. */
function disposeQuietly(store: Store): void {
  Promise.resolve(store[Symbol.asyncDispose]()).catch(() => {})
}
