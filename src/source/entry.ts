/**
 * Opening what was found, and being sure that it is still the same thing.
 *
 * Between looking (lstat) and opening anyone may put something else in place; a backup run by root must not be lured
 * into reading it. Source: cli/commands.md §2, `file type or inode changed while we backed it up`.
 */
import { during, FileProblem } from '../base/errno.ts'
import type { FileSystem, NativePath, OpenFile, OpenOptions, Stat } from '../platform/file-system.ts'

/** An opened entry and what it was at opening; newer than what the walk saw. */
export interface OpenedEntry extends OpenFile {
  readonly found: Stat
  /** The file system's own open file, for calls that take one. */
  readonly file: OpenFile
}

export interface OpenWhat {
  readonly nativePath: NativePath
  /** The bare name, for error texts. */
  readonly fileName: string
  readonly expected: Stat
  /** Borg's word: 'open' or 'dir_open'. */
  readonly operation: string
  readonly options?: OpenOptions
}

/** @throws FileProblem for system errors, and when inode or type are not what was expected. */
export function openEntry(files: FileSystem, what: OpenWhat): OpenedEntry {
  const file = during(what.operation, what.fileName, () => files.openForBackup(what.nativePath, what.options))
  try {
    const found = during('fstat', what.fileName, () => file.stat())
    requireSame(what.expected, found)
    return openedEntry(file, found, () => file.close())
  } catch (error) {
    file.close()
    throw error
  }
}

/** The same open file for someone who must not close it: `close` does nothing. */
export function borrowedEntry(entry: OpenedEntry): OpenedEntry {
  return openedEntry(entry.file, entry.found, () => undefined)
}

/** @throws FileProblem 'BackupRaceConditionError' */
export function requireSame(expected: Stat, found: Stat): void {
  if (expected.inode !== found.inode || expected.kind !== found.kind) throw new FileProblem('BackupRaceConditionError')
}

/** Which time tells that a file changed while it was read: --files-changed. */
export type ChangeDetection = 'ctime' | 'mtime' | 'disabled'

/** Whether a file read between `before` and `after` is to be reported as changed. */
export function changedWhileRead(before: Stat, after: Stat, detection: ChangeDetection): boolean {
  switch (detection) {
    case 'ctime':
      return before.changed !== after.changed
    case 'mtime':
      return before.modified !== after.modified
    case 'disabled':
      return false
  }
}

function openedEntry(file: OpenFile, found: Stat, close: () => void): OpenedEntry {
  return {
    descriptor: file.descriptor,
    found,
    file,
    stat: () => file.stat(),
    read: (into) => file.read(into),
    readAt: (into, position) => file.readAt(into, position),
    layout: () => file.layout(),
    close,
    [Symbol.dispose]: close,
  }
}
