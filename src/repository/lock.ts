/**
 * borg's lock over a Store: one writer or many readers, of a repository or of a cache directory.
 *
 * The claim `lock.exclusive` belongs to the writer for as long as it writes, and to a reader for the moment it needs to
 * put its name into the list `lock.roster` or take it off. Who died without doing so is recognised by its process id.
 * Source: format sheet repository, section 15; messages: contract cli/common, section 20; both checked against borg 1.2.
 *
 * borg identifies a lock's owner by process. Several sessions of one process would therefore pass for one owner:
 * `inThisProcess` keeps them apart, and borg's files never show it.
 */
import { BorgError, isBorgError, systemErrorCode } from '../base/errors.ts'
import { type LogLevel, type RunOptions, reportLog } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import { storePath } from '../base/ids.ts'
import { systemErrorText } from '../base/errno.ts'
import { isStoreNotFound, type Store } from '../store/store.ts'
import {
  claimOwner,
  formatRoster,
  type Identity,
  type LockKind,
  parseClaimOwner,
  parseRoster,
  type Roster,
  withIdentity,
  withoutIdentity,
} from './lock-roster.ts'
import { LockWait } from './lock-wait.ts'

export interface LockOptions {
  readonly kind: LockKind
  /** 0: a single attempt. */
  readonly lockWaitSeconds: number | 'forever'
}

const claimPath = storePath('lock.exclusive')
const rosterPath = storePath('lock.roster')
/** Pause of a writer that waits for readers. */
const readersPauseMs = 200
/** Giving up a shared lock needs the claim for a moment; this long it is worth waiting for, whatever the user set. */
const releaseWaitSecondsMin = 5

/** What this process holds of one place. */
interface Holding {
  /** One of our sessions has the claim, or is taking it. */
  claimed: boolean
  /** Sessions that share the one roster entry of this process. */
  sharing: number
}
/** By place, then by owner: one process may, in tests at least, speak for several. */
const inThisProcess = new Map<string, Map<string, Holding>>()

/** @throws BorgError 'LockTimeout' when others keep it too long, 'LockFailed' when the place refuses. */
export async function acquireLock(store: Store, options: LockOptions, host: Host, run: RunOptions): Promise<Lock> {
  const { lockWaitSeconds } = options
  if (typeof lockWaitSeconds === 'number' && !(lockWaitSeconds >= 0)) {
    throw new RangeError(`a lock cannot be waited for ${lockWaitSeconds} seconds`)
  }
  const table = new LockTable(store, host, run)
  const wait = new LockWait(lockWaitSeconds, host, run.signal)
  const holding = options.kind === 'shared' ? await table.enterShared(wait) : await table.enterExclusive(wait, 0)
  return new Lock(table, holding, options)
}

/** Takes the lock from whoever has it, alive or not. Fine if nobody has. */
export async function breakLock(store: Store): Promise<void> {
  inThisProcess.delete(store.place)
  await store.remove(rosterPath)
  for (const owner of await store.owners(claimPath)) await store.unclaim(claimPath, owner)
  // A crash can leave the claim without an owner; nobody's unclaiming removes that, too.
  await store.unclaim(claimPath, 'nobody')
}

/** A lock that is held until `release`, or until disposal, which reports a failure instead of throwing it. */
export class Lock implements AsyncDisposable {
  readonly #table: LockTable
  readonly #options: LockOptions
  #holding: Holding | undefined
  #kind: LockKind

  /** Made by `acquireLock`. */
  constructor(table: LockTable, holding: Holding, options: LockOptions) {
    this.#table = table
    this.#holding = holding
    this.#options = options
    this.#kind = options.kind
  }

  get kind(): LockKind {
    return this.#kind
  }

  get held(): boolean {
    return this.#holding !== undefined
  }

