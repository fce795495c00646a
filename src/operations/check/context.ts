/**
 * What the passes of an archives check share: what is in the repository, who refers to it, what was found wrong.
 */
import type { Manifest } from '../../archive/manifest.ts'
import { isBorgError } from '../../base/errors.ts'
import { type RunOptions, reportLog } from '../../base/events.ts'
import type { Host } from '../../base/host.ts'
import { type ObjectId, isManifestId } from '../../base/ids.ts'
import { listBatch } from '../../base/limits.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import type { NonceAllocator } from '../../crypto/nonces.ts'
import { HashIndex } from '../../format/hash-index.ts'
import type { Repository } from '../../repository/repository.ts'
import type { Lane } from '../../workers/lane.ts'
import type { LanePool } from '../../workers/lane-pool.ts'

/** Borg's logger for what it says of archives. */
export const checkLogger = 'borg.archive'

export interface CheckParts {
  readonly repository: Repository
  readonly key: KeyMaterial
  readonly lanes: LanePool
  readonly nonces: NonceAllocator
  readonly host: Host
  readonly repair: boolean
  readonly run: RunOptions
}

const references = 0

/** Every object of the repository with the references found so far. Writes only when repairing. */
export class CheckContext {
  readonly repository: Repository
  readonly key: KeyMaterial
  readonly lanes: LanePool
  readonly nonces: NonceAllocator
  readonly host: Host
  readonly repair: boolean
  readonly run: RunOptions
  /** Objects an archive's earlier record used: expected to end up without references after a repair. */
  readonly superseded = new Set<string>()
  #objects = HashIndex.create(3, 0)
  #problems = 0
  #sawUnknown = false

  constructor(parts: CheckParts) {
    this.repository = parts.repository
    this.key = parts.key
    this.lanes = parts.lanes
    this.nonces = parts.nonces
    this.host = parts.host
    this.repair = parts.repair
    this.run = parts.run
  }

  get lane(): Lane {
    return this.lanes.next()
  }

  get foundProblems(): boolean {
    return this.#problems > 0
  }

  /** Objects known, the manifest included. */
  get objectCount(): number {
    return this.#objects.size
  }

  async loadObjects(): Promise<void> {
    this.#objects = HashIndex.usable(3, await this.repository.count())
    for (let after: ObjectId | undefined; ; ) {
      const ids = await this.repository.list(listBatch, after)
      for (const id of ids) this.#objects.setWord(this.#objects.insert(id), references, 0)
      after = ids.at(-1)
      if (after === undefined) return
    }
  }

  /** Something that makes the check fail. */
  problem(message: string): void {
    this.#problems += 1
    reportLog(this.run, 'error', message, checkLogger)
  }

  /** An object of a kind we do not know, perhaps of a newer version: what it refers to looks orphaned, and is not. */
  noteUnknown(error: unknown): void {
    if (isBorgError(error, 'UnsupportedPayloadError')) this.#sawUnknown = true
  }

  /** Whether every reference could be followed: only then is an unreferenced object nobody's. */
  get followedAll(): boolean {
    return !this.#sawUnknown
  }

  inform(message: string): void {
    reportLog(this.run, 'info', message, checkLogger)
  }

  has(id: ObjectId): boolean {
    return this.#objects.find(id) >= 0
  }

  forget(id: ObjectId): void {
    this.#objects.delete(id)
  }

  reference(id: ObjectId): void {
    const slot = this.#objects.find(id)
    if (slot >= 0) this.#objects.setWord(slot, references, this.#objects.word(slot, references) + 1)
  }

  /** References `plain` under its id, storing it first when repairing and it is new. Returns id and stored size. */
  async store(plain: Uint8Array): Promise<{ id: ObjectId; storedSize: number }> {
    const held = await this.lane.hold(plain)
    if (this.has(held.id)) {
      this.reference(held.id)
      held.drop()
      return { id: held.id, storedSize: 0 }
    }
    this.#objects.setWord(this.#objects.insert(held.id), references, 1)
    if (!this.repair) {
      held.drop()
      return { id: held.id, storedSize: 0 }
    }
    const stored = await held.seal(await this.nonces.take(held.blocksMax))
    await this.repository.put(held.id, stored)
    return { id: held.id, storedSize: stored.length }
  }

  /** Ids nobody referred to, the manifest left out. */
  unreferenced(): readonly ObjectId[] {
    const ids: ObjectId[] = []
    for (let slot = this.#objects.nextSlot(-1); slot >= 0; slot = this.#objects.nextSlot(slot)) {
      if (this.#objects.word(slot, references) > 0) continue
      const id = this.#objects.keyAt(slot)
      if (!isManifestId(id)) ids.push(id)
    }
    return ids
  }

  /** Verified plaintext. @throws BorgError 'Repository.ObjectNotFound' | 'IntegrityError' ... */
  async read(id: ObjectId): Promise<Uint8Array> {
    return await this.lane.open(id, await this.repository.get(id))
  }
}

export interface CheckedManifest {
  readonly manifest: Manifest
  /** Whether it had to be made anew from the archives found. */
  readonly rebuilt: boolean
}
