/**
 * What a walk must not enter (again).
 */
import type { Stat } from '../platform/file-system.ts'

interface InodeName {
  readonly device: bigint
  readonly inode: bigint
}

/** Files by device and inode. */
export class InodeSet {
  readonly #devices = new Map<bigint, Set<bigint>>()

  constructor(members: readonly InodeName[] = []) {
    for (const member of members) this.add(member)
  }

  add({ device, inode }: InodeName): void {
    const devices = this.#devices.get(inode)
    if (devices === undefined) this.#devices.set(inode, new Set([device]))
    else devices.add(device)
  }

  has({ device, inode }: InodeName): boolean {
    return this.#devices.get(inode)?.has(device) ?? false
  }
}

/**
 * Roots walked to their end: the same root given twice is stored once.
 *
 * borg goes by inode alone and thereby loses the second name of a hard-linked file when the first was a root of its own
 * (seen with 1.2.4: `create REPO::A f g`, g linked to f, stores only f). Here such a name is skipped only when its path is
 * the same, too.
 */
export class FinishedRoots {
  readonly #inodes = new InodeSet()
  readonly #linkedPaths = new Set<string>()

  add(walkedPath: string, stat: Stat): void {
    if (hasOtherNames(stat)) this.#linkedPaths.add(linkedKey(walkedPath, stat))
    else this.#inodes.add(stat)
  }

  has(walkedPath: string, stat: Stat): boolean {
    return hasOtherNames(stat) ? this.#linkedPaths.has(linkedKey(walkedPath, stat)) : this.#inodes.has(stat)
  }
}

function hasOtherNames(stat: Stat): boolean {
  return stat.kind !== 'directory' && stat.links > 1
}

function linkedKey(walkedPath: string, stat: Stat): string {
  return `${stat.device}:${stat.inode}:${walkedPath}`
}
