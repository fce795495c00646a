/**
 * An opened repository: found, locked, unlocked and believed.
 */
import type { ArchiveDirectory } from '../archive/archive-directory.ts'
import type { Manifest } from '../archive/manifest.ts'
import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import type { ObjectId } from '../base/ids.ts'
import type { Cache } from '../cache/cache.ts'
import type { FilesCacheMode } from '../cache/files-cache.ts'
import type { SecurityDirectory } from '../cache/security.ts'
import type { KeyMaterial } from '../crypto/key-material.ts'
import type { NonceAllocator } from '../crypto/nonces.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { Repository, RepositoryReader } from '../repository/repository.ts'
import type { LanePool } from '../workers/lane-pool.ts'
import type { Directories } from './directories.ts'
import type { Unlocked } from './unlock.ts'

export interface CacheOptions {
  readonly files: FilesCacheMode
  /** Do not synchronise a stale cache: count on what the repository lists. The files cache is then unused. */
  readonly noSync?: boolean | undefined
}

/** Disposal releases lock, key and lanes. */
export interface ReadSession extends AsyncDisposable {
  readonly repository: RepositoryReader
  /** As borg prints it: an absolute path, or the canonical URL. */
  readonly location: string
  readonly key: KeyMaterial
  /** Whether reading the repository takes more than having it. */
  readonly logicallyEncrypted: boolean
  /** Path of the key file, for the modes that have one. */
  readonly keyFile: string | undefined
  /** As last read or written. */
  readonly manifest: Manifest
  readonly archives: ArchiveDirectory
  readonly objects: ObjectReader
  readonly lanes: LanePool
  readonly files: FileSystem
  readonly host: Host
  readonly directories: Directories
  /** Where what this client knows of the repository is kept. */
  readonly security: SecurityDirectory
  /** Archives whose MAC is wrong are read as if they had none. */
  readonly ignoreInvalidArchiveTam: boolean
  /** Takes the cache's own lock; synchronises with the repository unless told not to. Dispose it. */
  openCache(options: CacheOptions, run?: RunOptions): Promise<Cache>
}

/** What a commit may change besides the archives. */
export interface ManifestChange {
  /** Whether manifests without authentication are refused, by this session's key and by whoever reads the manifest. */
  readonly tamRequired: boolean
}

/** Only `access: 'write'` gives one, so a verb that writes cannot be handed a reader. */
export interface WriteSession extends ReadSession {
  readonly repository: Repository
  readonly nonces: NonceAllocator
  /** The key, and how it is stored: for writing it again. */
  readonly unlocked: Unlocked
  /** Writes the manifest, then commits the repository. Returns the manifest's id, which caches remember. */
  commit(change?: ManifestChange): Promise<ObjectId>
  /** Forgets everything since the last commit, in the repository and in `archives`, which is another object then. */
  rollback(): Promise<void>
}
