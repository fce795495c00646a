import type { Item } from '../archive/item.ts'
import type { FileSystem } from '../platform/file-system.ts'

export interface ExtractTarget {
  readonly files: FileSystem
  readonly root: string
  readonly sparse: boolean
  readonly numericIds: boolean
}
/** Never writes outside `root`. Directories' times are set later, by the caller, deepest first. */
export declare function extractItem(
  target: ExtractTarget,
  item: Item,
  content: AsyncIterable<Uint8Array>,
): Promise<void>
