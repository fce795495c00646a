/**
 * An archive in the making: what every verb that fills a new one shares, from the check of its name to its record.
 */
import { type ArchiveWriter, writeArchive } from '../archive/archive-writer.ts'
import { requireFeatures } from '../archive/manifest.ts'
import type { ArchiveMetadata } from '../archive/metadata.ts'
import type { Statistics } from '../archive/statistics.ts'
import type { RunOptions } from '../base/events.ts'
import { EventLoopTurns } from '../base/flow.ts'
import { type Nanoseconds, nanoseconds } from '../base/ids.ts'
import { checkpointIntervalSeconds } from '../base/limits.ts'
import { decodeText } from '../base/text.ts'
import type { Cache } from '../cache/cache.ts'
import { type ChunkerParams, chunkerParamsFields, defaultChunkerParams } from '../chunker/chunker.ts'
import { ChunkWriter } from '../dedup/chunk-writer.ts'
import type { CacheOptions, WriteSession } from '../session/session.ts'
import { allOrNothing } from './all-or-nothing.ts'
import { Checkpoints } from './checkpoint.ts'
import type { ContentContext } from './create-content.ts'
import type { CreateResult, NewArchiveOptions } from './create-options.ts'
import { CreateProgress } from './create-progress.ts'
import { requireFreeName } from './free-name.ts'
import { zeroStatistics } from './zero-statistics.ts'

/** What `fill` may use. */
export interface NewArchive {
  readonly cache: Cache
  readonly content: ContentContext
  /** Absolute, as the archive records it. */
  /** How contents are cut. */
  readonly chunkerParams: ChunkerParams
  readonly workingFolder: string
}

/**
 * Has `fill` add the items, and saves the archive. Nothing of it stays when either fails.
 * @throws BorgError 'CommandError' for a name that cannot be one, 'Archive.AlreadyExists', repository errors, and what
 * `fill` throws
 */
export async function makeArchive(
  session: WriteSession,
  options: NewArchiveOptions,
  cacheOptions: CacheOptions,
  run: RunOptions,
  fill: (archive: NewArchive) => Promise<void>,
): Promise<CreateResult> {
  requireFeatures(session.manifest, ['write'])
  requireFreeName(session, options.name)
  const begun = { time: session.host.now(), ms: session.host.monotonicMs() }
  return await allOrNothing(session, run, async () => {
    await using cache = await session.openCache(cacheOptions, run)
    const making = new Making(session, cache, options, begun, run)
    await fill(making)
    await options.beforeSaving?.()
    if (run.stopSoon?.aborted) await making.content.checkpoints.save()
    return await making.finish()
  })
}

/** The parts of one run, introduced to each other. */
class Making implements NewArchive {
  readonly cache: Cache
  readonly content: ContentContext
  readonly workingFolder: string
  readonly #session: WriteSession
  readonly #options: NewArchiveOptions
  readonly #run: RunOptions
  readonly #begun: { readonly time: Nanoseconds; readonly ms: number }
  readonly #statistics: Statistics = zeroStatistics()
  readonly #parts: Statistics = zeroStatistics()
  readonly chunkerParams: ChunkerParams

  constructor(
    session: WriteSession,
    cache: Cache,
    options: NewArchiveOptions,
    begun: { time: Nanoseconds; ms: number },
    run: RunOptions,
  ) {
    this.#session = session
    this.cache = cache
    this.#options = options
    this.#begun = begun
    this.#run = run
    this.chunkerParams = options.chunkerParams ?? defaultChunkerParams
    this.workingFolder = decodeText(session.files.currentFolder)
    const { host, repository, lanes, nonces } = session
    const clockMs = (): number => host.monotonicMs()
    const chunks = new ChunkWriter({ repository, cache: cache.chunks, lanes, nonces, statistics: this.#statistics })
    const archive: ArchiveWriter = writeArchive({ sink: chunks, key: session.key, host })
    this.content = {
      chunks,
      archive,
      checkpoints: new Checkpoints({
        session,
        cache,
        chunks,
        archive,
        name: options.name,
        intervalSeconds: options.checkpointSeconds ?? checkpointIntervalSeconds,
        describe: (name) => this.#describe(name),
        run,
      }),
      statistics: this.#statistics,
      parts: this.#parts,
      progress: new CreateProgress(this.#statistics, clockMs, run),
      turns: new EventLoopTurns(clockMs),
      run,
    }
  }

  async finish(): Promise<CreateResult> {
    this.content.progress.finish()
    const saved = await this.content.checkpoints.finish()
    const { name, wantCacheStatistics } = this.#options
    return {
      archive: saved.entry,
      metadata: this.#describe(name),
      statistics: this.#statistics,
      recordStoredSize: saved.storedSize,
      durationSeconds: this.#durationSeconds(),
      cacheKind: this.cache.kind,
      cacheStatistics: wantCacheStatistics === true ? await this.cache.statistics(this.#run) : undefined,
    }
  }

  #describe(name: string): Omit<ArchiveMetadata, 'itemChunks'> {
    const { host } = this.#session
    const { comment, hostname, username, commandLine, start } = this.#options
    const duration = BigInt(Math.round(this.#durationSeconds() * 1e6)) * 1000n
    const begin = start ?? this.#begun.time
    return {
      name,
      comment: comment ?? '',
      hostname: hostname ?? host.hostname,
      username: username ?? host.username,
      start: begin,
      end: nanoseconds(begin + duration),
      commandLine: commandLine ?? [],
      cwd: this.workingFolder,
      chunkerParams: chunkerParamsFields(this.chunkerParams),
      totals: {
        originalSize: this.#statistics.originalSize,
        compressedSize: this.#statistics.compressedSize,
        files: this.#statistics.files,
        partsOriginalSize: this.#parts.originalSize,
        partsCompressedSize: this.#parts.compressedSize,
        partsFiles: this.#parts.files,
      },
    }
  }

  #durationSeconds(): number {
    return (this.#session.host.monotonicMs() - this.#begun.ms) / 1000
  }
}
