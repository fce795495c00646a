/**
 * The session itself: what the verbs are handed.
 */
import { type ArchiveDirectory, type ArchiveEntry, MapArchiveDirectory } from '../archive/archive-directory.ts'
import { encodeManifest, type Manifest } from '../archive/manifest.ts'
import { type Host, systemHost } from '../base/host.ts'
import type { RunOptions } from '../base/events.ts'
import { idKey, manifestId, type ObjectId } from '../base/ids.ts'
import { lockWaitSecondsDefault } from '../base/limits.ts'
import type { Cache } from '../cache/cache.ts'
import { openCache } from '../cache/open-cache.ts'
import { SecurityDirectory } from '../cache/security.ts'
import { type KeyMaterial, wipe } from '../crypto/key-material.ts'
import type { NonceAllocator } from '../crypto/nonces.ts'
import type { PassphraseSource } from '../crypto/passphrase.ts'
import { tamSaltSize } from '../crypto/tam.ts'
import { makeObjectReader, type ObjectReader } from '../objects/object-reader.ts'
import { putObject } from '../objects/object-writer.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { openNodeFileSystem } from '../platform/node-file-system.ts'
import type { Repository } from '../repository/repository.ts'
import { LocalStore } from '../store/local-store.ts'
import type { LanePool } from '../workers/lane-pool.ts'
import type { ConnectOptions } from './connect.ts'
import { type Directories, defaultDirectories } from './directories.ts'
import type { CacheOptions, ManifestChange, WriteSession } from './session.ts'
import type { Unlocked } from './unlock.ts'

export interface OpenOptions extends ConnectOptions {
  readonly passphrase?: PassphraseSource | undefined
  readonly directories?: Directories | undefined
  readonly files?: FileSystem | undefined
  /** Worker threads; 0 runs on the caller's thread, which is all there is yet. */
  readonly threads?: number | undefined
  /** How new chunks are compressed, 'zstd,3'. Default 'lz4'. */
  readonly compression?: string | undefined
  /** Of the files cache's name, for independent ones (BORG_FILES_CACHE_SUFFIX). */
  readonly filesCacheSuffix?: string | undefined
  /** Runs after which an unseen file is forgotten (BORG_FILES_CACHE_TTL). Default 20. */
  readonly filesCacheAgeMax?: number | undefined
  /** Keep what each archive refers to for later synchronisations. Default true. */
  readonly keepArchiveIndexes?: boolean | undefined
  /** borg's workaround `authenticated_no_key`: read such repositories without their key, unchecked. */
  readonly authenticatedNoKey?: boolean | undefined
  /** borg's workaround `ignore_invalid_archive_tam`. */
  readonly ignoreInvalidArchiveTam?: boolean | undefined
  /** Take a manifest without authentication even where one is required: who forged it is believed. For repairing that. */
  readonly tamOptional?: boolean | undefined
}

/** What all sessions over one repository have in common, key or not. */
export interface SessionContext {
  readonly location: string
  readonly host: Host
  readonly directories: Directories
  readonly security: SecurityDirectory
  readonly lockWaitSeconds: number | 'forever'
  readonly options: OpenOptions
}

export function sessionContext(
  repository: Pick<Repository, 'id'>,
  location: string,
  options: OpenOptions,
): SessionContext {
  const directories = options.directories ?? defaultDirectories()
  return {
    location,
    directories,
    host: options.host ?? systemHost,
    security: new SecurityDirectory(new LocalStore(`${directories.security}/${idKey(repository.id)}`)),
    lockWaitSeconds: options.lockWaitSeconds ?? lockWaitSecondsDefault,
    options,
  }
}

/** The repository's folder in the cache directory. */
export function cacheStore(context: SessionContext, id: ObjectId): LocalStore {
  return new LocalStore(`${context.directories.cache}/${idKey(id)}`)
}

