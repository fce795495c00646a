/**
 * Files that are being appended and are not in their place yet, as a listing shows them. For Stores whose files appear
 * when they are sealed.
 */
import { type StorePath, storePath } from '../base/ids.ts'
import type { StoreEntry } from './store.ts'

/** The children of `folder` that there are because of `open`: such files, and folders that hold some. */
export function* openChildren(
  folder: StorePath,
  open: Iterable<readonly [StorePath, { readonly size: number }]>,
): Generator<StoreEntry> {
  const start = folder === '' ? '' : `${folder}/`
  for (const [path, { size }] of open) {
    if (!path.startsWith(start)) continue
    const [name = '', deeper] = path.slice(start.length).split('/')
    const child = storePath(start + name)
    yield deeper === undefined ? { path: child, kind: 'file', size } : { path: child, kind: 'folder', size: 0 }
  }
}
