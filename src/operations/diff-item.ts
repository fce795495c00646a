/**
 * How one archived thing differs from another of the same path: presence and attributes.
 * Source: CLI contract commands.md section 6.
 */
import { classify, type Item, itemSize } from '../archive/item.ts'
import type { Nanoseconds } from '../base/ids.ts'

/** What may appear or vanish and has no content to measure. */
export type DiffKind = 'directory' | 'link' | 'blkdev' | 'chrdev' | 'fifo'

/** In the order borg prints them: presence, content or target; owner; mode; ctime; mtime. */
export type DiffChange =
  /** Bytes of chunks that only one side has; undefined where chunks cannot be compared. */
  | { readonly change: 'content'; readonly bytes: { readonly added: number; readonly removed: number } | undefined }
  | { readonly change: 'added' | 'removed'; readonly what: 'file'; readonly size: number }
  | { readonly change: 'added' | 'removed'; readonly what: DiffKind }
  | { readonly change: 'link' }
  | { readonly change: 'owner'; readonly before: Owner; readonly after: Owner }
  | { readonly change: 'mode'; readonly before: number; readonly after: number }
  | { readonly change: 'ctime' | 'mtime'; readonly before: Nanoseconds; readonly after: Nanoseconds }

/** Names, where the archive has them. */
export interface Owner {
  readonly user: string | undefined
  readonly group: string | undefined
}

/** For a path that only one side has. */
export function presence(before: Item | undefined, after: Item | undefined): readonly DiffChange[] {
  const change = before === undefined ? 'added' : 'removed'
  const item = before ?? after
  if (item === undefined) return []
  const what = kindOf(item)
  // A later name whose first name was left out: how much it holds is not known.
  if (what === 'file' && item.chunks === undefined) return []
  return [what === 'file' ? { change, what, size: itemSize(item) } : { change, what }]
}

/** Owner, mode and times. They may be unequal without a change to show: a time that only one side has. */
export function attributeChanges(
  before: Item,
  after: Item,
): { readonly equal: boolean; readonly changes: readonly DiffChange[] } {
  const changes: DiffChange[] = []
  const [oldOwner, newOwner] = [ownerOf(before), ownerOf(after)]
  if (oldOwner.user !== newOwner.user || oldOwner.group !== newOwner.group) {
    changes.push({ change: 'owner', before: oldOwner, after: newOwner })
  }
  if (before.mode !== after.mode) changes.push({ change: 'mode', before: before.mode, after: after.mode })
  let equal = true
  const time = (change: 'ctime' | 'mtime', old: Nanoseconds | undefined, now: Nanoseconds | undefined): void => {
    if (old === now) return
    equal = false
    if (old !== undefined && now !== undefined) changes.push({ change, before: old, after: now })
  }
  time('ctime', before.changed, after.changed)
  time('mtime', before.modified, after.modified)
  return { equal: equal && changes.length === 0, changes }
}

/** By type alone: a later name of a file is a file. */
export function kindOf(item: Item): 'file' | DiffKind {
  const shape = classify({ ...item, source: undefined })
  switch (shape.kind) {
    case 'directory':
    case 'fifo':
      return shape.kind
    case 'symlink':
      return 'link'
    case 'device':
      return shape.type === 'block' ? 'blkdev' : 'chrdev'
    default:
      return 'file'
  }
}

function ownerOf({ user, group }: Item): Owner {
  return { user: user ?? undefined, group: group ?? undefined }
}