export interface SessionParts {
  readonly repository: Repository
  readonly context: SessionContext
  readonly unlocked: Unlocked
  readonly lanes: LanePool
  readonly manifest: Manifest
  readonly nonces: NonceAllocator
}

export class RepositorySession implements WriteSession {
  readonly repository: Repository
  readonly location: string
  readonly logicallyEncrypted: boolean
  readonly keyFile: string | undefined
  readonly objects: ObjectReader
  readonly lanes: LanePool
  readonly files: FileSystem
  readonly host: Host
  readonly directories: Directories
  readonly nonces: NonceAllocator
  readonly ignoreInvalidArchiveTam: boolean
  readonly security: SecurityDirectory
  readonly #context: SessionContext
  #unlocked: Unlocked
  #manifest: Manifest
  /** What `#manifest` listed when it was read or last written. */
  #committed: readonly ArchiveEntry[]

  constructor({ repository, context, unlocked, lanes, manifest, nonces }: SessionParts) {
    this.repository = repository
    this.location = context.location
    this.logicallyEncrypted = unlocked.logicallyEncrypted
    this.#unlocked = unlocked
    this.keyFile = unlocked.stored?.file?.where
    this.lanes = lanes
    this.objects = makeObjectReader(repository, lanes)
    this.files = context.options.files ?? openNodeFileSystem()
    this.host = context.host
    this.directories = context.directories
    this.nonces = nonces
    this.ignoreInvalidArchiveTam = context.options.ignoreInvalidArchiveTam ?? false
    this.security = context.security
    this.#context = context
    this.#manifest = manifest
    this.#committed = manifest.archives.all()
  }

  get unlocked(): Unlocked {
    return this.#unlocked
  }

  get key(): KeyMaterial {
    return this.#unlocked.key
  }

  get manifest(): Manifest {
    return this.#manifest
  }

  get archives(): ArchiveDirectory {
    return this.#manifest.archives
  }

  async openCache(options: CacheOptions, run: RunOptions = {}): Promise<Cache> {
    const { security, lockWaitSeconds, options: opened } = this.#context
    return await openCache(
      cacheStore(this.#context, this.repository.id),
      this,
      {
        files: options.files,
        noSync: options.noSync,
        lockWaitSeconds,
        security,
        filesSuffix: opened.filesCacheSuffix,
        filesAgeMax: opened.filesCacheAgeMax,
        keepArchiveIndexes: opened.keepArchiveIndexes,
      },
      run,
    )
  }

  async commit(change?: ManifestChange): Promise<ObjectId> {
    const salt = this.host.randomBytes(tamSaltSize)
    const { key, next } = change === undefined ? { key: this.key, next: this.#manifest } : this.#changed(change)
    const { packed, manifest } = encodeManifest(next, key, this.host.now(), salt)
    await putObject({ repository: this.repository, lane: this.lanes.next(), nonces: this.nonces }, manifestId, packed)
    await this.repository.commit()
    this.#manifest = manifest
    this.#unlocked = { ...this.#unlocked, key }
    this.#committed = manifest.archives.all()
    if (manifest.id === undefined) throw new TypeError('a written manifest has an id')
    return manifest.id
  }

  /** Mode `none` has no key that could require anything. */
  #changed({ tamRequired }: ManifestChange): { readonly key: KeyMaterial; readonly next: Manifest } {
    const config = new Map([...this.#manifest.config, ['tam_required', tamRequired]])
    const key = { ...this.key, tamRequired: tamRequired && this.key.mode !== 'none' }
    return { key, next: { ...this.#manifest, config } }
  }

  async rollback(): Promise<void> {
    this.#manifest = { ...this.#manifest, archives: new MapArchiveDirectory(this.#committed) }
    await this.repository.rollback()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.lanes[Symbol.asyncDispose]()
    } finally {
      wipe(this.key)
      // Whatever else fails: the lock must not stay.
      await this.repository[Symbol.asyncDispose]()
    }
  }
}
