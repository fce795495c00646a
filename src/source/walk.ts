/**
 * From roots and patterns to the things to archive, in borg's order.
 */
import type { WarningCode } from '../base/events.ts'
import type { ItemPath } from '../base/ids.ts'
import type { RunOptions } from '../base/events.ts'
import type { Matcher } from '../patterns/matcher.ts'
import type { FileSystem, NativePath, OpenFile, Stat } from '../platform/file-system.ts'

/** Something found that belongs into the archive. */
export interface SourceEntry {
  /** As archived: leading '/' and '../' and a slashdot prefix removed. */
  readonly path: ItemPath
  /** As walked and shown: what borg prints in lists and warnings. */
  readonly walkedPath: string
  readonly nativePath: NativePath
  readonly stat: Stat
  /** Undefined for what cannot or must not be opened (symlinks, devices). @throws system errors */
  readonly open?: () => OpenFile
  /** --read-special: archive the content of this device, FIFO or symlink target as a regular file. */
  readonly readSpecial: boolean
}

/** In order: what to archive, and what to say. Only the consumer reports, so that news keeps the order of items. */
export type WalkStep =
  | { readonly step: 'entry'; readonly entry: SourceEntry }
  /** 'd' comes after a directory's children, 'x' for the excluded, 'E' after a warning. */
  | { readonly step: 'status'; readonly status: 'x' | 'd' | 'E'; readonly path: string }
  | { readonly step: 'warning'; readonly code: WarningCode; readonly args: readonly string[] }

export interface WalkOptions {
  /** As given; '-' is not a path here (stdin is the operation's affair). */
  readonly roots: readonly string[]
  /** Do not descend: --paths-from-stdin. Patterns are then ignored. */
  readonly exactPaths?: boolean
  readonly matcher: Matcher
  readonly oneFileSystem?: boolean
  readonly excludeCaches?: boolean
  readonly excludeIfPresent?: readonly string[]
  readonly keepExcludeTags?: boolean
  readonly excludeNodump?: boolean
  readonly readSpecial?: boolean
  /** Device and inode of folders never to enter: the repository itself, the cache. */
  readonly skip?: readonly { readonly device: bigint; readonly inode: bigint }[]
}
/** Depth first, names in inode order as borg. Unreadable things become warnings, never exceptions. */
export declare function walk(files: FileSystem, options: WalkOptions, run: RunOptions): Iterable<WalkStep>
