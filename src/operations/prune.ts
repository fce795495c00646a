/**
 * Deleting what retention rules do not keep.
 */
import { requireFeatures } from '../archive/manifest.ts'
import { planRetention, type RetentionRule, type RetentionVerdict } from '../archive/retention.ts'
import { nameMatcher } from '../archive/select.ts'
import type { RunOptions } from '../base/events.ts'
import type { ReadSession, WriteSession } from '../session/session.ts'
import { allOrNothing } from './all-or-nothing.ts'
import { type DeleteOptions, type DeleteResult, releaseAll } from './delete.ts'

export interface PruneRules {
  readonly rules: readonly RetentionRule[]
  /** Only archives of such names are candidates; their checkpoints with them. Default all. */
  readonly glob?: string | undefined
}

const checkpointSuffix = /\.checkpoint(\.\d+)?$/

/** What `pruneArchives` would do: a verdict for every candidate, newest first. Changes nothing. */
export function planPrune(session: ReadSession, options: PruneRules): readonly RetentionVerdict[] {
  const matches = nameMatcher(options.glob ?? '*')
  const candidates = session.archives
    .all()
    .filter((entry) => matches(entry.name) || matches(entry.name.replace(checkpointSuffix, '')))
  return planRetention(candidates, options.rules, session.host.now())
}

export interface PruneResult extends DeleteResult {
  readonly verdicts: readonly RetentionVerdict[]
}

/** Deletes every archive the plan does not keep. */
export async function pruneArchives(
  session: WriteSession,
  options: PruneRules & DeleteOptions,
  run: RunOptions = {},
): Promise<PruneResult> {
  requireFeatures(session.manifest, ['delete'])
  const verdicts = planPrune(session, options)
  const doomed = verdicts.filter((verdict) => !verdict.keep).map((verdict) => verdict.archive.name)
  return await allOrNothing(session, run, async () => {
    await using cache = await session.openCache({ files: 'disabled' }, run)
    const outcome = await releaseAll(session, cache, doomed, options, run)
    const cacheStatistics = options.wantCacheStatistics === true ? await cache.statistics(run) : undefined
    return { ...outcome, verdicts, cacheStatistics }
  })
}
