/**
 * Which archives an operation means: glob, sort, first, last.
 */
import { compareBytes } from '../base/bytes.ts'
import { encodeText } from '../base/text.ts'
import { archiveGlob } from '../patterns/shell-pattern.ts'
import type { ArchiveDirectory, ArchiveEntry } from './archive-directory.ts'

export type ArchiveSortKey = 'timestamp' | 'archive' | 'name' | 'id'

export interface ArchiveSelection {
  /** Shell-style pattern over the whole name; default all. */
  readonly glob?: string | undefined
  /** Most significant first; ties keep the manifest's order. Default ['timestamp']. */
  readonly sortBy?: readonly ArchiveSortKey[] | undefined
  readonly first?: number | undefined
  readonly last?: number | undefined
  /** False hides names that contain '.checkpoint'. Default true. */
  readonly considerCheckpoints?: boolean | undefined
}

/** Glob, then hide checkpoints, then sort, then first or last: borg's order of work. */
export function selectArchives(archives: ArchiveDirectory, selection: ArchiveSelection): readonly ArchiveEntry[] {
  const matches = selection.glob === undefined ? (): boolean => true : nameMatcher(selection.glob)
  const shown = selection.considerCheckpoints ?? true
  const chosen = archives.all().filter((entry) => matches(entry.name) && (shown || !entry.name.includes('.checkpoint')))
  const sorted = sortArchives(chosen, selection.sortBy ?? ['timestamp'])
  if (selection.first !== undefined) return sorted.slice(0, selection.first)
  if (selection.last !== undefined) return sorted.slice(Math.max(0, sorted.length - selection.last))
  return sorted
}

export function nameMatcher(glob: string): (name: string) => boolean {
  const pattern = archiveGlob(glob)
  return (name) => pattern.test(name)
}

function sortArchives(entries: readonly ArchiveEntry[], keys: readonly ArchiveSortKey[]): ArchiveEntry[] {
  return [...entries].sort((a, b) => {
    for (const key of keys) {
      const order = compareBy(key, a, b)
      if (order !== 0) return order
    }
    return 0
  })
}

function compareBy(key: ArchiveSortKey, a: ArchiveEntry, b: ArchiveEntry): number {
  switch (key) {
    case 'timestamp':
      return a.time < b.time ? -1 : a.time > b.time ? 1 : 0
    case 'id':
      return compareBytes(a.id, b.id)
    case 'archive':
    case 'name':
      return compareBytes(encodeText(a.name), encodeText(b.name))
  }
}
