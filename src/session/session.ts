import type { Host } from '../base/host.ts'
import type { ObjectId } from '../base/ids.ts'
import type { ArchiveDirectory } from '../archive/archive-directory.ts'
import type { Cache } from '../cache/cache.ts'
import type { FilesCacheMode } from '../cache/files-cache.ts'
import type { KeyMaterial } from '../crypto/key-material.ts'
import type { NonceAllocator } from '../crypto/nonces.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { Repository, RepositoryReader } from '../repository/repository.ts'
import type { LanePool } from '../workers/lane-pool.ts'

/** A repository that was found, locked, unlocked and believed. Disposal releases all of it. */
export interface ReadSession extends AsyncDisposable {
  readonly repository: RepositoryReader
  readonly key: KeyMaterial
  readonly archives: ArchiveDirectory
  readonly objects: ObjectReader
  readonly lanes: LanePool
  readonly files: FileSystem
  readonly host: Host
}
/** Only `access: 'write'` gives one, so a verb that writes cannot be handed a reader. */
export interface WriteSession extends ReadSession {
  readonly repository: Repository
  readonly nonces: NonceAllocator
  openCache(mode: FilesCacheMode): Promise<Cache>
  /** Writes the manifest if archives changed, then commits the repository. Returns the manifest's id. */
  commit(): Promise<ObjectId>
}
