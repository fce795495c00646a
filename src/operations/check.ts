/**
 * Is everything there, and is it what was written? First segments and index, then archives against objects.
 */
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import { decodeManifest, type Manifest } from '../archive/manifest.ts'
import { type ArchiveSelection, selectArchives } from '../archive/select.ts'
import { isObjectError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { manifestId } from '../base/ids.ts'
import type { Repository } from '../repository/repository.ts'
import { unlockForCheck } from '../session/open.ts'
import type { OpenOptions } from '../session/repository-session.ts'
import { CheckContext, checkLogger } from './check/context.ts'
import { checkOrphans } from './check/orphans.ts'
import { rebuildManifest } from './check/rebuild-manifest.ts'
import { rebuildReferences } from './check/rebuild-references.ts'
import { verifyData } from './check/verify-data.ts'
import { writeManifest } from './check/write-manifest.ts'

export interface CheckRepositoryOptions {
  readonly repair?: boolean | undefined
  /** Stop after so many seconds and go on there next time; 0: check everything. */
  readonly maxSeconds?: number | undefined
}

/** Segments and index; no key needed. True when nothing is wrong, or all was repaired. */
export async function checkRepository(
  repository: Repository,
  options: CheckRepositoryOptions = {},
  run: RunOptions = {},
): Promise<boolean> {
  run.signal?.throwIfAborted()
  return await repository.check({ repair: options.repair ?? false, maxSeconds: options.maxSeconds ?? 0 })
}

export interface CheckArchivesOptions {
  readonly repair?: boolean | undefined
  /** Also read, authenticate and decompress every object. */
  readonly verifyData?: boolean | undefined
  /** Only this archive. */
  readonly archive?: string | undefined
  readonly selection?: ArchiveSelection | undefined
}

/** Manifest, archives and their chunks. True when nothing is wrong, or `repair` was asked for. */
export async function checkArchives(
  repository: Repository,
  open: OpenOptions,
  options: CheckArchivesOptions = {},
  run: RunOptions = {},
): Promise<boolean> {
  reportLog(run, 'info', 'Starting archive consistency check...', checkLogger)
  if ((await repository.count()) === 0) {
    reportLog(run, 'error', 'Repository contains no apparent data at all, cannot continue check/repair.', checkLogger)
    return false
  }
  await using unlocked = await unlockForCheck(repository, open)
  const check = new CheckContext({ ...unlocked, repository, repair: options.repair ?? false, run })
  await check.loadObjects()
  if (options.verifyData === true) await verifyData(check)
  const manifest = await manifestOrRebuilt(check)
  const chosen = chooseArchives(manifest, options, check)
  await rebuildReferences(check, manifest, chosen)
  // Objects of archives that were not looked at would count as nobody's.
  if (looksAtAll(options)) await checkOrphans(check)
  else reportLog(run, 'info', 'Orphaned objects check skipped (needs all archives checked).', checkLogger)
  if (check.repair) await writeManifest(check, manifest)
  if (check.foundProblems) reportLog(run, 'error', 'Archive consistency check complete, problems found.', checkLogger)
  else reportLog(run, 'info', 'Archive consistency check complete, no problems found.', checkLogger)
  return check.repair || !check.foundProblems
}

async function manifestOrRebuilt(check: CheckContext): Promise<Manifest> {
  if (!check.has(manifestId)) {
    check.problem('Repository manifest not found!')
    return await rebuildManifest(check)
  }
  try {
    const packed = await check.lane.open(undefined, await check.repository.get(manifestId))
    return decodeManifest(packed, check.key, { tamRequired: check.key.tamRequired })
  } catch (error) {
    if (!isObjectError(error)) throw error
    check.problem(`Repository manifest is corrupted: ${error.message}`)
    return await rebuildManifest(check)
  }
}

function looksAtAll({ archive, selection = {} }: CheckArchivesOptions): boolean {
  return [archive, selection.glob, selection.first, selection.last].every((limit) => limit === undefined)
}

function chooseArchives(
  manifest: Manifest,
  options: CheckArchivesOptions,
  check: CheckContext,
): readonly ArchiveEntry[] {
  if (options.archive !== undefined) {
    const entry = manifest.archives.get(options.archive)
    if (entry === undefined) check.problem(`Archive '${options.archive}' not found.`)
    return entry === undefined ? [] : [entry]
  }
  const selection = options.selection ?? {}
  const chosen = selectArchives(manifest.archives, selection)
  if (chosen.length === 0 && selection.glob !== undefined) {
    reportLog(check.run, 'warning', `--glob-archives ${selection.glob} does not match any archives`, checkLogger)
  }
  for (const end of ['first', 'last'] as const) {
    const wanted = selection[end]
    if (wanted !== undefined && chosen.length < wanted) {
      reportLog(check.run, 'warning', `--${end} ${wanted} archives: only found ${chosen.length} archives`, checkLogger)
    }
  }
  return chosen
}
