/**
 * Differences in another order than they were found.
 */
import { type Item, itemSize } from '../archive/item.ts'
import { compareCodePoints } from '../base/text.ts'
import type { PathDifference } from './diff.ts'

export type DiffSortField =
  | 'path'
  | 'size_added'
  | 'size_removed'
  | 'size_diff'
  | 'size'
  | 'user'
  | 'group'
  | 'uid'
  | 'gid'
  | 'ctime'
  | 'mtime'
  | 'ctime_diff'
  | 'mtime_diff'

export interface DiffSortKey {
  readonly field: DiffSortField
  readonly descending: boolean
}

/**
 * The first key decides, the next ones among equals; what is equal in all keeps its order. Values are those of the second
 * archive; of what it no longer has, size is 0, and the others are those of the first.
 */
export function sortDifferences(
  differences: readonly PathDifference[],
  keys: readonly DiffSortKey[],
): readonly PathDifference[] {
  const sortable = differences.map((difference) => ({
    difference,
    values: keys.map(({ field }) => sortValue(difference, field)),
  }))
  sortable.sort((a, b) => {
    for (const [i, { descending }] of keys.entries()) {
      const order = compare(a.values[i] ?? 0, b.values[i] ?? 0)
      if (order !== 0) return descending ? -order : order
    }
    return 0
  })
  return sortable.map(({ difference }) => difference)
}

type Value = number | bigint | string

function sortValue(difference: PathDifference, field: DiffSortField): Value {
  const { path, before, after } = difference
  const item = after ?? before
  switch (field) {
    case 'path':
      return path
    case 'size_added':
      return sizesOf(difference).added
    case 'size_removed':
      return sizesOf(difference).removed
    case 'size_diff':
      return sizesOf(difference).added - sizesOf(difference).removed
    case 'size':
      return after === undefined ? 0 : itemSize(after)
    case 'user':
    case 'group':
      return item?.[field] ?? ''
    case 'uid':
    case 'gid':
      return item?.[field] ?? -1
    case 'ctime':
      return item?.changed ?? 0n
    case 'mtime':
      return item?.modified ?? 0n
    case 'ctime_diff':
      return between(before, after, (one) => one.changed)
    case 'mtime_diff':
      return between(before, after, (one) => one.modified)
  }
}

function sizesOf({ changes }: PathDifference): { readonly added: number; readonly removed: number } {
  for (const change of changes) {
    if (change.change === 'content') return change.bytes ?? { added: 0, removed: 0 }
    if (change.change === 'added' && change.what === 'file') return { added: change.size, removed: 0 }
    if (change.change === 'removed' && change.what === 'file') return { added: 0, removed: change.size }
  }
  return { added: 0, removed: 0 }
}

function between(before: Item | undefined, after: Item | undefined, time: (item: Item) => bigint | undefined): bigint {
  const [from, to] = [before && time(before), after && time(after)]
  return from === undefined || to === undefined ? 0n : to - from
}

function compare(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return compareCodePoints(a, b)
  return a === b ? 0 : a < b ? -1 : 1
}
