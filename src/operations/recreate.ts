/**
 * Writing archives anew: without some of their items, compressed or cut differently, or with another comment.
 *
 * The new archive takes the place of the old one in a single commit, so a death at any moment leaves one of them, whole
 * (decision 018). Source: CLI contract, commands §17; experiments with borg 1.4.0.
 */
import type { ArchiveReader } from '../archive/archive-reader.ts'
import { type ArchiveWriter, writeArchive } from '../archive/archive-writer.ts'
import { withContents } from '../archive/contents-ahead.ts'
import { fileTypeMask, fileTypes, type Item } from '../archive/item.ts'
import { requireFeatures } from '../archive/manifest.ts'
import type { ArchiveMetadata } from '../archive/metadata.ts'
import { selectArchives } from '../archive/select.ts'
import { BorgError } from '../base/errors.ts'
import type { FileStatus, RunOptions } from '../base/events.ts'
import { EventLoopTurns } from '../base/flow.ts'
import { type Nanoseconds, nanoseconds, type ObjectId } from '../base/ids.ts'
import { checkpointIntervalSeconds } from '../base/limits.ts'
import type { Cache } from '../cache/cache.ts'
import {
  type ChunkerParams,
  chunkerParamsFields,
  chunkerParamsFromFields,
  sameChunkerParams,
} from '../chunker/chunker.ts'
import { ChunkWriter } from '../dedup/chunk-writer.ts'
import { type Matcher, makeMatcher } from '../patterns/matcher.ts'
import type { ReadSession, WriteSession } from '../session/session.ts'
import { allOrNothing } from './all-or-nothing.ts'
import { tagRules } from './archived-tags.ts'
import { Checkpoints } from './checkpoint.ts'
import { reportStatus } from './create-entry.ts'
import { CreateProgress } from './create-progress.ts'
import { requireFreeName } from './free-name.ts'
import { fallbackFor } from './list.ts'
import { MovedLinks } from './moved-links.ts'
import { openArchive } from './open-archive.ts'
import { readForRewrite, Recompression, type RewriteContext, rewriteContent } from './recreate-content.ts'
import type {
  RecreateAllOptions,
  RecreatedArchive,
  RecreateOneOptions,
  RecreateOptions,
  RecreateResult,
} from './recreate-options.ts'
import { zeroStatistics } from './zero-statistics.ts'

/**
 * Writes one archive anew.
 * @throws BorgError 'Archive.DoesNotExist' | 'Archive.AlreadyExists' | 'CommandError' for an archive that an interrupted
 *   borg has left; repository errors, which leave the old archive as it was.
 */
export async function recreateArchive(
  session: WriteSession,
  name: string,
  options: RecreateOneOptions = {},
  run: RunOptions = {},
): Promise<RecreateResult> {
  if (isTemporary(name)) {
    throw new BorgError('CommandError', [`Refusing to work on temporary archive of prior recreate: ${name}`])
  }
  return await withRecreation(session, options, run, (recreation) => recreation.recreate(name, options.target))
}

/** Writes all archives anew, oldest first, each with a commit of its own. Those an interrupted borg has left stay. */
export async function recreateAllArchives(
  session: WriteSession,
  options: RecreateAllOptions = {},
  run: RunOptions = {},
): Promise<void> {
  await withRecreation(session, options, run, async (recreation) => {
    for (const entry of selectArchives(session.archives, {})) {
      if (isTemporary(entry.name)) continue
      if (run.stopSoon?.aborted) throw interrupted()
      options.onArchive?.(entry)
      options.onResult?.(entry, await recreation.recreate(entry.name, undefined))
    }
  })
}

/** Where borg keeps an archive until it takes the place of the old one. */
const temporarySuffix = '.recreate'

function isTemporary(name: string): boolean {
  return name.endsWith(temporarySuffix)
}

function interrupted(): BorgError {
  return new BorgError('Error', ['Got Ctrl-C / SIGINT.'])
}

