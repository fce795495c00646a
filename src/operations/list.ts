/**
 * What a repository or an archive holds.
 */
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import type { Item } from '../archive/item.ts'
import { type ArchiveSelection, selectArchives } from '../archive/select.ts'
import { requireFeatures } from '../archive/manifest.ts'
import { makeMatcher } from '../patterns/matcher.ts'
import type { Pattern } from '../patterns/pattern.ts'
import type { ReadSession } from '../session/session.ts'
import { openArchive } from './open-archive.ts'

/** Archives in the order asked for; names containing '.checkpoint' are hidden unless the selection says otherwise. */
export function listArchives(session: ReadSession, selection: ArchiveSelection = {}): readonly ArchiveEntry[] {
  requireFeatures(session.manifest, ['read'])
  return selectArchives(session.archives, { considerCheckpoints: false, ...selection })
}

export interface ListItemsOptions {
  /** Rules, then PATH arguments as include rules; with any include rule the rest is left out. */
  readonly patterns?: readonly Pattern[] | undefined
  /** Parts of files that a checkpoint interrupted are hidden unless asked for. */
  readonly considerPartFiles?: boolean | undefined
}

/** Items of one archive, in archive order. */
export async function* listItems(
  session: ReadSession,
  archive: string | ArchiveEntry,
  options: ListItemsOptions = {},
): AsyncGenerator<Item> {
  const reader = await openArchive(session, archive)
  const matches = itemMatcher(options.patterns ?? [])
  for await (const item of reader.items({ select: matches })) {
    if (item.part === undefined || options.considerPartFiles === true) yield item
  }
}

/** Whether a path is meant: what no rule decides is left out when PATH arguments were given. */
export function itemMatcher(patterns: readonly Pattern[]): (path: string) => boolean {
  if (patterns.length === 0) return () => true
  const matcher = makeMatcher(patterns, fallbackFor(patterns))
  return (path) => matcher.match(path) === 'include'
}

export function fallbackFor(patterns: readonly Pattern[]): 'include' | 'exclude' {
  return patterns.some((pattern) => pattern.isPathArgument) ? 'exclude' : 'include'
}