  /** From shared to exclusive, once all other readers are gone. On failure the shared lock is kept. */
  async upgrade(): Promise<void> {
    if (this.#holding === undefined) throw new BorgError('NotLocked', [this.#table.claimName])
    if (this.#kind === 'exclusive') return
    this.#holding = await this.#table.enterExclusive(this.#table.wait(this.#options.lockWaitSeconds), 1)
    this.#kind = 'exclusive'
  }

  /**
   * Makes another process of this host the holder, without a moment in which nobody is. That process calls
   * `acquireLock` to take it up; here it is no longer held.
   */
  async migrate(processId: number): Promise<void> {
    const holding = this.#holding
    if (holding === undefined) throw new BorgError('NotLocked', [this.#table.claimName])
    if (this.#kind === 'exclusive') await this.#table.passExclusive(holding, processId)
    else await this.#table.leaveShared(holding, this.#releaseWait(), processId)
    this.#holding = undefined
  }

  /** Fine when already released. @throws BorgError 'NotLocked' or 'NotMyLock' when someone broke it meanwhile. */
  async release(): Promise<void> {
    const holding = this.#holding
    if (holding === undefined) return
    this.#holding = undefined
    if (this.#kind === 'exclusive') {
      await this.#table.leaveExclusive(holding)
      return
    }
    try {
      await this.#table.leaveShared(holding, this.#releaseWait(), undefined)
    } catch (error) {
      // Our name is still in the roster: a later release can take it out.
      if (isBorgError(error, 'LockTimeout')) this.#holding = holding
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release()
    } catch (error) {
      // Thrown here, it would hide why the block that held the lock was left.
      this.#table.log('error', error instanceof Error ? error.message : String(error))
    }
  }

  #releaseWait(): LockWait {
    const seconds = this.#options.lockWaitSeconds
    return this.#table.wait(seconds === 'forever' ? seconds : Math.max(seconds, releaseWaitSecondsMin), 'always')
  }
}

/** The moves on one place's claim and roster. */
class LockTable {
  readonly #store: Store
  readonly #host: Host
  readonly #run: RunOptions
  /** Fixed, so that it stays the same while the files are being removed. */
  readonly #place: string
  readonly #self: Identity
  /** Said already: while we wait, the same finding would come up at every attempt. */
  readonly #said = new Set<string>()

  constructor(store: Store, host: Host, run: RunOptions) {
    this.#store = store
    this.#host = host
    this.#run = run
    this.#place = store.place
    this.#self = [host.hostId, host.processId, 0]
  }

  get claimName(): string {
    return `${this.#store.name}/${claimPath}`
  }

  wait(seconds: number | 'forever', abortable: 'abortable' | 'always' = 'abortable'): LockWait {
    return new LockWait(seconds, this.#host, abortable === 'abortable' ? this.#run.signal : undefined)
  }

  log(level: LogLevel, message: string): void {
    if (this.#said.has(message)) return
    this.#said.add(message)
    reportLog(this.#run, level, message, 'borg.locking')
  }

  async enterShared(wait: LockWait): Promise<Holding> {
    const holding = await this.#claim(wait)
    try {
      const roster = await this.#loadRoster()
      await this.#saveRoster({ ...roster, shared: withIdentity(roster.shared, this.#self) })
      holding.sharing += 1
    } finally {
      await this.#unclaim(holding)
    }
    return holding
  }

  /** `own`: how many shares the caller has and gives up for it. */
  async enterExclusive(wait: LockWait, own: 0 | 1): Promise<Holding> {
    for (;;) {
      const holding = await this.#claim(wait)
      let entered = false
      try {
        const roster = await this.#loadRoster()
        // Another session of this process has its share in the same entry: then it stays, and keeps us out.
        const shared = own === 1 && holding.sharing === 1 ? withoutIdentity(roster.shared, this.#self) : roster.shared
        if (shared.length === 0) {
          await this.#saveRoster({ shared, exclusive: withIdentity(roster.exclusive, this.#self) })
          holding.sharing -= own
          entered = true
          return holding
        }
      } finally {
        if (!entered) await this.#unclaim(holding)
      }
      await wait.pause(readersPauseMs, `${this.#store.name}/lock`)
    }
  }

  /** With `successor`, that process becomes a reader in the same step. */
  async leaveShared(holding: Holding, wait: LockWait, successor: number | undefined): Promise<void> {
    if (!this.#knows(holding)) throw new BorgError('NotLocked', [this.claimName])
    if (holding.sharing > 1 && successor === undefined) {
      holding.sharing -= 1
      return
    }
    const claimed = await this.#claim(wait)
    try {
      const roster = await this.#loadRoster()
      const others = holding.sharing > 1 ? roster.shared : withoutIdentity(roster.shared, this.#self)
      const [hostId, , thread] = this.#self
      const shared = successor === undefined ? others : withIdentity(others, [hostId, successor, thread])
      await this.#saveRoster({ ...roster, shared })
      holding.sharing -= 1
    } finally {
      await this.#unclaim(claimed)
    }
  }

  async leaveExclusive(holding: Holding): Promise<void> {
    try {
      await this.#requireClaim(holding)
    } catch (error) {
      holding.claimed = false
      throw error
    }
    try {
      const roster = await this.#loadRoster()
      await this.#saveRoster({ ...roster, exclusive: withoutIdentity(roster.exclusive, this.#self) })
    } finally {
      // Also when the roster could not be written: the claim counts, and would keep everyone out.
      await this.#unclaim(holding)
    }
  }

  async passExclusive(holding: Holding, processId: number): Promise<void> {
    await this.#requireClaim(holding)
    const [hostId, , thread] = this.#self
    const successor: Identity = [hostId, processId, thread]
    const passed = await this.#store.passClaim(claimPath, claimOwner(this.#self), claimOwner(successor))
    if (!passed) throw new BorgError('NotMyLock', [this.claimName])
    holding.claimed = false
    // Written by the old owner for the new one, who waits for us to say so.
    const roster = await this.#loadRoster()
    const exclusive = withIdentity(withoutIdentity(roster.exclusive, this.#self), successor)
    await this.#saveRoster({ ...roster, exclusive })
  }

  /** Before touching what only the holder may touch: someone may have broken the lock. */
  async #requireClaim(holding: Holding): Promise<void> {
    const owners = await this.#store.owners(claimPath)
    if (owners.length === 0) throw new BorgError('NotLocked', [this.claimName])
    const ours = this.#knows(holding) && owners.includes(claimOwner(this.#self))
    if (!ours) throw new BorgError('NotMyLock', [this.claimName])
  }

  async #claim(wait: LockWait): Promise<Holding> {
    for (let freed = false; ; ) {
      const holding = await this.#tryClaim()
      if (holding !== undefined) return holding
      // At once after freeing it from the dead, but not twice: whatever comes back needs no busy loop.
      freed = !freed && (await this.#killStale())
      if (!freed) await wait.pause(wait.pauseMs, this.claimName)
    }
  }

  async #tryClaim(): Promise<Holding | undefined> {
    const holding = this.#ownHolding()
    if (holding.claimed) return undefined
    // Set before asking: the Store would give it to our next session as well, for it has the same owner.
    holding.claimed = true
    try {
      holding.claimed = await this.#store.claim(claimPath, claimOwner(this.#self))
    } catch (error) {
      holding.claimed = false
      if (systemErrorCode(error) === undefined) throw error
      throw new BorgError('LockFailed', [this.claimName, systemErrorText(error, pathOf(error))], { cause: error })
    }
    return holding.claimed ? holding : undefined
  }

  #ownHolding(): Holding {
    const owners = inThisProcess.get(this.#place) ?? new Map<string, Holding>()
    inThisProcess.set(this.#place, owners)
    const holding = owners.get(claimOwner(this.#self)) ?? { claimed: false, sharing: 0 }
    owners.set(claimOwner(this.#self), holding)
    return holding
  }

  /** False after `breakLock` in this process. */
  #knows(holding: Holding): boolean {
    return inThisProcess.get(this.#place)?.get(claimOwner(this.#self)) === holding
  }

  async #unclaim(holding: Holding): Promise<void> {
    try {
      await this.#store.unclaim(claimPath, claimOwner(this.#self))
    } finally {
      holding.claimed = false
    }
  }

  /** True when the claim was freed of dead owners. One owner that may live, or cannot be read, protects all. */
  async #killStale(): Promise<boolean> {
    const owners = await this.#store.owners(claimPath)
    for (const owner of owners) {
      const identity = parseClaimOwner(owner)
      if (identity === undefined) {
        this.log('error', `Found malformed lock ${owner} in ${this.claimName}. Please check/fix manually.`)
        return false
      }
      if (this.#mayLive(identity)) return false
    }
    for (const owner of owners) {
      await this.#store.unclaim(claimPath, owner)
      this.log('warning', `Killed stale lock ${owner}.`)
    }
    return owners.length > 0
  }

  #mayLive([hostId, processId, thread]: Identity): boolean {
    // Threads cannot be asked about.
    return thread !== 0 || hostId !== this.#host.hostId || this.#host.isProcessAlive(hostId, processId)
  }

  /** Without entries of dead processes of this host. Missing or unreadable: empty, as borg takes it. */
  async #loadRoster(): Promise<Roster> {
    let text: string
    try {
      text = new TextDecoder().decode(await this.#store.read(rosterPath))
    } catch (error) {
      if (!isStoreNotFound(error)) throw error
      return { shared: [], exclusive: [] }
    }
    const roster = parseRoster(text)
    return { shared: this.#living(roster.shared, 'shared'), exclusive: this.#living(roster.exclusive, 'exclusive') }
  }

  #living(identities: readonly Identity[], kind: LockKind): readonly Identity[] {
    return identities.filter((identity) => {
      if (this.#mayLive(identity)) return true
      const [hostId, processId, thread] = identity
      this.log('warning', `Removed stale ${kind} roster lock for host ${hostId} pid ${processId} thread ${thread}.`)
      return false
    })
  }

  /** Only the holder of the claim may call it. Transient: after a crash of the machine all its processes are dead. */
  async #saveRoster(roster: Roster): Promise<void> {
    if (roster.shared.length + roster.exclusive.length === 0) await this.#store.remove(rosterPath)
    else await this.#store.write(rosterPath, new TextEncoder().encode(formatRoster(roster)), { transient: true })
  }
}

function pathOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).path
}
