/**
 * Backs up files into a new archive.
 */
import { type ArchiveWriter, writeArchive } from '../archive/archive-writer.ts'
import type { Item } from '../archive/item.ts'
import { sumSizes } from '../archive/item.ts'
import { requireFeatures } from '../archive/manifest.ts'
import type { ArchiveMetadata } from '../archive/metadata.ts'
import type { Statistics } from '../archive/statistics.ts'
import { BorgError } from '../base/errors.ts'
import { type RunOptions, reportWarning } from '../base/events.ts'
import { EventLoopTurns } from '../base/flow.ts'
import { type Nanoseconds, nanoseconds } from '../base/ids.ts'
import { checkpointIntervalSeconds } from '../base/limits.ts'
import { decodeText, encodeText } from '../base/text.ts'
import type { Cache } from '../cache/cache.ts'
import { type ChunkerParams, defaultChunkerParams, chunkerParamsFields } from '../chunker/chunker.ts'
import { ChunkWriter } from '../dedup/chunk-writer.ts'
import type { WriteSession } from '../session/session.ts'
import { FinishedRoots } from '../source/finished-roots.ts'
import { HardLinkNames } from '../source/hard-links.ts'
import { stdinItem } from '../source/stdin.ts'
import { walk } from '../source/walk.ts'
import type { WalkOptions, WalkStep } from '../source/walk-step.ts'
import { allOrNothing } from './all-or-nothing.ts'
import { Checkpoints } from './checkpoint.ts'
import { storeContent } from './create-content.ts'
import { archiveEntry, type EntryContext, reportStatus } from './create-entry.ts'
import type { CreateOptions, CreateResult } from './create-options.ts'
import { CreateProgress } from './create-progress.ts'
import { sourceMatcher } from './source-matcher.ts'
import { untilAborted } from './until-aborted.ts'
import { zeroStatistics } from './zero-statistics.ts'

/** @throws BorgError 'Archive.AlreadyExists', repository errors; unreadable files are events. */
export async function createArchive(
  session: WriteSession,
  options: CreateOptions,
  run: RunOptions = {},
): Promise<CreateResult> {
  requireFeatures(session.manifest, ['write'])
  if (session.archives.get(options.name) !== undefined) throw new BorgError('Archive.AlreadyExists', [options.name])
  const begun = { time: session.host.now(), ms: session.host.monotonicMs() }
  const cacheOptions = { files: options.filesCache ?? 'ctime,size,inode', noSync: options.noCacheSync }
  return await allOrNothing(session, run, async () => {
    await using cache = await session.openCache(cacheOptions, run)
    const creation = new Creation(session, cache, options, begun, run)
    await creation.archiveRoots()
    return await creation.finish()
  })
}

/** The parts of one run, introduced to each other. */
class Creation {
  readonly #session: WriteSession
  readonly #options: CreateOptions
  readonly #run: RunOptions
  readonly #begun: { readonly time: Nanoseconds; readonly ms: number }
  readonly #cache: Cache
  readonly #statistics: Statistics = zeroStatistics()
  readonly #parts: Statistics = zeroStatistics()
  readonly #chunkerParams: ChunkerParams
  readonly #context: EntryContext

  constructor(
    session: WriteSession,
    cache: Cache,
    options: CreateOptions,
    begun: { time: Nanoseconds; ms: number },
    run: RunOptions,
  ) {
    this.#session = session
    this.#cache = cache
    this.#options = options
    this.#begun = begun
    this.#run = run
    this.#chunkerParams = options.chunkerParams ?? defaultChunkerParams
    const { host, repository, lanes, nonces } = session
    const clockMs = (): number => host.monotonicMs()
    const chunks = new ChunkWriter({ repository, cache: cache.chunks, lanes, nonces, statistics: this.#statistics })
    const archive: ArchiveWriter = writeArchive({ sink: chunks, key: session.key, host })
    this.#context = {
      session,
      cache,
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
      chunkerParams: this.#chunkerParams,
      links: new HardLinkNames(),
      options,
      workingFolder: decodeText(session.files.currentFolder),
      run,
    }
  }

  async archiveRoots(): Promise<void> {
    const { roots, exactPaths, content } = this.#options
    const walking = this.#walkOptions()
    for await (const root of untilAborted(roots, this.#run.signal)) {
      if (root === '-' && exactPaths !== true && content !== undefined) await this.#archiveStream()
      else
        for (const step of walk(this.#session.files, { ...walking, roots: [root] }, this.#run)) await this.#take(step)
    }
    await this.#options.beforeSaving?.()
    if (this.#run.stopSoon?.aborted) await this.#context.checkpoints.save()
  }

  async finish(): Promise<CreateResult> {
    this.#context.progress.finish()
    const saved = await this.#context.checkpoints.finish()
    const { wantCacheStatistics } = this.#options
    return {
      archive: saved.entry,
      metadata: this.#describe(this.#options.name),
      statistics: this.#statistics,
      recordStoredSize: saved.storedSize,
      durationSeconds: this.#durationSeconds(),
      cacheKind: this.#cache.kind,
      cacheStatistics: wantCacheStatistics === true ? await this.#cache.statistics(this.#run) : undefined,
    }
  }

  async #take(step: WalkStep): Promise<void> {
    this.#run.signal?.throwIfAborted()
    switch (step.step) {
      case 'entry':
        this.#context.progress.show(step.entry.path)
        await archiveEntry(step.entry, this.#context)
        break
      case 'status':
        reportStatus(this.#run, step.status, step.path)
        break
      case 'warning':
        reportWarning(this.#run, step.code, ...step.args)
        break
    }
    if (this.#context.checkpoints.due()) await this.#context.checkpoints.save()
    await this.#context.turns.take()
  }

  async #archiveStream(): Promise<void> {
    const { content } = this.#options
    if (content === undefined) return
    const item: Item = stdinItem(this.#session.files, content, this.#session.host.now())
    const bytes = untilAborted(content.bytes, this.#run.signal)
    const cut = this.#context.chunks.addStream({ kind: 'stream', bytes }, this.#chunkerParams)
    const chunks = await storeContent({ chunks: cut, fileName: undefined, size: undefined }, item, this.#context)
    await this.#context.archive.add({ ...item, chunks, size: sumSizes(chunks) })
    this.#statistics.files += 1
    reportStatus(this.#run, 'i', item.path)
  }

  #walkOptions(): Omit<WalkOptions, 'roots'> {
    const { files, directories, location } = this.#session
    const skip = [location, directories.cache].flatMap((folder) => {
      try {
        const { device, inode } = files.stat(encodeText(folder))
        return [{ device, inode }]
      } catch {
        // Not a folder of this machine: nothing to keep out of.
        return []
      }
    })
    const { patterns, ...choices } = this.#options
    return { ...choices, matcher: sourceMatcher(patterns ?? []), skip, finished: new FinishedRoots() }
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
      cwd: this.#context.workingFolder,
      chunkerParams: chunkerParamsFields(this.#chunkerParams),
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