async function withRecreation<T>(
  session: WriteSession,
  options: RecreateOptions,
  run: RunOptions,
  work: (recreation: Recreation) => Promise<T>,
): Promise<T> {
  requireFeatures(session.manifest, ['check'])
  if (options.dryRun === true) return await work(new Recreation(session, undefined, options, run))
  return await allOrNothing(session, run, async () => {
    await using cache = await session.openCache({ files: 'disabled' }, run)
    return await work(new Recreation(session, cache, options, run))
  })
}

/** What is to become of one archive. */
interface Plan {
  readonly from: ArchiveReader
  readonly matcher: Matcher
  /** How to cut, when that is to change. */
  readonly chunkerParams: ChunkerParams | undefined
  /** Absent: the new archive replaces the old one. */
  readonly target: string | undefined
}

interface JudgedItem {
  readonly item: Item
  readonly kept: boolean
}

/** One run over any number of archives. */
class Recreation {
  readonly #session: WriteSession
  /** Absent in a dry run. */
  readonly #cache: Cache | undefined
  readonly #options: RecreateOptions
  readonly #run: RunOptions
  readonly #recompression: Recompression | undefined

  constructor(session: WriteSession, cache: Cache | undefined, options: RecreateOptions, run: RunOptions) {
    this.#session = session
    this.#cache = cache
    this.#options = options
    this.#run = run
    const { recompress = 'never' } = options
    this.#recompression = recompress === 'never' ? undefined : new Recompression(session, recompress)
  }

