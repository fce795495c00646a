/**
 * What a walk finds and says, and what it can be told.
 *
 * Source: cli/commands.md §2, cli/common.md §12, §13.
 */
import type { RunOptions, WarningCode } from '../base/events.ts'
import type { ItemPath } from '../base/ids.ts'
import type { Matcher } from '../patterns/matcher.ts'
import type { FileSystem, NativePath, Stat } from '../platform/file-system.ts'
import type { OpenedEntry } from './entry.ts'
import type { FinishedRoots, InodeSet } from './finished-roots.ts'

/** Something found that belongs into the archive. */
export interface SourceEntry {
  /** As archived: leading '/' and '../' and a slashdot prefix removed. */
  readonly path: ItemPath
  /** As walked and shown: what borg prints in lists and warnings. */
  readonly walkedPath: string
  /** For calls on what has no open file (symlinks, devices). Valid until the walk goes on. */
  readonly nativePath: NativePath
  /** As error texts show it: the bare name, for roots the walked path. */
  readonly fileName: string
  readonly stat: Stat
  /**
   * Undefined for what cannot or must not be opened (symlinks, devices). May be called until the walk goes on; the file
   * itself lives until it is closed. A folder's is borrowed from the walk. @throws FileProblem
   */
  readonly open?: () => OpenedEntry
  /** --read-special: archive the content of this device, FIFO or symlink target as a regular file. */
  readonly readSpecial: boolean
  /** For folders that could not be stored: status 'E' instead of 'd' after the children, which are walked all the same. */
  readonly markFailed: () => void
}

/** In order: what to archive, and what to say. Only the consumer reports, so that news keeps the order of items. */
export type WalkStep =
  | { readonly step: 'entry'; readonly entry: SourceEntry }
  /** 'd' comes after a directory's children, 'x' for the excluded, 'E' after a warning. In a dry run show 'd' as '-'. */
  | { readonly step: 'status'; readonly status: 'x' | 'd' | 'E'; readonly path: string }
  | { readonly step: 'warning'; readonly code: WarningCode; readonly args: readonly string[] }

export interface WalkOptions {
  /** As given; '-' is not a path here (stdin is the operation's affair). */
  readonly roots: Iterable<string>
  /** Do not descend: --paths-from-stdin. Patterns are then ignored. */
  readonly exactPaths?: boolean | undefined
  readonly matcher: Matcher
  readonly oneFileSystem?: boolean | undefined
  readonly excludeCaches?: boolean | undefined
  readonly excludeIfPresent?: readonly string[] | undefined
  readonly keepExcludeTags?: boolean | undefined
  readonly excludeNodump?: boolean | undefined
  readonly readSpecial?: boolean | undefined
  /** Yields sockets and unknown types as entries too: a dry run lists them. */
  readonly dryRun?: boolean | undefined
  /** Device and inode of folders never to enter: the repository itself, the cache. */
  readonly skip?: readonly { readonly device: bigint; readonly inode: bigint }[] | undefined
  /** Pass one and the same to several walks for one archive (roots before and after '-'): finished roots are not entered again. */
  readonly finished?: FinishedRoots | undefined
}

/** What all parts of one walk share. */
export interface WalkContext {
  readonly files: FileSystem
  readonly options: WalkOptions
  readonly finished: FinishedRoots
  readonly skip: InodeSet
  readonly run: RunOptions
}
