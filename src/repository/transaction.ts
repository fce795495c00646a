/**
 * One transaction: from the first put or delete to the commit. Entries go to the log, the ledger follows.
 *
 * What fails while writing leaves log and ledger unsure of each other: from then on everything is refused, and only
 * `abandon` is left. One call at a time; the `…AtOnce` methods do not wait and need no turn if nobody else has one.
 * Source: format/repository.md §5, §11, §14.
 */
import { toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { type ObjectId, type SegmentNumber, segmentNumber } from '../base/ids.ts'
import { dataSizeMax } from '../base/limits.ts'
import { noteCommitOnlySegments, planCompaction, runCompaction } from './compact.ts'
import { requireFreeSpace } from './free-space.ts'
import type { Ledger } from './ledger.ts'
import type { LedgerFiles } from './ledger-files.ts'
import { measureSuperseded } from './replay.ts'
import type { CommitOptions } from './repository.ts'
import { putSize } from './segment-entry.ts'
import type { SegmentFiles } from './segment-files.ts'
import { SegmentLog } from './segment-log.ts'
import type { SegmentReader } from './segment-reader.ts'
import { formatSize } from '../location/sizes.ts'
import type { Nanoseconds } from '../base/ids.ts'

export interface TransactionSettings {
  readonly appendOnly: boolean
  /** 0: none. */
  readonly quotaBytes: number
  readonly additionalFreeBytes: number
}

export interface TransactionParts {
  readonly files: SegmentFiles
  readonly reader: SegmentReader
  readonly ledgerFiles: LedgerFiles
  readonly settings: TransactionSettings
  readonly location: string
  readonly now: () => Nanoseconds
  readonly run: RunOptions
}

export class Transaction {
  readonly #parts: TransactionParts
  readonly #ledger: Ledger
  readonly #log: SegmentLog
  #failure: { readonly error: unknown } | undefined

  /** `ledger`, the state committed at `base`, is changed from here on; segments after `base` must be gone. */
  constructor(parts: TransactionParts, ledger: Ledger, base: SegmentNumber | undefined) {
    this.#parts = parts
    this.#ledger = ledger
    this.#log = new SegmentLog(parts.files, segmentNumber(base === undefined ? 0 : base + 1))
    if (base !== undefined) this.#tellQuota()
  }

  get ledger(): Ledger {
    return this.#ledger
  }

  /** What made this transaction impossible to commit. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** A put of an unknown id that needs no waiting; false when it was not done and `put` must be called. */
  putAtOnce(id: ObjectId, data: Uint8Array): boolean {
    if (this.#failure !== undefined || this.#quotaLeft < putSize(data.length)) return false
    if (this.#ledger.find(id) !== undefined) return false
    const place = this.#log.appendAtOnce('put', id, data)
    if (place === undefined) return false
    this.#ledger.put(id, place, putSize(data.length))
    return true
  }

  /**
   * `data` must not change until this resolves, and is not needed afterwards.
   * @throws BorgError 'IntegrityError' for too much data; 'Repository.StorageQuotaExceeded' ends the transaction.
   */
  async put(id: ObjectId, data: Uint8Array): Promise<void> {
    // Before the tombstone of an old put: this error must leave everything as it was.
    if (data.length > dataSizeMax) {
      throw new BorgError('IntegrityError', [`More than allowed put data [${data.length} > ${dataSizeMax}]`])
    }
    await this.#guarded(async () => {
      if (this.#ledger.find(id) !== undefined) await this.#bury(id, false)
      const place = this.#log.appendAtOnce('put', id, data) ?? (await this.#log.append('put', id, data))
      this.#ledger.put(id, place, putSize(data.length))
      if (this.#quotaLeft < 0) {
        const { quotaBytes } = this.#parts.settings
        throw new BorgError('Repository.StorageQuotaExceeded', [
          formatSize(quotaBytes),
          formatSize(this.#ledger.quotaUsed),
        ])
      }
    })
  }

  /** As `putAtOnce`, for a known id. */
  deleteAtOnce(id: ObjectId): boolean {
    if (this.#failure !== undefined || this.#ledger.find(id) === undefined) return false
    const place = this.#log.appendAtOnce('delete', id)
    if (place === undefined) return false
    this.#ledger.supersede(id, true)
    this.#ledger.tombstone(place.segment)
    return true
  }

  /** @throws BorgError 'Repository.ObjectNotFound' */
  async delete(id: ObjectId): Promise<void> {
    this.#requireIntact()
    if (this.#ledger.find(id) === undefined) {
      throw new BorgError('Repository.ObjectNotFound', [toHex(id), this.#parts.location])
    }
    await this.#guarded(() => this.#bury(id, true))
  }

  /** Entries in `segment` can be read through the store when this resolves. */
  async makeReadable(segment: SegmentNumber): Promise<void> {
    if (this.#log.isOpen(segment)) await this.#guarded(() => this.#log.makeReadable())
  }

  /**
   * Makes everything durable, compacts if asked to, and writes the index files. Returns the new transaction id. When this
   * throws, the commit may have happened or not: ask the log.
   */
  async commit(options: CommitOptions): Promise<SegmentNumber> {
    return this.#guarded(async () => {
      const { files, reader, ledgerFiles, settings, now, run } = this.#parts
      run.signal?.throwIfAborted()
      await this.#log.makeReadable()
      await measureSuperseded(this.#ledger, reader)
      await requireFreeSpace(this.#ledger, files, settings)
      this.#tellQuota()
      let committed = await this.#log.commit('final')
      this.#ledger.commit(committed)
      if (options.compact !== undefined && !settings.appendOnly) {
        committed = await this.#compact(options.compact, committed)
      }
      if (settings.appendOnly) await ledgerFiles.noteTransaction(committed, now())
      await ledgerFiles.save(committed, this.#ledger)
      return committed
    })
  }

  /** Forgets the transaction; its segments are removed by whoever begins the next one. A failure is told, not thrown. */
  async abandon(): Promise<void> {
    try {
      await this.#log.abandon()
    } catch (error) {
      // Thrown, it would hide why the transaction is being given up.
      const message = error instanceof Error ? error.message : String(error)
      reportLog(this.#parts.run, 'warning', `giving up the transaction: ${message}`, 'borg.repository')
    }
  }

  async #compact(
    options: { threshold: number; cleanupCommits?: boolean | undefined },
    committed: SegmentNumber,
  ): Promise<SegmentNumber> {
    const { files, ledgerFiles, run } = this.#parts
    const sizes = await files.sizes()
    if (options.cleanupCommits === true) noteCommitOnlySegments(this.#ledger, sizes)
    const plan = planCompaction(this.#ledger.reclaimable(), sizes, options.threshold)
    const before = this.#ledger.quotaUsed
    const context = { files, log: this.#log, ledger: this.#ledger, run }
    const indexTransaction = await ledgerFiles.indexTransaction()
    const last = await runCompaction(plan, committed, { ...context, indexTransaction })
    await files.removeEmptyFolders()
    const freed = formatSize(before - this.#ledger.quotaUsed)
    reportLog(run, 'info', `compaction freed about ${freed} repository space.`, 'borg.repository')
    return last
  }

  /** The tombstone of the live put of `id`. */
  async #bury(id: ObjectId, forGood: boolean): Promise<void> {
    const place = this.#log.appendAtOnce('delete', id) ?? (await this.#log.append('delete', id))
    this.#ledger.supersede(id, forGood)
    this.#ledger.tombstone(place.segment)
  }

  #tellQuota(): void {
    const { settings, run } = this.#parts
    if (settings.quotaBytes === 0) return
    const [used, quota] = [formatSize(this.#ledger.quotaUsed), formatSize(settings.quotaBytes)]
    reportLog(run, 'info', `Storage quota: ${used} out of ${quota} used.`, 'borg.repository')
  }

  get #quotaLeft(): number {
    const { quotaBytes } = this.#parts.settings
    return quotaBytes === 0 ? Number.POSITIVE_INFINITY : quotaBytes - this.#ledger.quotaUsed
  }

  #requireIntact(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    this.#requireIntact()
    try {
      return await work()
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }
}
