/**
 * Saving an archive: for good at the end, and as a checkpoint on the way.
 *
 * A checkpoint is a complete archive of what is done so far, under a name of its own. It is committed, and then forgotten
 * in memory, so that the next manifest drops it. Source: format sheet objects.md section 8, CLI contract common.md §10.
 */
import type { ArchiveReader } from '../archive/archive-reader.ts'
import type { ArchiveWriter, SavedArchive } from '../archive/archive-writer.ts'
import type { ArchiveMetadata } from '../archive/metadata.ts'
import { BorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import type { Cache } from '../cache/cache.ts'
import type { ChunkWriter } from '../dedup/chunk-writer.ts'
import type { WriteSession } from '../session/session.ts'
import { releaseArchive, releaseChunk } from './release-archive.ts'
import { zeroStatistics } from './zero-statistics.ts'

export interface CheckpointParts {
  readonly session: WriteSession
  readonly cache: Cache
  readonly chunks: ChunkWriter
  readonly archive: ArchiveWriter
  readonly name: string
  /** What checkpoints are called after: `name` plus '.checkpoint' by default. */
  readonly checkpointName?: string | undefined
  /** 0: never. */
  readonly intervalSeconds: number
  /** The record as it would be if the archive ended now. */
  readonly describe: (name: string) => Omit<ArchiveMetadata, 'itemChunks'>
  readonly run: RunOptions
}

export class Checkpoints {
  readonly #parts: CheckpointParts
  readonly #name: string
  #lastMs: number

  constructor(parts: CheckpointParts) {
    this.#parts = parts
    this.#name = freeName(parts.session, parts.checkpointName ?? `${parts.name}.checkpoint`)
    this.#lastMs = parts.session.host.monotonicMs()
  }

  /** Whether it is time, or somebody asked to stop. */
  due(): boolean {
    const { session, intervalSeconds, run } = this.#parts
    if (run.stopSoon?.aborted) return true
    return intervalSeconds > 0 && session.host.monotonicMs() - this.#lastMs >= intervalSeconds * 1000
  }

  /** Stores a checkpoint. @throws BorgError 'Error' afterwards when somebody asked to stop. */
  async save(): Promise<void> {
    const { session, cache, run } = this.#parts
    const asked = run.stopSoon?.aborted === true
    if (asked) reportLog(run, 'info', 'checkpoint requested: starting checkpoint creation...')
    const saved = await this.#store(this.#name)
    session.archives.delete(this.#name)
    await releaseChunk({ session, cache, statistics: zeroStatistics() }, saved.entry.id)
    this.#lastMs = session.host.monotonicMs()
    if (!asked) return
    reportLog(run, 'info', 'checkpoint requested: finished checkpoint creation!')
    // What the last commit dropped from memory stays in the repository: the checkpoint is what remains of this run.
    throw new BorgError('Error', ['Got Ctrl-C / SIGINT.'])
  }

  /** Stores the archive itself. `replaced` goes with the same commit. */
  async finish(replaced?: ArchiveReader): Promise<SavedArchive> {
    return await this.#store(this.#parts.name, replaced)
  }

  /** Every chunk accepted, then the archive, then the manifest that names it, then our memory of it. */
  async #store(name: string, replaced?: ArchiveReader): Promise<SavedArchive> {
    const { session, cache, chunks, archive, describe, run } = this.#parts
    await chunks.flush()
    const saved = await archive.save(describe(name))
    await chunks.flush()
    if (replaced !== undefined) await releaseArchive({ session, cache, statistics: zeroStatistics() }, replaced, run)
    session.archives.set(saved.entry)
    await cache.commit(await session.commit())
    return saved
  }
}

/** `base`, or with '.1', '.2' ... if taken. */
function freeName(session: WriteSession, base: string): string {
  let name = base
  for (let number = 1; session.archives.get(name) !== undefined; number++) name = `${base}.${number}`
  return name
}
