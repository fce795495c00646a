import type { RunOptions } from '../base/events.ts'
import type { ObjectId } from '../base/ids.ts'
import type { ArchiveDirectory } from '../archive/archive-directory.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import type { Store } from '../store/store.ts'
import type { ChunkCache } from './chunk-cache.ts'
import type { FilesCache, FilesCacheMode } from './files-cache.ts'

/** Forgotten unless committed, and committed only after the repository is. */
export interface Cache extends AsyncDisposable {
  readonly chunks: ChunkCache
  readonly files: FilesCache
  commit(manifest: ObjectId): Promise<void>
}
/** Takes its directory as a Store, so crash tests cover it too. Synchronises with the repository if stale. */
export declare function openCache(
  directory: Store,
  repository: { objects: ObjectReader; archives: ArchiveDirectory; manifest: ObjectId },
  mode: FilesCacheMode,
  run: RunOptions,
): Promise<Cache>
