/**
 * Writes an archive, or part of one, as a tarball.
 */
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import type { ArchiveReader } from '../archive/archive-reader.ts'
import { withContents } from '../archive/contents-ahead.ts'
import { classify, fileTypeMask, type Item, itemSize } from '../archive/item.ts'
import { BorgError } from '../base/errors.ts'
import { fileWarning } from '../base/errno.ts'
import { type RunOptions, reportWarning } from '../base/events.ts'
import { EventLoopTurns } from '../base/flow.ts'
import type { ObjectId } from '../base/ids.ts'
import { MessageProgress, PercentProgress } from '../base/progress.ts'
import { printableText } from '../base/text.ts'
import { makeMatcher } from '../patterns/matcher.ts'
import type { Pattern } from '../patterns/pattern.ts'
import type { ReadSession } from '../session/session.ts'
import { TarWriter } from '../tar/tar-writer.ts'
import { requireUndamaged } from '../target/extract-item.ts'
import { HardLinkPlan } from '../target/hard-links.ts'
import { stripComponents } from '../target/safe-path.ts'
import { fallbackFor } from './list.ts'
import { openArchive } from './open-archive.ts'
import { memberOfItem } from './tar-items.ts'

export interface ExportTarOptions {
  /** Takes the tarball in order; resolves when more is welcome. */
  readonly write: (bytes: Uint8Array) => void | Promise<void>
  /** Rules, then PATH arguments as include rules. */
  readonly patterns?: readonly Pattern[] | undefined
  readonly stripComponents?: number | undefined
  readonly considerPartFiles?: boolean | undefined
  /** Count the bytes first, so that progress has a total: reads the item stream twice. */
  readonly wantProgress?: boolean | undefined
  /** Told of each item before it is written. */
  readonly onItem?: ((item: Item) => void) | undefined
}

/**
 * GNU's format, byte for byte as borg exports it: whole seconds, no extended attributes, ACLs or flags. Whatever `write`
 * throws ends the export.
 * @throws BorgError 'Archive.DoesNotExist', repository errors, also for content that is lost: the tarball is then cut off
 */
export async function exportTar(
  session: ReadSession,
  archive: string | ArchiveEntry,
  options: ExportTarOptions,
  run: RunOptions = {},
): Promise<void> {
  const reader = await openArchive(session, archive)
  const patterns = options.patterns ?? []
  const matcher = makeMatcher(patterns, fallbackFor(patterns))
  const selected = (item: Item): boolean =>
    matcher.match(item.path) === 'include' &&
    (item.part === undefined || options.considerPartFiles === true) &&
    shownPath(item.path, options) !== undefined
  const total = options.wantProgress === true ? await totalSize(reader, selected, run) : 0
  const progress = exportProgress(total, run)
  await new Export(session, reader, options, run, progress).write(selected)
  progress.finish()
  for (const pattern of matcher.unmatchedIncludes()) reportWarning(run, 'IncludePatternNeverMatchedWarning', pattern)
}

class Export {
  readonly #session: ReadSession
  readonly #reader: ArchiveReader
  readonly #options: ExportTarOptions
  readonly #run: RunOptions
  readonly #progress: PercentProgress
  readonly #tar: TarWriter
  readonly #links: HardLinkPlan
  readonly #turns: EventLoopTurns

  constructor(
    session: ReadSession,
    reader: ArchiveReader,
    options: ExportTarOptions,
    run: RunOptions,
    progress: PercentProgress,
  ) {
    this.#session = session
    this.#reader = reader
    this.#options = options
    this.#run = run
    this.#progress = progress
    this.#tar = new TarWriter(options.write)
    this.#links = new HardLinkPlan(options.stripComponents)
    this.#turns = new EventLoopTurns(() => session.host.monotonicMs())
  }

  async write(selected: (item: Item) => boolean): Promise<void> {
    const chunksOf = (item: Item): readonly ObjectId[] => (item.chunks ?? []).map((chunk) => chunk.id)
    for await (const { item, content } of withContents(this.#resolved(selected), this.#session.objects, chunksOf)) {
      this.#run.signal?.throwIfAborted()
      await this.#add(item, content)
      await this.#turns.take()
    }
    await this.#tar.finish()
  }

  /** Ahead of their turn, so that content is on its way when it comes. */
  async *#resolved(selected: (item: Item) => boolean): AsyncGenerator<Item> {
    for await (const item of this.#reader.items()) {
      if (selected(item)) yield this.#links.resolve(item)
      else this.#links.passOver(item)
    }
  }

  async #add(item: Item, content: () => AsyncIterable<Uint8Array>): Promise<void> {
    const member = memberOfItem(item, shownPath(item.path, this.#options) ?? item.path, this.#linkTarget(item))
    if (member === undefined) {
      const type = (item.mode & fileTypeMask).toString(8)
      const text = `${printableText(item.path)}: unsupported file type ${type} for tar export`
      return reportWarning(this.#run, 'GenericWarning', text)
    }
    this.#options.onItem?.(item)
    if (member.type === 'file') this.#warnIfDamaged(item, member.size)
    await this.#tar.add(member, member.type === 'file' ? this.#content(item, member.size, content()) : undefined)
  }

  /** The name in the tarball of the file that `item` is another name of. */
  #linkTarget(item: Item): string | undefined {
    const shape = classify(item)
    if (shape.kind !== 'hardlink') return undefined
    const path = this.#links.find(shape.to)?.path ?? shape.to
    return shownPath(path, this.#options) ?? ''
  }

  /** Half a tarball cannot be taken back: it gets all there is, and somebody is told (borg tells nobody). */
  #warnIfDamaged(item: Item, size: number): void {
    try {
      requireUndamaged(item)
    } catch (error) {
      const warning = fileWarning(item.path, error)
      if (warning === undefined) throw error
      reportWarning(this.#run, warning.code, ...warning.args)
    }
    if (itemSize(item) === size) return
    const text = `Size inconsistency detected: size ${itemSize(item)}, chunks size ${size}`
    reportWarning(this.#run, 'BackupError', item.path, text)
  }

  async *#content(item: Item, size: number, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0
    for await (const plain of content) {
      // Files may be larger than the patience of whoever wants to end this.
      this.#run.signal?.throwIfAborted()
      this.#progress.advance(plain.length, [item.path])
      bytes += plain.length
      this.#run.onPosition?.({ path: item.path, bytes, size })
      if (bytes > size) break
      yield plain
      await this.#turns.take()
    }
    if (bytes !== size) throw new BorgError('IntegrityError', [`${item.path}: chunks are not as long as archived`])
  }
}

/** Undefined when --strip-components leaves nothing. */
function shownPath(path: string, options: ExportTarOptions): string | undefined {
  return stripComponents(path, options.stripComponents ?? 0)
}

async function totalSize(reader: ArchiveReader, selected: (item: Item) => boolean, run: RunOptions): Promise<number> {
  const message = new MessageProgress('extract', run)
  message.show('Calculating size')
  let total = 0
  for await (const item of reader.items()) if (selected(item)) total += itemSize(item)
  message.finish()
  return total
}

function exportProgress(total: number, run: RunOptions): PercentProgress {
  const options = { msgid: 'extract', total, step: 0.1, width: 5, decimals: 1 }
  return new PercentProgress({ ...options, text: (percent, info) => `${percent}% Processing: ${info.join(' ')}` }, run)
}
