/**
 * Whether the disk has room for a commit: checked before it, because a full disk in the middle of one is no fun.
 * Source: format/repository.md §11.
 */
import { BorgError } from '../base/errors.ts'
import { objectSizeMax } from '../base/limits.ts'
import type { Ledger } from './ledger.ts'
import type { SegmentFiles } from './segment-files.ts'
import { formatSize } from '../location/sizes.ts'

/** With fewer sparse segments than this, compacting them all is cheap enough to be summed up. */
const fewSparseSegments = 10
/** Slop for hints.N beyond its entries. */
const hintsSlop = 4096

export interface FreeSpaceNeeds {
  readonly additionalFreeBytes: number
  readonly appendOnly: boolean
}

/** @throws BorgError 'Repository.InsufficientFreeSpaceError'. Does nothing where the store cannot tell. */
export async function requireFreeSpace(ledger: Ledger, files: SegmentFiles, needs: FreeSpaceNeeds): Promise<void> {
  const free = await files.store.freeBytes()
  if (free === undefined) return
  const sparse = ledger.reclaimable()
  let required = 4 * ledger.index.fileSize + 10 * ledger.segmentCount + 10 * sparse.size + hintsSlop
  required += needs.additionalFreeBytes
  if (!needs.appendOnly) required += await compactionNeeds(ledger, files)
  if (free < required) {
    throw new BorgError('Repository.InsufficientFreeSpaceError', [formatSize(required), formatSize(free)])
  }
}

/** What a compaction may write before it can remove anything. */
async function compactionNeeds(ledger: Ledger, files: SegmentFiles): Promise<number> {
  const fullSegment = files.layout.segmentSizeMax + objectSizeMax
  const sparse = ledger.reclaimable()
  if (sparse.size >= fewSparseSegments) return fullSegment
  let copied = 0
  for (const [segment, freeable] of sparse) copied += Math.max((await files.size(segment)) - freeable, 0)
  return Math.min(copied, fullSegment)
}
