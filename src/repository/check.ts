/**
 * Check of a repository below the line: is every segment readable, does the index say what the log says. With repair: save
 * what can be saved of damaged segments and write the books anew.
 *
 * Source: format/repository.md §18; messages: cli/commands.md §11.
 */
import { toHex } from '../base/bytes.ts'
import { isBorgError, isIntegrityError } from '../base/errors.ts'
import { type LogLevel, type RunOptions, reportLog } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import { type SegmentNumber, segmentNumber } from '../base/ids.ts'
import { PercentProgress } from '../base/progress.ts'
import { isStoreNotFound } from '../store/store.ts'
import { Ledger } from './ledger.ts'
import type { LedgerFiles } from './ledger-files.ts'
import type { NsIndex } from './ns-index.ts'
import { type Committed, findLost, findStrays, loadHints } from './recover.ts'
import { measureSuperseded, type ReplayCursor, replaySegment } from './replay.ts'
import type { RepositoryConfig } from './repo-config.ts'
import type { EntryPlace } from './segment-entry.ts'
import type { SegmentFile, SegmentFiles } from './segment-files.ts'
import { SegmentLog } from './segment-log.ts'
import type { SegmentReader } from './segment-reader.ts'

export interface CheckOptions {
  readonly repair: boolean
  /** 0: to the end. Otherwise checks checksums only, and goes on the next time where it stopped. */
  readonly maxSeconds: number
}

export interface CheckContext {
  readonly files: SegmentFiles
  readonly reader: SegmentReader
  readonly ledgerFiles: LedgerFiles
  readonly config: RepositoryConfig
  /** Whether the place of the next partial check may be written down. */
  readonly mayWrite: boolean
  readonly location: string
  readonly host: Host
  readonly run: RunOptions
  /** Opens normally, replay included. */
  readonly load: () => Promise<Committed>
}

/** True when no problem was found, or all were repaired. The caller holds the exclusive lock. */
export async function checkRepository(options: CheckOptions, context: CheckContext): Promise<boolean> {
  if (options.repair && options.maxSeconds > 0) throw new RangeError('a repair cannot be limited in time')
  return new Check(options, context).run()
}

class Check {
  readonly #repair: boolean
  readonly #maxSeconds: number
  readonly #context: CheckContext
  #errors = 0

  constructor({ repair, maxSeconds }: CheckOptions, context: CheckContext) {
    this.#repair = repair
    this.#maxSeconds = maxSeconds
    this.#context = context
  }