  async recreate(name: string, target: string | undefined): Promise<RecreateResult> {
    const plan = await this.#plan(name, target)
    if (plan === undefined) return { kind: 'nothing-to-do' }
    if (this.#cache === undefined) {
      for await (const { item, kept } of this.#judgedItems(plan)) reportStatus(this.#run, kept ? '-' : 'x', item.path)
      return { kind: 'previewed' }
    }
    return await this.#write(plan, this.#cache)
  }

  async #plan(name: string, target: string | undefined): Promise<Plan | undefined> {
    const { comment, patterns = [] } = this.#options
    const from = await openArchive(this.#session, name)
    const taken = target ?? `${name}${temporarySuffix}`
    requireFreeName(this.#session, taken)
    const fallback = fallbackFor(patterns)
    const others = makeMatcher(patterns, fallback)
    const isKept = (path: string): boolean => others.match(path) === 'include'
    const rules = [...patterns, ...(await tagRules(from, isKept, this.#options, this.#run))]
    const chunkerParams = changedParams(from.metadata.chunkerParams, this.#options.chunkerParams)
    const wanted = [target, comment, chunkerParams, this.#recompression].some((choice) => choice !== undefined)
    if (rules.length === 0 && !wanted) return undefined
    return { from, matcher: makeMatcher(rules, fallback), chunkerParams, target }
  }

  /** With the content of first names that are left out. Parts of interrupted files go. May run ahead of the writing. */
  async *#judgedItems({ from, matcher }: Plan): AsyncGenerator<JudgedItem> {
    const links = new MovedLinks()
    for await (const item of from.items()) {
      this.#run.signal?.throwIfAborted()
      if (item.part !== undefined) continue
      const kept = matcher.match(item.path) === 'include'
      if (!kept) links.passOver(item)
      yield { item: kept ? links.resolve(item) : item, kept }
    }
  }

  async #write(plan: Plan, cache: Cache): Promise<RecreatedArchive> {
    const session = this.#session
    const options = this.#options
    const run = this.#run
    const { host, repository, lanes, nonces, key } = session
    const begun = { time: host.now(), ms: host.monotonicMs() }
    const clockMs = (): number => host.monotonicMs()
    const statistics = zeroStatistics()
    const parts = zeroStatistics()
    const renewal = this.#recompression
    const chunks = new ChunkWriter({ repository, cache: cache.chunks, lanes, nonces, statistics, renewal })
    const archive: ArchiveWriter = writeArchive({ sink: chunks, key, host })
    const durationSeconds = (): number => (host.monotonicMs() - begun.ms) / 1000
    const describe = (name: string): Omit<ArchiveMetadata, 'itemChunks'> => ({
      ...describeAnew(plan, options, session, durationSeconds()),
      name,
      totals: {
        originalSize: statistics.originalSize,
        compressedSize: statistics.compressedSize,
        files: statistics.files,
        partsOriginalSize: parts.originalSize,
        partsCompressedSize: parts.compressedSize,
        partsFiles: parts.files,
      },
    })
    const { from, target, chunkerParams } = plan
    const { name } = from.entry
    const checkpoints = new Checkpoints({
      ...{ session, cache, chunks, archive, describe, run },
      name: target ?? name,
      checkpointName: `${target ?? `${name}${temporarySuffix}`}.checkpoint`,
      intervalSeconds: options.checkpointSeconds ?? checkpointIntervalSeconds,
    })
    const progress = new CreateProgress(statistics, clockMs, run)
    const turns = new EventLoopTurns(clockMs)
    const content = { session, cache, chunks, archive, checkpoints, statistics, parts, progress, turns, run }
    await this.#writeItems(plan, { ...content, recompression: renewal, chunkerParams })
    progress.finish()
    const saved = await checkpoints.finish(target === undefined ? from : undefined)
    const duration = durationSeconds()
    return {
      kind: 'recreated',
      archive: saved.entry,
      statistics,
      recordStoredSize: saved.storedSize,
      begun: begun.time,
      ended: after(begun.time, duration),
      durationSeconds: duration,
      cacheStatistics: options.wantCacheStatistics === true ? await cache.statistics(run) : undefined,
    }
  }

  async #writeItems(plan: Plan, context: RewriteContext): Promise<void> {
    const session = this.#session
    const { checkpoints, statistics, archive, progress, turns, recompression, chunkerParams } = context
    const rewrites = recompression !== undefined || chunkerParams !== undefined
    const chunksOf = ({ item, kept }: JudgedItem): readonly ObjectId[] => (kept ? readForRewrite(item, context) : [])
    for await (const { item: judged, content } of withContents(this.#judgedItems(plan), session.objects, chunksOf)) {
      const { item, kept } = judged
      reportStatus(this.#run, kept ? statusOf(item) : 'x', item.path)
      if (!kept) continue
      const written = item.chunks === undefined ? item : await rewriteContent(item, content, context)
      if (item.chunks !== undefined) statistics.files += 1
      await archive.add(written)
      progress.show(item.path)
      if (rewrites && checkpoints.due()) await checkpoints.save()
      // Without new content there is nothing a checkpoint would keep.
      else if (this.#run.stopSoon?.aborted) throw interrupted()
      await turns.take()
    }
  }
}

/** Command line, times and comment stay the archive's own; host and user are those of this run, as borg has it. */
function describeAnew(
  { from, chunkerParams }: Plan,
  options: RecreateOptions,
  { host }: Pick<ReadSession, 'host'>,
  durationSeconds: number,
): Omit<ArchiveMetadata, 'itemChunks'> {
  const { comment, start, hostname, username, commandLine } = options
  const { itemChunks: _, ...kept } = from.metadata
  return {
    ...kept,
    comment: comment ?? kept.comment,
    hostname: hostname ?? host.hostname,
    username: username ?? host.username,
    ...(start !== undefined && { start, end: after(start, durationSeconds) }),
    recreateCommandLine: commandLine ?? [],
    ...(chunkerParams !== undefined && { chunkerParams: chunkerParamsFields(chunkerParams) }),
  }
}

function after(start: Nanoseconds, seconds: number): Nanoseconds {
  return nanoseconds(start + BigInt(Math.round(seconds * 1e6)) * 1000n)
}

/** `wanted` when content made with `recorded` would be cut differently, as far as we know. */
function changedParams(
  recorded: ArchiveMetadata['chunkerParams'],
  wanted: ChunkerParams | undefined,
): ChunkerParams | undefined {
  if (wanted === undefined) return undefined
  const known = chunkerParamsFromFields(recorded ?? [])
  return known !== undefined && sameChunkerParams(known, wanted) ? undefined : wanted
}

function statusOf(item: Item): FileStatus {
  switch (item.mode & fileTypeMask) {
    case fileTypes.regular:
      return 'A'
    case fileTypes.directory:
      return 'd'
    case fileTypes.symlink:
      return 's'
    case fileTypes.fifo:
      return 'f'
    case fileTypes.character:
      return 'c'
    case fileTypes.block:
      return 'b'
    default:
      return '?'
  }
}
