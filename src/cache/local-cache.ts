/**
 * The cache in borg's own directory, so that both programs may take turns without synchronising.
 * Source: format sheet cache.md §3; contract sheet common.md §14.
 */
import { toHex } from '../base/bytes.ts'
import { isIntegrityError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import type { ObjectId, StorePath } from '../base/ids.ts'
import { MessageProgress } from '../base/progress.ts'
import { encodeText } from '../base/text.ts'
import { type Manifest, mandatoryFeatures, requireFeatures } from '../archive/manifest.ts'
import { modes } from '../crypto/modes.ts'
import type { HashIndex } from '../format/hash-index.ts'
import type { Lock } from '../repository/lock.ts'
import type { Store } from '../store/store.ts'
import { type Cache, type CacheSource, type OpenCacheOptions, repositoryFacts } from './cache.ts'
import type { CacheConfig } from './cache-config.ts'
import {
  cacheLogger,
  createCacheFiles,
  endSnapshot,
  filesPath,
  isUnusable,
  loadChunks,
  loadConfig,
  preTwelvePath,
  readFilesCache,
  readIfThere,
  rollBack,
  saveChunks,
  saveConfig,
  saveFilesCache,
  takeSnapshot,
  wipe,
} from './cache-files.ts'
import {
  type CacheStatistics,
  cacheStatistics,
  formatKnownTotals,
  type KnownTotals,
  measureArchives,
  parseKnownTotals,
} from './cache-statistics.ts'
import { type ChunkCache, IndexChunkCache } from './chunk-cache.ts'
import { type FilesCache, noFilesCache, PackedFilesCache } from './files-cache.ts'
import { assertSecure } from './security.ts'
import { synchronise } from './sync.ts'

/** `lock` is the exclusive one on `directory`; the cache releases it. */
interface Parts {
  readonly directory: Store
  readonly source: CacheSource
  readonly options: OpenCacheOptions
  readonly run: RunOptions
  readonly lock: Lock
}

/** What was in the directory, after repairs. */
interface Loaded {
  readonly config: CacheConfig
  readonly index: HashIndex
  readonly packedFiles: PackedFilesCache | undefined
  /** Content of pre12-meta. */
  readonly totals: string
}

export class LocalCache implements Cache {
  readonly kind = 'local'
  readonly #parts: Parts
  readonly #config: CacheConfig
  readonly #filesPath: StorePath
  readonly #packedFiles: PackedFilesCache | undefined
  readonly #knownTotals: KnownTotals
  readonly #knownTotalsText: string
  #chunks: IndexChunkCache
  /** A commit failed half-way: its snapshot is still there. */
  #snapshotOpen = false

  /** May be stale: `fresh` tells. */
  static async open(parts: Parts): Promise<LocalCache> {
    const { directory, source, options, run } = parts
    await rollBack(directory)
    const config = (await loadConfig(directory)) ?? (await createCacheFiles(directory, source.repository.id))
    if (config.manifestId !== '' && !config.integrityKnown) {
      const message = 'Cache integrity data not available: old Borg version modified the cache.'
      reportLog(run, 'warning', message, cacheLogger)
      config.dropIntegrity()
    }
    const found = await usableChunks(directory, config, run)
    const packedFiles = await openFiles(parts, config)
    const totals = new TextDecoder().decode(await readIfThere(directory, preTwelvePath))
    if (await assertSecure(options.security, repositoryFacts(source), config, run)) await saveConfig(directory, config)
    config.setLocation(source.location)
    const index = await fitFeatures(directory, config, source.manifest, found, run)
    return new LocalCache(parts, { config, index, packedFiles, totals })
  }

  private constructor(parts: Parts, loaded: Loaded) {
    this.#parts = parts
    this.#config = loaded.config
    this.#chunks = new IndexChunkCache(loaded.index)
    this.#packedFiles = loaded.packedFiles
    this.#filesPath = filesPath(parts.options.filesSuffix)
    this.#knownTotalsText = loaded.totals
    this.#knownTotals = parseKnownTotals(loaded.totals)
  }

  get path(): string {
    return this.#parts.directory.name
  }

  /** Another object after `synchronise`. */
  get chunks(): ChunkCache {
    return this.#chunks
  }

  get files(): FilesCache {
    return this.#packedFiles ?? noFilesCache
  }

  /** Whether it knows the repository as it is. */
  get fresh(): boolean {
    const { id } = this.#parts.source.manifest
    return id !== undefined && this.#config.manifestId === toHex(id)
  }

  async synchronise(): Promise<void> {
    const { directory, source, options, run } = this.#parts
    requireFeatures(source.manifest, ['read'])
    const objects = await source.repository.count()
    const sync = { keepArchiveIndexes: options.keepArchiveIndexes ?? true, objects }
    this.#chunks = new IndexChunkCache(await synchronise(directory, source, source.archives.all(), sync, run))
    const { id } = source.manifest
    if (id !== undefined) await this.commit(id)
  }

  async commit(manifest: ObjectId): Promise<void> {
    const { directory, source, options, run } = this.#parts
    await options.security.save(repositoryFacts(source))
    if (this.#snapshotOpen) await rollBack(directory)
    this.#snapshotOpen = true
    await takeSnapshot(directory, run)
    await this.#save(manifest)
    // The new files are complete, so the old ones may go: in this order, or a crash would bring nothing back.
    await endSnapshot(directory)
    this.#snapshotOpen = false
  }

  async statistics(run: RunOptions = this.#parts.run): Promise<CacheStatistics> {
    const { source } = this.#parts
    const archives = await measureArchives(source, source.archives.all(), this.#knownTotals, run.signal)
    return cacheStatistics(archives, this.#chunks.sums())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { directory, lock, run } = this.#parts
    if (!lock.held) return
    try {
      const totals = formatKnownTotals(this.#knownTotals)
      if (totals !== this.#knownTotalsText)
        await directory.write(preTwelvePath, encodeText(totals), { transient: true })
    } catch (error) {
      // Only a shortcut was lost; thrown here it would hide why the cache is being left.
      reportLog(run, 'warning', `${directory.name}/${preTwelvePath}: ${String(error)}`, cacheLogger)
    } finally {
      await lock[Symbol.asyncDispose]()
    }
  }

  async #save(manifest: ObjectId): Promise<void> {
    const { directory, source, run } = this.#parts
    const progress = new MessageProgress('cache.commit', run)
    if (this.#packedFiles !== undefined) {
      progress.show('Saving files cache')
      await saveFilesCache(directory, this.#filesPath, this.#packedFiles.pieces(), this.#config)
    }
    progress.show('Saving chunks cache')
    await saveChunks(directory, this.#chunks.index, this.#config)
    progress.show('Saving cache config')
    const timestamp = source.manifest.timestamp ?? ''
    this.#config.setManifest({ id: manifest, timestamp, keyType: modes[source.key.mode].typeByte })
    await saveConfig(directory, this.#config)
    progress.finish()
  }
}

/** Missing or damaged: wiped. */
async function usableChunks(directory: Store, config: CacheConfig, run: RunOptions): Promise<HashIndex> {
  try {
    return await loadChunks(directory, config, run)
  } catch (error) {
    if (!isUnusable(error)) throw error
    await wipe(directory, config, run)
    return loadChunks(directory, config, run)
  }
}

/** A cache whose users had to know features that we do not know may mean something else: wiped. */
async function fitFeatures(
  directory: Store,
  config: CacheConfig,
  manifest: Manifest,
  index: HashIndex,
  run: RunOptions,
): Promise<HashIndex> {
  const unfit = config.mandatoryFeatures.length > 0
  if (unfit) await wipe(directory, config, run)
  const ignored = new Set([...config.ignoredFeatures, ...mandatoryFeatures(manifest)])
  config.setFeatures({ ignored: [...ignored], mandatory: [] })
  return unfit ? loadChunks(directory, config, run) : index
}

/** Undefined when the mode leaves it alone; empty when it is damaged. */
async function openFiles(parts: Parts, config: CacheConfig): Promise<PackedFilesCache | undefined> {
  const { directory, options, run } = parts
  if (options.files === 'disabled') return undefined
  const ages = { ageMax: options.filesAgeMax }
  try {
    const cache = new PackedFilesCache(options.files, ages)
    cache.load(await readFilesCache(directory, filesPath(options.filesSuffix), config, run))
    return cache
  } catch (error) {
    if (!isIntegrityError(error)) throw error
    const log = (message: string): void => reportLog(run, 'warning', message, cacheLogger)
    log(`The files cache is corrupted. [${error.message}]`)
    log('Continuing without files cache - expect lower performance.')
    return new PackedFilesCache(options.files, ages)
  }
}
