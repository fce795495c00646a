import type { ObjectId } from '../base/ids.ts'
import type { Stat } from '../platform/file-system.ts'

export type FilesCacheMode =
  | 'ctime,size,inode'
  | 'mtime,size,inode'
  | 'ctime,size'
  | 'mtime,size'
  | 'rechunk,ctime'
  | 'rechunk,mtime'
  | 'size'
  | 'disabled'
export type Remembered =
  | { known: false }
  | { known: true; unchanged: false }
  | { known: true; unchanged: true; chunks: readonly ObjectId[] }
export interface FilesCache {
  /** @param pathHash id hash of the absolute path: the cache holds no names. */
  lookup(pathHash: ObjectId, stat: Stat): Remembered
  remember(pathHash: ObjectId, stat: Stat, chunks: readonly ObjectId[]): void
}
