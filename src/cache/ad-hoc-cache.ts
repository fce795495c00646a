/**
 * A chunk cache for one run, made from the repository's list of objects: for clients that share a repository and would
 * have to synchronise each time.
 *
 * Nobody knows how often the listed chunks are referred to or how large they are: their count is the largest one, which
 * never changes, and their sizes are 0. Nothing of it is saved, and the files cache is not used.
 * Source: format sheet cache.md §7; messages: borg 1.2.4's log.
 */
import { type RunOptions, reportLog } from '../base/events.ts'
import { isManifestId, type ObjectId } from '../base/ids.ts'
import { listBatch } from '../base/limits.ts'
import { PercentProgress } from '../base/progress.ts'
import { HashIndex } from '../format/hash-index.ts'
import { type Cache, type CacheSource, repositoryFacts } from './cache.ts'
import { cacheLogger } from './cache-files.ts'
import { type CacheStatistics, cacheStatistics, measureArchives } from './cache-statistics.ts'
import { type ChunkCache, IndexChunkCache, referencesMax } from './chunk-cache.ts'
import { type FilesCache, noFilesCache } from './files-cache.ts'
import type { SecurityDirectory } from './security.ts'

export class AdHocCache implements Cache {
  readonly kind = 'ad-hoc'
  readonly path: string
  readonly chunks: ChunkCache
  readonly files: FilesCache = noFilesCache
  readonly #source: CacheSource
  readonly #security: SecurityDirectory

  static async open(
    path: string,
    source: CacheSource,
    security: SecurityDirectory,
    run: RunOptions,
  ): Promise<AdHocCache> {
    reportLog(run, 'warning', 'Note: --no-cache-sync is an experimental feature.', cacheLogger)
    return new AdHocCache(path, source, security, await listChunks(source.repository, run))
  }

  private constructor(path: string, source: CacheSource, security: SecurityDirectory, index: HashIndex) {
    this.path = path
    this.#source = source
    this.#security = security
    this.chunks = new IndexChunkCache(index)
  }

  /** The directory's cache stays as stale as it was; what is remembered outside of it is up to date. */
  async commit(_manifest: ObjectId): Promise<void> {
    await this.#security.save(repositoryFacts(this.#source))
  }

  /** Chunks that were there before count with size 0. */
  async statistics(run?: RunOptions): Promise<CacheStatistics> {
    const archives = await measureArchives(this.#source, this.#source.archives.all(), new Map(), run?.signal)
    return cacheStatistics(archives, this.chunks.sums())
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

async function listChunks(repository: CacheSource['repository'], run: RunOptions): Promise<HashIndex> {
  const total = await repository.count()
  const index = HashIndex.usable(3, total)
  const text = (percent: string): string => `Downloading chunk list... ${percent}%`
  const progress = new PercentProgress(
    { msgid: 'cache.download_chunks', total, step: 5, width: 3, decimals: 0, text },
    run,
  )
  let after: ObjectId | undefined
  while (true) {
    run.signal?.throwIfAborted()
    const ids = await repository.list(listBatch, after)
    if (ids.length === 0) break
    progress.advance(ids.length)
    for (const id of ids) {
      if (!isManifestId(id)) index.setWord(index.insert(id), 0, referencesMax)
    }
    after = ids.at(-1)
  }
  progress.finish()
  return index
}
