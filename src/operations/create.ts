/**
 * Backs up files into a new archive.
 */
import type { Item } from '../archive/item.ts'
import { sumSizes } from '../archive/item.ts'
import { type RunOptions, reportWarning } from '../base/events.ts'
import { encodeText } from '../base/text.ts'
import type { WriteSession } from '../session/session.ts'
import { FinishedRoots } from '../source/finished-roots.ts'
import { HardLinkNames } from '../source/hard-links.ts'
import { stdinItem } from '../source/stdin.ts'
import { walk } from '../source/walk.ts'
import type { WalkOptions, WalkStep } from '../source/walk-step.ts'
import { storeContent } from './create-content.ts'
import { archiveEntry, type EntryContext, reportStatus } from './create-entry.ts'
import type { CreateOptions, CreateResult } from './create-options.ts'
import { makeArchive, type NewArchive } from './new-archive.ts'
import { sourceMatcher } from './source-matcher.ts'
import { untilAborted } from './until-aborted.ts'

/** @throws BorgError 'Archive.AlreadyExists', repository errors; unreadable files are events. */
export async function createArchive(
  session: WriteSession,
  options: CreateOptions,
  run: RunOptions = {},
): Promise<CreateResult> {
  const cacheOptions = { files: options.filesCache ?? 'ctime,size,inode', noSync: options.noCacheSync }
  return await makeArchive(session, options, cacheOptions, run, (archive) =>
    new Creation(session, archive, options, run).archiveRoots(),
  )
}

class Creation {
  readonly #session: WriteSession
  readonly #options: CreateOptions
  readonly #run: RunOptions
  readonly #context: EntryContext

  constructor(session: WriteSession, archive: NewArchive, options: CreateOptions, run: RunOptions) {
    this.#session = session
    this.#options = options
    this.#run = run
    const { cache, chunkerParams, content, workingFolder } = archive
    this.#context = { ...content, session, cache, chunkerParams, options, workingFolder, links: new HardLinkNames() }
  }

  async archiveRoots(): Promise<void> {
    const { roots, exactPaths, content } = this.#options
    const walking = this.#walkOptions()
    for await (const root of untilAborted(roots, this.#run.signal)) {
      if (root === '-' && exactPaths !== true && content !== undefined) await this.#archiveStream()
      else
        for (const step of walk(this.#session.files, { ...walking, roots: [root] }, this.#run)) await this.#take(step)
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
    const cut = this.#context.chunks.addStream({ kind: 'stream', bytes }, this.#context.chunkerParams)
    const chunks = await storeContent({ chunks: cut, fileName: undefined, size: undefined }, item, this.#context)
    await this.#context.archive.add({ ...item, chunks, size: sumSizes(chunks) })
    this.#context.statistics.files += 1
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
}
