/**
 * Freeing space: live entries of sparse segments are copied to the end of the log, then the old segments are removed.
 *
 * The one order everything hangs on: an old segment is removed only after a commit *behind* all copies of its live entries
 * has been sealed. Until then a crash finds the old segment; afterwards it finds the copies; and it does not matter if a
 * removed segment comes back, because replay meets its entries before their copies.
 * Source: format/repository.md §14a.
 */
import type { RunOptions } from '../base/events.ts'
import type { SegmentNumber } from '../base/ids.ts'
import { PercentProgress } from '../base/progress.ts'
import type { Ledger } from './ledger.ts'
import { commitSegmentSize } from './segment-entry.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { SegmentLog } from './segment-log.ts'
import type { ScannedEntry } from './segment-scan.ts'

export interface CompactionPlan {
  /** Worth rewriting, ascending. */
  readonly rewrite: readonly SegmentNumber[]
  /** On the books, but without a file or with an empty one. */
  readonly forget: readonly SegmentNumber[]
}

/**
 * Pure: what a compaction would do. A segment is rewritten when the part of its file that would be freed exceeds
 * `threshold` (0 to 1).
 */
export function planCompaction(
  reclaimable: ReadonlyMap<SegmentNumber, number>,
  sizes: ReadonlyMap<SegmentNumber, number>,
  threshold: number,
): CompactionPlan {
  const rewrite: SegmentNumber[] = []
  const forget: SegmentNumber[] = []
  for (const segment of [...reclaimable.keys()].sort((a, b) => a - b)) {
    const size = sizes.get(segment) ?? 0
    if (size === 0) forget.push(segment)
    else if ((reclaimable.get(segment) ?? 0) / size > threshold) rewrite.push(segment)
  }
  return { rewrite, forget }
}

/** For `--cleanup-commits`: segments of a single commit count as free, whatever the hints of an older borg say. */
export function noteCommitOnlySegments(ledger: Ledger, sizes: ReadonlyMap<SegmentNumber, number>): void {
  for (const [segment, size] of sizes) if (size === commitSegmentSize) ledger.commitOnly(segment)
}

export interface CompactionContext {
  readonly files: SegmentFiles
  readonly log: SegmentLog
  readonly ledger: Ledger
  /** The index file a crash now would fall back to: tombstones it does not know yet must be kept. */
  readonly indexTransaction: SegmentNumber | undefined
  readonly run: RunOptions
}

/**
 * Carries out `plan`, right after the commit in segment `committed`. Returns the segment of the last commit.
 * @throws BorgError 'IntegrityError' when a segment to be rewritten is damaged: it stays as it is.
 */
export async function runCompaction(
  plan: CompactionPlan,
  committed: SegmentNumber,
  context: CompactionContext,
): Promise<SegmentNumber> {
  const { ledger, files, run } = context
  for (const segment of plan.forget) ledger.forgetSegment(segment)
  if (plan.rewrite.length === 0) return committed
  const progress = new PercentProgress(
    {
      msgid: 'repository.compact_segments',
      total: plan.rewrite.length,
      step: 1,
      text: (percent) => `Compacting segments ${percent}%`,
      width: 3,
      decimals: 0,
    },
    run,
  )
  const move = new Move(context)
  for (const segment of plan.rewrite) {
    run.signal?.throwIfAborted()
    progress.advance()
    for await (const entries of files.scan(segment, { keepData: true })) {
      for (const entry of entries) await move.entry(segment, entry)
    }
    move.emptied(segment)
  }
  const last = await move.complete('final')
  progress.finish()
  return last
}

/** Copying entries, and removing what has been copied at every commit. */
class Move {
  readonly #context: CompactionContext
  readonly #emptied: SegmentNumber[] = []

  constructor(context: CompactionContext) {
    this.#context = context
  }

  async entry(segment: SegmentNumber, entry: ScannedEntry): Promise<void> {
    const { ledger } = this.#context
    switch (entry.tag) {
      case 'commit':
        break
      case 'put': {
        const live = ledger.find(entry.id)
        if (live?.segment === segment && live.offset === entry.offset) await this.#copyPut(segment, entry)
        else ledger.dropPut(entry.id, segment, entry.size)
        break
      }
      case 'delete':
        if (ledger.find(entry.id) === undefined) await this.#settleTombstone(segment, entry)
        break
    }
  }

  /** Every entry of `segment` that matters has been copied. */
  emptied(segment: SegmentNumber): void {
    this.#emptied.push(segment)
  }

  /** Seals the copies with a commit, and only then removes the originals. */
  async complete(kind: 'final' | 'intermediate'): Promise<SegmentNumber> {
    const { log, ledger, files } = this.#context
    const commit = await log.commit(kind)
    ledger.commit(commit)
    // Not one line earlier: until the commit is sealed, the copies are nothing and these files are the data.
    for (const segment of this.#emptied.splice(0)) {
      await files.remove(segment)
      ledger.forgetSegment(segment)
    }
    return commit
  }

  async #copyPut(segment: SegmentNumber, { id, data }: ScannedEntry): Promise<void> {
    const { log, ledger } = this.#context
    if (log.isFull(id)) await this.complete('intermediate')
    const place = log.appendAtOnce('put', id, data) ?? (await log.append('put', id, data))
    ledger.move(id, segment, place)
  }

  /**
   * A tombstone of an id that is gone must live on while an older put of it may still be read back: one that is known to
   * lie in an older segment, one nobody knows of, or one that the stored index still takes for live.
   */
  async #settleTombstone(segment: SegmentNumber, { id }: ScannedEntry): Promise<void> {
    const { log, ledger, indexTransaction } = this.#context
    const isKnownToIndex = indexTransaction !== undefined && segment <= indexTransaction
    if (isKnownToIndex && !ledger.isShadowed(id, segment)) {
      ledger.dropTombstone(id)
      return
    }
    if (log.isFull(id)) await this.complete('intermediate')
    const place = log.appendAtOnce('delete', id) ?? (await log.append('delete', id))
    ledger.tombstone(place.segment)
  }
}
