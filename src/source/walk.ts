/**
 * From roots and patterns to the things to archive, in borg's order.
 *
 * Iterative, with the folders on the way held open (platform/folder-chain.ts): depth is bounded by memory only, and a
 * folder swapped for a symlink cannot lead the walk out of the tree.
 * Source: cli/commands.md §2 (path rules, list letters, order traps), cli/common.md §12, §13.
 */
import type { RunOptions } from '../base/events.ts'
import { encodeText } from '../base/text.ts'
import { during } from '../base/errno.ts'
import type { FileSystem, Stat } from '../platform/file-system.ts'
import { FinishedRoots, InodeSet } from './finished-roots.ts'
import { parseRoot, type RootPath } from './safe-path.ts'
import { problemSteps, TreeWalk } from './tree-walk.ts'
import type { WalkContext, WalkOptions, WalkStep } from './walk-step.ts'

/**
 * Depth first, names in inode order as borg. Unreadable things become warnings, never exceptions.
 * Synchronous: the caller gives the event loop its turns. Stop early with `return()` (a `for ... of` does).
 */
export function* walk(files: FileSystem, options: WalkOptions, run: RunOptions): Generator<WalkStep, void, undefined> {
  const finished = options.finished ?? new FinishedRoots()
  const skip = new InodeSet(options.skip ?? [])
  for (const root of options.roots) {
    run.signal?.throwIfAborted()
    const parsed = parseRoot(root)
    if (options.exactPaths) yield* walkExact({ files, options, finished, skip, run }, parsed)
    else yield* walkRoot({ files, options, finished, skip, run }, parsed)
  }
}

function* walkRoot(context: WalkContext, root: RootPath): Generator<WalkStep, void, undefined> {
  const nativePath = encodeText(root.walkedPath)
  let stat: Stat
  try {
    stat = during('stat', root.walkedPath, () => context.files.lstat(nativePath))
  } catch (error) {
    // A root that cannot be had gets its warning only, no 'E'.
    yield problemSteps(root.walkedPath, error)[0]
    return
  }
  const tree = new TreeWalk(context, {
    strippedPrefix: root.strippedPrefix,
    device: context.options.oneFileSystem ? stat.device : undefined,
  })
  yield* tree.walk({ walkedPath: root.walkedPath, nativePath, fileName: root.walkedPath })
  context.finished.add(root.walkedPath, stat)
}

function* walkExact(context: WalkContext, root: RootPath): Generator<WalkStep, void, undefined> {
  const { walkedPath } = root
  const nativePath = encodeText(walkedPath)
  const tree = new TreeWalk(context, { strippedPrefix: root.strippedPrefix, device: undefined })
  try {
    const stat = during('stat', walkedPath, () => context.files.lstat(nativePath))
    yield* tree.storeOnly({ walkedPath, nativePath, fileName: walkedPath }, stat)
  } catch (error) {
    yield* problemSteps(walkedPath, error)
  }
}
