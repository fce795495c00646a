/**
 * What a repository holds: from its index files where they are up to date, from its log where they are not.
 *
 * The log decides: the state is what the newest segment with a commit says. Index files older than that are brought up to
 * date, index files that claim more than that are not believed.
 * Source: format/repository.md §8 to §11.
 */
import { BorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import type { SegmentNumber } from '../base/ids.ts'
import { PercentProgress } from '../base/progress.ts'
import { Ledger } from './ledger.ts'
import type { LedgerFiles } from './ledger-files.ts'
import type { NsIndex } from './ns-index.ts'
import { measureSparse, replaySegment } from './replay.ts'
import { commitSegmentSize } from './segment-entry.ts'
import type { SegmentFile, SegmentFiles } from './segment-files.ts'

export interface RecoverContext {
  readonly files: SegmentFiles
  readonly ledgerFiles: LedgerFiles
  readonly location: string
  readonly run: RunOptions
}

/** The committed state. */
export interface Committed {
  /** Undefined: nothing was ever committed. */
  readonly transaction: SegmentNumber | undefined
  readonly ledger: Ledger
  /**
   * 'index': only the index was loaded, for reading. 'hints': completed from hints.N for writing. 'replay': read from the
   * log, and index.N does not have it yet.
   */
  readonly source: 'index' | 'hints' | 'replay'
  /** A later transaction that was committed once, whose segments are still there, but whose commit is damaged. */
  readonly lostTransaction: SegmentNumber | undefined
}

/**
 * Loads the committed state for reading. `beforeReplay` is called before time is spent on the log.
 * @throws BorgError 'Repository.CheckNeeded' when there is an index and no commit; 'IntegrityError' for damaged segments.
 */
export async function loadCommitted(context: RecoverContext, beforeReplay: () => Promise<void>): Promise<Committed> {
  const { files, ledgerFiles, location } = context
  const indexed = await ledgerFiles.indexTransaction()
  const transaction = await files.lastCommitted()
  if (transaction === undefined) {
    if (indexed !== undefined) throw new BorgError('Repository.CheckNeeded', [location])
    return { transaction, ledger: new Ledger(), source: 'hints', lostTransaction: undefined }
  }
  const lostTransaction = await findLost(context, transaction, indexed)
  if (indexed === transaction) {
    const index = await ledgerFiles.loadIndex(transaction)
    if (index !== undefined) return { transaction, ledger: new Ledger(index), source: 'index', lostTransaction }
  }
  await beforeReplay()
  const base = indexed !== undefined && indexed < transaction ? await loadBase(context, indexed) : undefined
  const ledger = await replayUpTo(context, transaction, base)
  return { transaction, ledger, source: 'replay', lostTransaction }
}

/** Completes what was loaded for reading with the hints, for writing; replays everything when they cannot be trusted. */
export async function completeForWriting(context: RecoverContext, state: Committed): Promise<Committed> {
  const { transaction } = state
  if (state.source !== 'index' || transaction === undefined) return state
  const completed = await loadHints(context, state)
  if (completed !== undefined) return completed
  return { ...state, ledger: await replayUpTo(context, transaction, undefined), source: 'replay' }
}

/** As `completeForWriting`, but undefined rather than a replay. */
export async function loadHints(context: RecoverContext, state: Committed): Promise<Committed | undefined> {
  if (state.source === 'hints') return state
  if (state.source === 'replay' || state.transaction === undefined) return undefined
  const ledger = await withHints(context, state.transaction, state.ledger.index)
  return ledger === undefined ? undefined : { ...state, ledger, source: 'hints' }
}

/**
 * Segments that have been removed and came back after a crash: verified books do not list them, and nothing live is in
 * them. Segments after `transaction` are not looked at.
 */
export async function findStrays(
  { ledgerFiles }: RecoverContext,
  transaction: SegmentNumber,
  ledger: Ledger,
  sizes: ReadonlyMap<SegmentNumber, number>,
): Promise<readonly SegmentNumber[]> {
  const unknown = new Set([...sizes.keys()].filter((segment) => segment <= transaction && !ledger.knows(segment)))
  if (unknown.size === 0 || !(await ledgerFiles.isVouchedFor(transaction))) return []
  for (const [, place] of ledger.index.entries()) unknown.delete(place.segment)
  return [...unknown]
}

/**
 * Removes what the next transaction must not find: segments of transactions that were never committed, and strays.
 * @throws BorgError 'Repository.CheckNeeded' rather than remove anything that may have been committed once.
 */
export async function clearForWriting(context: RecoverContext, state: Committed): Promise<void> {
  const { files, location, run } = context
  const { transaction } = state
  if (state.lostTransaction !== undefined) throw new BorgError('Repository.CheckNeeded', [location])
  const sizes = await files.sizes()
  if (transaction === undefined) {
    if (sizes.size === 0) return
    if (!(await isFirstTransaction(context, sizes))) throw new BorgError('Repository.CheckNeeded', [location])
    await files.discardAfter(undefined)
    return
  }
  await files.discardAfter(transaction)
  if (state.source !== 'hints') return
  for (const segment of await findStrays(context, transaction, state.ledger, sizes)) {
    reportLog(run, 'info', `removing segment ${segment}, which was removed before and came back`, 'borg.repository')
    await files.remove(segment)
  }
}

/**
 * Whether the uncommitted segments are what the very first transaction left when it died: then nothing of value can be in
 * them. No index was ever written; and there is no series of tiny segments, each of which may be a damaged commit (one
 * torn commit, and one more of an earlier attempt that was discarded and came back).
 */
async function isFirstTransaction(
  { ledgerFiles }: RecoverContext,
  sizes: ReadonlyMap<SegmentNumber, number>,
): Promise<boolean> {
  if (await ledgerFiles.exist()) return false
  return [...sizes.values()].filter((size) => size <= commitSegmentSize).length <= 2
}

/**
 * A crash cannot leave an index of a transaction without its commit. So if there is a sound one, and segments it may speak
 * of, then a commit was damaged later; or people removed it on purpose, but then they removed its segments as well.
 */
export async function findLost(
  { files, ledgerFiles }: RecoverContext,
  transaction: SegmentNumber | undefined,
  indexed: SegmentNumber | undefined,
): Promise<SegmentNumber | undefined> {
  if (indexed === undefined || (transaction !== undefined && indexed <= transaction)) return undefined
  let segmentsLeft = false
  for await (const { segment } of files.list('descending')) {
    if (transaction !== undefined && segment <= transaction) break
    segmentsLeft ||= segment <= indexed
  }
  return segmentsLeft && (await ledgerFiles.loadIndex(indexed)) !== undefined ? indexed : undefined
}

/** The state at `transaction` from its files; undefined when they cannot be trusted. */
async function loadBase(
  context: RecoverContext,
  transaction: SegmentNumber,
): Promise<{ readonly transaction: SegmentNumber; readonly ledger: Ledger } | undefined> {
  const index = await context.ledgerFiles.loadIndex(transaction)
  const ledger = index === undefined ? undefined : await withHints(context, transaction, index)
  return ledger === undefined ? undefined : { transaction, ledger }
}

async function withHints(
  { files, ledgerFiles }: RecoverContext,
  transaction: SegmentNumber,
  index: NsIndex,
): Promise<Ledger | undefined> {
  const hints = await ledgerFiles.loadHints(transaction)
  if (hints === undefined) return undefined
  const ledger = new Ledger(index, hints)
  await measureSparse(ledger, files, hints.unmeasured)
  return ledger
}

async function replayUpTo(
  context: RecoverContext,
  transaction: SegmentNumber,
  base: { readonly transaction: SegmentNumber; readonly ledger: Ledger } | undefined,
): Promise<Ledger> {
  const { files, run } = context
  const all = await segmentFilesUpTo(files, transaction)
  const there = new Set(all.map(({ segment }) => segment))
  const segments = all.filter(({ segment }) => base === undefined || segment > base.transaction)
  const ledger = base?.ledger ?? new Ledger()
  reportLog(
    run,
    'warning',
    `The repository index is ${base === undefined ? 'missing or damaged' : 'out of date'}: reading ${segments.length} segments to bring it up to date.`,
    'borg.repository',
  )
  const progress = new PercentProgress(
    {
      msgid: 'repository.replay_segments',
      total: segments.length,
      step: 5,
      text: (percent) => `Replaying segments ${percent}%`,
      width: 3,
      decimals: 0,
    },
    run,
  )
  for (const file of segments) {
    run.signal?.throwIfAborted()
    progress.advance()
    await replaySegment(ledger, files, file, (segment) => there.has(segment))
  }
  progress.finish()
  return ledger
}

async function segmentFilesUpTo(files: SegmentFiles, transaction: SegmentNumber): Promise<SegmentFile[]> {
  const found: SegmentFile[] = []
  for await (const file of files.list('ascending')) if (file.segment <= transaction) found.push(file)
  return found
}
