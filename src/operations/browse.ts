/**
 * A repository or an archive as a tree to browse: what mounts and servers show.
 */
import type { Item } from '../archive/item.ts'
import type { ArchiveSelection } from '../archive/select.ts'
import { archiveTree, type ReadOnlyTree, repositoryTree, type TreeOptions, versionsTree } from '../archive/tree.ts'
import { BorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import type { Pattern } from '../patterns/pattern.ts'
import type { ReadSession } from '../session/session.ts'
import { stripComponents } from '../target/safe-path.ts'
import { itemMatcher, listArchives } from './list.ts'
import { findArchive, openArchive } from './open-archive.ts'

export interface BrowseOptions {
  /** One archive, its content at the root. Otherwise the repository: a folder for each archive. */
  readonly archive?: string | undefined
  /** Which archives of the repository; checkpoints are hidden unless it says otherwise. */
  readonly selection?: ArchiveSelection | undefined
  /** All archives merged: each file is a folder of its versions. For the repository only. */
  readonly versions?: boolean | undefined
  /** Rules, then PATH arguments as include rules. */
  readonly patterns?: readonly Pattern[] | undefined
  readonly stripComponents?: number | undefined
  readonly considerPartFiles?: boolean | undefined
  /** Owners by the numbers of the archive instead of this machine's numbers for their names. */
  readonly numericIds?: boolean | undefined
  /** Everything belongs to this user, and group. */
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** Permission bits to take away. */
  readonly umask?: number | undefined
}

/**
 * One archive and the versions view are read now, archives of a repository when looked into. The tree lives as long as
 * the session.
 * @throws BorgError 'Archive.DoesNotExist', 'Error' for versions of one archive, and what reading archives throws
 */
export async function browseArchives(
  session: ReadSession,
  options: BrowseOptions = {},
  run: RunOptions = {},
): Promise<ReadOnlyTree> {
  const source = {
    readObject: session.objects.read,
    openArchive: (entry: Parameters<typeof openArchive>[1]) => openArchive(session, entry),
  }
  const shown = treeOptions(session, options, run)
  if (options.archive === undefined) {
    const entries = listArchives(session, options.selection)
    return options.versions === true
      ? await versionsTree(source, entries, shown)
      : repositoryTree(source, entries, shown)
  }
  if (options.versions === true) {
    throw new BorgError('Error', [
      'for versions view, do not specify a single archive, but always give the repository as location.',
    ])
  }
  return await archiveTree(source, findArchive(session, options.archive), shown)
}

function treeOptions(session: ReadSession, options: BrowseOptions, run: RunOptions): TreeOptions {
  const { umask = 0, stripComponents: stripped = 0, considerPartFiles = false } = options
  const matches = itemMatcher(options.patterns ?? [])
  const uid = options.uid ?? process.getuid?.() ?? 0
  const gid = options.gid ?? process.getgid?.() ?? 0
  return {
    select(item) {
      run.signal?.throwIfAborted()
      return matches(item.path) && (item.part === undefined || considerPartFiles)
    },
    shorten: (path) => stripComponents(path, stripped),
    owner: ownerOf(session, options, { uid, gid }),
    folder: { mode: 0o40755 & ~umask, uid, gid, modified: session.host.now() },
    umask,
    onProblem: (line) => reportLog(run, 'warning', line),
  }
}

/** By name where this machine knows it, else by number; who has neither belongs to whoever looks. */
function ownerOf(
  { files }: ReadSession,
  options: BrowseOptions,
  fallback: { readonly uid: number; readonly gid: number },
): (item: Item) => { readonly uid: number; readonly gid: number } {
  const named = options.numericIds !== true
  const number = (id: number | undefined, otherwise: number): number => (id === undefined || id < 0 ? otherwise : id)
  return ({ user, group, uid, gid }) => ({
    uid: options.uid ?? number((named && user ? files.userId(user) : undefined) ?? uid, fallback.uid),
    gid: options.gid ?? number((named && group ? files.groupId(group) : undefined) ?? gid, fallback.gid),
  })
}
