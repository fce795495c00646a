/**
 * Archives as a file system (FUSE).
 */
import type { RunOptions } from '../base/events.ts'
import { type MountedFolder, mountTree } from '../fuse/mount.ts'
import type { ReadSession } from '../session/session.ts'
import { type BrowseOptions, browseArchives } from './browse.ts'

export interface MountOptions extends BrowseOptions {
  /** Let files be read of which a repair replaced parts by zeros; otherwise opening them fails with EIO. */
  readonly allowDamagedFiles?: boolean | undefined
  /** The kernel does not check permissions; for whom `mountOptions` let in, everything is readable. */
  readonly ignorePermissions?: boolean | undefined
  /** As after `-o` of mount(8): 'allow_other', 'fsname=x' ... */
  readonly mountOptions?: readonly string[] | undefined
}

/**
 * Resolves when the kernel shows it. The session must live until `done`. This process must not touch what it has mounted
 * with synchronous calls: it would wait for itself.
 * @throws BorgError 'RTError' when it cannot be mounted, and what `browseArchives` throws
 */
export async function mountArchives(
  session: ReadSession,
  mountPoint: string,
  options: MountOptions = {},
  run: RunOptions = {},
): Promise<MountedFolder> {
  const tree = await browseArchives(session, options, run)
  const { allowDamagedFiles, ignorePermissions = false, mountOptions = [] } = options
  const words = [...(ignorePermissions ? [] : ['default_permissions']), ...mountOptions]
  return await mountTree(tree, mountPoint, { allowDamagedFiles, words }, run)
}
