/**
 * The deduplication decision, and the only one who takes it: a known chunk is referenced, a new one sealed and put.
 *
 * Failures have two kinds, and they may not meet in one `try` of a caller. What is marked as SourceReadError concerns one
 * source; everything else concerns the repository, ends the run, and is thrown again by every later call.
 */
import type { ChunkSink } from '../archive/chunk-sink.ts'
import type { ChunkRef } from '../archive/item.ts'
import type { Statistics } from '../archive/statistics.ts'
import { toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { ByteBudget } from '../base/flow.ts'
import type { ObjectId } from '../base/ids.ts'
import type { ChunkCache } from '../cache/chunk-cache.ts'
import type { ChunkerParams } from '../chunker/chunker.ts'
import type { NonceAllocator } from '../crypto/nonces.ts'
import type { Repository } from '../repository/repository.ts'
import type { ByteSource, HeldChunk } from '../workers/lane.ts'
import type { LanePool } from '../workers/lane-pool.ts'
import { PendingChunks } from './pending.ts'

/** What of a chunk cache is needed here. */
export type ReferenceCounts = Pick<ChunkCache, 'find' | 'add' | 'reference' | 'release' | 'replace'>

/** Which content chunks are stored anew although the repository has them: recompression. */
export interface Renewal {
  /** Asked once for every reference, in order; only the first of an id may be stored anew. */
  isFirst(id: ObjectId): boolean
  /** Whether a chunk the repository has is to be replaced by this one. */
  wants(held: HeldChunk): Promise<boolean>
}

export interface ChunkWriterParts {
  readonly repository: Pick<Repository, 'put' | 'delete'>
  readonly cache: ReferenceCounts
  readonly lanes: LanePool
  readonly nonces: Pick<NonceAllocator, 'take'>
  /** Counts content: every reference in original and compressed size, first ones in deduplicated size too. */
  readonly statistics: Statistics
  /** Absent: what the repository has stays as it is. */
  readonly renewal?: Renewal | undefined
}

interface Placed {
  readonly ref: ChunkRef
  /** Whether this reference brought the chunk into the repository. */
  readonly fresh: boolean
}

export class ChunkWriter implements ChunkSink {
  readonly #repository: Pick<Repository, 'put' | 'delete'>
  readonly #cache: ReferenceCounts
  readonly #lanes: LanePool
  readonly #nonces: Pick<NonceAllocator, 'take'>
  readonly #statistics: Statistics
  readonly #renewal: Renewal | undefined
  readonly #pending = new PendingChunks()
  /** Stored bytes handed to the repository and not accepted yet. */
  readonly #budget: ByteBudget
  readonly #puts = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor(parts: ChunkWriterParts) {
    this.#repository = parts.repository
    this.#cache = parts.cache
    this.#lanes = parts.lanes
    this.#nonces = parts.nonces
    this.#statistics = parts.statistics
    this.#renewal = parts.renewal
    this.#budget = new ByteBudget(parts.lanes.byteLimit)
  }

  /** For metadata: not counted in the statistics. `plain` may be reused once this resolves. */
  async add(plain: Uint8Array): Promise<ChunkRef> {
    this.#throwIfFailed()
    return (await this.#place(await this.#lanes.next().hold(plain), undefined)).ref
  }

  /**
   * References in file order; new chunks are already on their way when their reference appears. A consumer that gives
   * the file up, for whatever reason, hands the references it received to `release`; those it did not are released here.
   * @throws SourceReadError when the source cannot be read; anything else is the repository's failure.
   */
  addStream(source: ByteSource, params: ChunkerParams): AsyncGenerator<ChunkRef> {
    return this.#addAll(this.#lanes.next().chunk(source, params))
  }

  /** As `addStream`, for content that is cut already: every block is a chunk, and belongs to this writer. */
  addChunks(blocks: AsyncIterable<Uint8Array>): AsyncGenerator<ChunkRef> {
    return this.#addAll(holdAll(blocks, this.#lanes))
  }

  async *#addAll(chunks: AsyncIterable<HeldChunk>): AsyncGenerator<ChunkRef> {
    const placing: Promise<Placed>[] = []
    // Takes its promise out only once it has settled, so that a failure leaves the rest to `#abandon`.
    const next = async (): Promise<ChunkRef> => {
      const placed = await (placing.shift() as Promise<Placed>)
      this.#count(placed.ref, placed.fresh, 1)
      return placed.ref
    }
    try {
      for await (const held of chunks) {
        const placed = this.#place(held, this.#renewal)
        // Its failure is seen at its turn; until then it must not count as unhandled.
        placed.catch(() => {})
        placing.push(placed)
        if (placing.length >= 2 * this.#lanes.width - 1) yield await next()
      }
      while (placing.length > 0) yield await next()
    } finally {
      if (placing.length > 0) await this.#abandon(placing)
    }
  }

  /**
   * For content known to be unchanged: references all of `ids`, or none when any of them is not in the repository.
   * `statistics` replaces the ones given at the beginning (part files are counted apart).
   */
  reuse(ids: readonly ObjectId[], statistics = this.#statistics): readonly ChunkRef[] | undefined {
    this.#throwIfFailed()
    const refs: ChunkRef[] = []
    for (const id of ids) {
      const known = this.#cache.find(id)
      if (known === undefined) return undefined
      refs.push({ id, size: known.size, storedSize: known.storedSize })
    }
    for (const ref of refs) {
      this.#cache.reference(ref.id)
      this.#count(ref, false, 1, statistics)
    }
    return refs
  }

  /** Takes references back, and their share of the statistics; chunks nobody refers to any more are deleted. */
  async release(refs: Iterable<ChunkRef>): Promise<void> {
    this.#throwIfFailed()
    const orphans: ObjectId[] = []
    for (const ref of refs) {
      const left = this.#cache.release(ref.id)
      this.#count(ref, left === 0, -1)
      if (left === 0) orphans.push(ref.id)
    }
    await this.#delete(orphans)
  }

  /** Resolves when everything added so far was accepted by the repository. @throws what the repository threw. */
  async flush(): Promise<void> {
    await Promise.all(this.#puts)
    this.#throwIfFailed()
  }

  async #place(held: HeldChunk, renewal: Renewal | undefined): Promise<Placed> {
    try {
      const renewable = renewal?.isFirst(held.id) === true
      for (;;) {
        this.#throwIfFailed()
        const twin = this.#pending.find(held.id)
        if (twin !== undefined) {
          await twin
          continue
        }
        const known = this.#cache.find(held.id)
        if (known === undefined) return await this.#store(held)
        this.#requireSize(held, known.size)
        const renewed = renewable ? await this.#renew(held, renewal) : undefined
        return renewed ?? this.#refer(held, known.storedSize)
      }
    } finally {
      held.drop()
    }
  }

  /**
   * A cache filled without reading archives knows no sizes. Any other difference means one of the two is not what its id
   * says, and a reference would lose this file's content.
   */
  #requireSize(held: HeldChunk, known: number): void {
    if (known === 0 || known === held.size) return
    const what = `chunk ${toHex(held.id)} has ${held.size} bytes, in the cache ${known}`
    throw this.#fail(new BorgError('IntegrityError', [what]))
  }

  #refer(held: HeldChunk, storedSize: number): Placed {
    this.#cache.reference(held.id, held.size)
    return { ref: { id: held.id, size: held.size, storedSize }, fresh: false }
  }

  async #store(held: HeldChunk): Promise<Placed> {
    const { id, size } = held
    try {
      const stored = await this.#pending.during(id, async () => {
        const sealed = await this.#seal(held)
        this.#cache.add(id, size, sealed.length)
        return sealed
      })
      return { ref: await this.#send(held, stored), fresh: true }
    } catch (error) {
      throw this.#fail(error)
    }
  }

  /** Undefined when the chunk stays as it is. Its other references see the same plaintext under the same id. */
  async #renew(held: HeldChunk, renewal: Renewal): Promise<Placed | undefined> {
    const { id, size } = held
    try {
      const stored = await this.#pending.during(id, async () => {
        if (!(await renewal.wants(held))) return undefined
        const sealed = await this.#seal(held)
        this.#cache.replace(id, size, sealed.length)
        return sealed
      })
      return stored === undefined ? undefined : { ref: await this.#send(held, stored), fresh: false }
    } catch (error) {
      throw this.#fail(error)
    }
  }

  /** The nonce is reserved and written down before a byte is encrypted; sealed before this lane reads on. */
  async #seal(held: HeldChunk): Promise<Uint8Array> {
    return await held.seal(await this.#nonces.take(held.blocksMax))
  }

  async #send({ id, size }: HeldChunk, stored: Uint8Array): Promise<ChunkRef> {
    await this.#budget.take(stored.length)
    this.#put(id, stored)
    return { id, size, storedSize: stored.length }
  }

  /** Not awaited here: `#budget` bounds what is under way, `#failure` and `flush` tell how it ended. */
  #put(id: ObjectId, stored: Uint8Array): void {
    const put = this.#repository
      .put(id, stored)
      .catch((error: unknown) => void this.#fail(error))
      .finally(() => {
        this.#budget.give(stored.length)
        this.#puts.delete(put)
      })
    this.#puts.add(put)
  }

  async #delete(ids: readonly ObjectId[]): Promise<void> {
    if (ids.length === 0) return
    // A delete that overtakes its own put would leave the object behind.
    await this.flush()
    try {
      for (const id of ids) await this.#repository.delete(id)
    } catch (error) {
      throw this.#fail(error)
    }
  }

  /** References that were taken and never handed out: nobody else can release them. */
  async #abandon(placing: readonly Promise<Placed>[]): Promise<void> {
    const outcomes = await Promise.allSettled(placing)
    if (this.#failure !== undefined) return
    const orphans: ObjectId[] = []
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') continue
      const { id } = outcome.value.ref
      if (this.#cache.release(id) === 0) orphans.push(id)
    }
    await this.#delete(orphans)
  }

  #count(ref: ChunkRef, unique: boolean, sign: 1 | -1, statistics = this.#statistics): void {
    statistics.originalSize += sign * ref.size
    statistics.compressedSize += sign * ref.storedSize
    if (unique) statistics.deduplicatedSize += sign * ref.storedSize
  }

  /** The first failure is the cause; what follows it may be its echo. */
  #fail(error: unknown): unknown {
    this.#failure ??= { error }
    return error
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

async function* holdAll(blocks: AsyncIterable<Uint8Array>, lanes: LanePool): AsyncGenerator<HeldChunk> {
  for await (const block of blocks) yield await lanes.next().hold(block)
}
