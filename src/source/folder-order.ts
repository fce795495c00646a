/**
 * The order in which a folder's entries are visited: by inode number, which on most disks is the order of the data.
 */
import type { FolderEntry } from '../platform/file-system.ts'

/**
 * Names by ascending inode; equal ones keep the folder's order. `ask` is called for entries whose folder does not tell
 * the inode; when it cannot tell either (undefined, or throws), the entry comes first.
 */
export function inodeOrder(
  entries: readonly FolderEntry[],
  ask: (name: Uint8Array) => bigint | undefined,
): readonly Uint8Array[] {
  const numbered = entries.map(({ name, inode }) => ({ name, inode: inode ?? askedInode(name, ask) }))
  numbered.sort((a, b) => (a.inode < b.inode ? -1 : a.inode > b.inode ? 1 : 0))
  return numbered.map(({ name }) => name)
}

function askedInode(name: Uint8Array, ask: (name: Uint8Array) => bigint | undefined): bigint {
  try {
    return ask(name) ?? 0n
  } catch {
    return 0n
  }
}