  async run(): Promise<boolean> {
    const { files } = this.#context
    this.#log('info', 'Starting repository check')
    if (this.#maxSeconds === 0) await this.#rememberChecked(undefined)
    const state = await this.#tryLoad()
    const transaction = await this.#subject(state)
    if (transaction === undefined) {
      this.#problem('This repository contains no valid data.')
      return false
    }
    if (this.#repair) await files.discardAfter(transaction)
    if (this.#maxSeconds > 0) await this.#checkPart(transaction)
    else await this.#checkAll(transaction, state)
    return this.#verdict()
  }

  /** The committed state, unless opening fails for a reason a check is for. */
  async #tryLoad(): Promise<Committed | undefined> {
    try {
      return await this.#context.load()
    } catch (error) {
      if (isIntegrityError(error) || isBorgError(error, 'Repository.CheckNeeded') || isStoreNotFound(error))
        return undefined
      throw error
    }
  }

  /** Up to which segment the log is looked at. */
  async #subject(state: Committed | undefined): Promise<SegmentNumber | undefined> {
    const { files, ledgerFiles } = this.#context
    const committed = state === undefined ? await files.lastCommitted() : state.transaction
    const indexed = await ledgerFiles.indexTransaction()
    const lost = await findLost(this.#context, committed, indexed)
    if (lost !== undefined) this.#problem(`The commit of transaction ${lost} is damaged.`)
    else if (committed === undefined && indexed !== undefined) this.#problem('No sound commit was found.')
    const transaction = lost ?? committed ?? indexed
    if (transaction !== undefined) return transaction
    for await (const { segment } of files.list('descending')) return segment
    return undefined
  }

  /** Checksums only, from where the last partial check stopped, until the time is up. */
  async #checkPart(transaction: SegmentNumber): Promise<void> {
    const { config, host, run } = this.#context
    const start = host.monotonicMs()
    const first = (config.lastSegmentChecked ?? -1) + 1
    this.#log('info', `skipping to segments >= ${first}`)
    const all = await this.#segments(transaction, new Set())
    const progress = this.#progress(all.length)
    for (const file of all) {
      run.signal?.throwIfAborted()
      progress.advance()
      if (file.segment < first) continue
      await this.#verify(file)
      if (host.monotonicMs() - start <= this.#maxSeconds * 1000) continue
      this.#log('info', `finished partial segment check, last segment checked is ${file.segment}`)
      await this.#rememberChecked(file.segment)
      progress.finish()
      return
    }
    progress.finish()
    this.#log('info', `finished segment check at segment ${all.at(-1)?.segment ?? transaction}`)
    await this.#rememberChecked(undefined)
  }

  /** Where the next partial check goes on; undefined: at the beginning. */
  async #rememberChecked(segment: SegmentNumber | undefined): Promise<void> {
    const { config, files, mayWrite, run } = this.#context
    if (!mayWrite) return
    if (segment !== undefined) config.set('last_segment_checked', String(segment))
    else if (!config.delete('last_segment_checked')) return
    await config.save(files.store, run)
  }

  async #verify({ segment }: SegmentFile): Promise<void> {
    try {
      for await (const entries of this.#context.files.scan(segment, { keepData: false })) void entries
    } catch (error) {
      if (!isIntegrityError(error)) throw error
      this.#problem(error.message)
    }
  }

  async #checkAll(transaction: SegmentNumber, state: Committed | undefined): Promise<void> {
    const { reader, ledgerFiles } = this.#context
    const rebuilt = await this.#rebuild(transaction, state)
    this.#log('info', 'Starting repository index check')
    // What is repaired is written anew, whatever it was.
    if (!this.#repair && state !== undefined && state.lostTransaction === undefined)
      this.#compare(state.ledger.index, rebuilt.index)
    if (!this.#repair) return
    const committed = await this.#ensureCommit(transaction, rebuilt)
    await measureSuperseded(rebuilt, reader)
    await ledgerFiles.save(committed, rebuilt)
  }

  /** The books as the log alone tells them. */
  async #rebuild(transaction: SegmentNumber, state: Committed | undefined): Promise<Ledger> {
    const { files, run } = this.#context
    const strays = await this.#strays(transaction, state)
    const segments = await this.#segments(transaction, strays)
    const there = new Set(segments.map(({ segment }) => segment))
    const ledger = new Ledger()
    const progress = this.#progress(segments.length)
    for (const file of segments) {
      run.signal?.throwIfAborted()
      progress.advance()
      const cursor: ReplayCursor = { entered: 0 }
      const isThere = (segment: SegmentNumber): boolean => there.has(segment)
      try {
        await replaySegment(ledger, files, file, isThere, cursor)
      } catch (error) {
        if (!isIntegrityError(error)) throw error
        this.#problem(error.message)
        if (!this.#repair) continue
        this.#log('info', `attempting to recover ${files.path(file.segment)}`)
        await files.salvage(file.segment)
        // What was entered before the damage is where it was: salvage keeps the sound beginning of a segment as it is.
        const size = await files.size(file.segment)
        await replaySegment(ledger, files, { segment: file.segment, size }, isThere, cursor)
      }
    }
    progress.finish()
    this.#log('info', `finished segment check at segment ${segments.at(-1)?.segment ?? transaction}`)
    return ledger
  }

  /** Leftovers of removals, which say nothing about the repository any more; a repair finishes the removal. */
  async #strays(transaction: SegmentNumber, state: Committed | undefined): Promise<ReadonlySet<SegmentNumber>> {
    const { files } = this.#context
    if (state === undefined || state.lostTransaction !== undefined) return new Set()
    const complete = await loadHints(this.#context, state)
    if (complete === undefined) return new Set()
    const strays = await findStrays(this.#context, transaction, complete.ledger, await files.sizes())
    for (const segment of strays) {
      this.#log('info', `segment ${segment} was removed before and came back: it is not part of the repository`)
      if (this.#repair) await files.remove(segment)
    }
    return new Set(strays)
  }

  /** A log that was rebuilt without a sound commit at its end gets one; otherwise the next opening would not believe it. */
  async #ensureCommit(transaction: SegmentNumber, ledger: Ledger): Promise<SegmentNumber> {
    const { files } = this.#context
    const newest = await files.lastCommitted()
    if (newest !== undefined && newest >= transaction) return newest
    const log = new SegmentLog(files, segmentNumber(transaction + 1))
    const committed = await log.commit('final')
    ledger.commit(committed)
    return committed
  }

  #compare(committed: NsIndex, rebuilt: NsIndex): void {
    if (committed.size === rebuilt.size) this.#log('info', 'Index object count match.')
    else {
      this.#problem('Index object count mismatch.')
      this.#log('error', `committed index: ${committed.size} objects`)
      this.#log('error', `rebuilt index:   ${rebuilt.size} objects`)
    }
    for (const [id, place] of rebuilt.entries()) {
      const other = committed.find(id)
      if (other?.segment !== place.segment || other.offset !== place.offset) this.#difference(toHex(id), place, other)
    }
    for (const [id, place] of committed.entries()) {
      if (rebuilt.find(id) === undefined) this.#difference(toHex(id), undefined, place)
    }
  }

  #difference(id: string, rebuilt: EntryPlace | undefined, committed: EntryPlace | undefined): void {
    this.#problem(`ID: ${id.padEnd(64)} rebuilt index: ${placeText(rebuilt)} committed index: ${placeText(committed)}`)
  }

  async #segments(transaction: SegmentNumber, without: ReadonlySet<SegmentNumber>): Promise<SegmentFile[]> {
    const segments: SegmentFile[] = []
    for await (const file of this.#context.files.list('ascending')) {
      if (file.segment <= transaction && !without.has(file.segment)) segments.push(file)
    }
    return segments
  }

  #verdict(): boolean {
    const extent = this.#maxSeconds > 0 ? 'partial' : 'full'
    if (this.#errors === 0) this.#log('info', `Finished ${extent} repository check, no problems found.`)
    else if (this.#repair) this.#log('info', `Finished ${extent} repository check, errors found and repaired.`)
    else this.#log('error', `Finished ${extent} repository check, errors found.`)
    return this.#errors === 0 || this.#repair
  }

  #progress(total: number): PercentProgress {
    const text = (percent: string): string => `Checking segments ${percent}%`
    return new PercentProgress(
      { msgid: 'repository.check', total, step: 0.1, text, width: 3, decimals: 1 },
      this.#context.run,
    )
  }

  #problem(message: string): void {
    this.#errors += 1
    this.#log('error', message)
  }

  #log(level: LogLevel, message: string): void {
    reportLog(this.#context.run, level, message, 'borg.repository')
  }
}

/** As borg prints a pair of numbers, in a column of 16. */
function placeText(place: EntryPlace | undefined): string {
  return (place === undefined ? '<not found>' : `(${place.segment}, ${place.offset})`).padEnd(16)
}
