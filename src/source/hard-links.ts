/**
 * First names of files with several: what makes a later one a hard link.
 *
 * Source: format/objects.md §6 "Hardlinks": by device and inode, within one archive, regular files, FIFOs and devices.
 */
import type { ItemPath } from '../base/ids.ts'
import type { Stat } from '../platform/file-system.ts'

/** One per archive being created. */
export class HardLinkNames {
  readonly #first = new Map<string, ItemPath>()

  /** Whether the file can have other names that matter: only then is it worth remembering. */
  static applies(stat: Stat): boolean {
    return stat.links > 1 && stat.kind !== 'directory' && stat.kind !== 'symlink' && stat.kind !== 'socket'
  }

  /** The archived path of the first name, or undefined when this is the first. */
  find(stat: Stat): ItemPath | undefined {
    return HardLinkNames.applies(stat) ? this.#first.get(key(stat)) : undefined
  }

  /** Call when the item was stored, not before: a name whose file failed must not become anyone's source. */
  remember(stat: Stat, path: ItemPath): void {
    if (HardLinkNames.applies(stat)) this.#first.set(key(stat), path)
  }
}

function key(stat: Stat): string {
  return `${stat.device}:${stat.inode}`
}
