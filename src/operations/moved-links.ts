/**
 * Names of one file when the first of them is left out: the first that stays takes its content and its place.
 *
 * Source: format/objects.md §6 "Hardlinks"; experiments with borg 1.4.0.
 */
import { fileTypeMask, fileTypes, type Item, mayBeSource } from '../archive/item.ts'
import type { ItemPath } from '../base/ids.ts'

/** One per archive; told of every item, in order. */
export class MovedLinks {
  readonly #leftOut = new Map<string, Item>()
  /** Path of a first name that was left out -> path of the one in its place. */
  readonly #moved = new Map<string, ItemPath>()

  passOver(item: Item): void {
    if (mayBeSource(item)) this.#leftOut.set(item.path, item)
  }

  /** The item as it is to be archived. */
  resolve(item: Item): Item {
    const first =
      item.source === undefined || (item.mode & fileTypeMask) === fileTypes.symlink
        ? undefined
        : this.#leftOut.get(item.source)
    if (first === undefined) return item
    const moved = this.#moved.get(first.path)
    if (moved !== undefined) return { ...item, source: moved }
    this.#moved.set(first.path, item.path)
    const { source: _, ...own } = item
    return {
      ...own,
      ...(first.chunks !== undefined && { chunks: first.chunks }),
      ...(first.rawDevice !== undefined && { rawDevice: first.rawDevice }),
      ...(first.chunksHealthy !== undefined && { chunksHealthy: first.chunksHealthy }),
    }
  }
}
