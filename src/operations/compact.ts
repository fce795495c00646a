/**
 * Gives back the space of what was deleted.
 */
import { manifestId } from '../base/ids.ts'
import { compactThresholdDefault } from '../base/limits.ts'
import type { Repository } from '../repository/repository.ts'

export interface CompactOptions {
  /** Share of a segment that must be reclaimable, 0 .. 1. */
  readonly threshold?: number | undefined
  /** Also rewrite the small segments that hold nothing but a commit. */
  readonly cleanupCommits?: boolean | undefined
}

/** Needs no key. In an append-only repository nothing is freed. */
export async function compactRepository(repository: Repository, options: CompactOptions = {}): Promise<void> {
  // Compaction is part of a commit: writing the manifest back unchanged opens the transaction it needs.
  await repository.put(manifestId, await repository.get(manifestId))
  await repository.commit({
    compact: {
      threshold: options.threshold ?? compactThresholdDefault,
      cleanupCommits: options.cleanupCommits ?? false,
    },
  })
}
