/**
 * Restores an archive, or part of one, into a folder.
 */
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import type { ArchiveReader } from '../archive/archive-reader.ts'
import { withContents } from '../archive/contents-ahead.ts'
import { classify, type Item, itemSize } from '../archive/item.ts'
import { isObjectError } from '../base/errors.ts'
import { type RunOptions, reportWarning } from '../base/events.ts'
import { EventLoopTurns } from '../base/flow.ts'
import type { ObjectId } from '../base/ids.ts'
import { MessageProgress, PercentProgress } from '../base/progress.ts'
import { encodeText } from '../base/text.ts'
import { makeMatcher } from '../patterns/matcher.ts'
import type { Pattern } from '../patterns/pattern.ts'
import { fileWarning } from '../base/errno.ts'
import type { ReadSession } from '../session/session.ts'
import { extractItem, requireUndamaged, restoreFolder } from '../target/extract-item.ts'
import { type Extraction, openExtraction } from '../target/extraction.ts'
import { HardLinkPlan } from '../target/hard-links.ts'
import { stripComponents } from '../target/safe-path.ts'
import { fallbackFor } from './list.ts'
import { openArchive } from './open-archive.ts'

export interface ExtractOptions {
  /** Existing folder; nothing is ever written outside it. Default: the working folder. */
  readonly destination?: string | undefined
  /** Rules, then PATH arguments as include rules. */
  readonly patterns?: readonly Pattern[] | undefined
  /** Read and verify everything, write nothing. */
  readonly dryRun?: boolean | undefined
  /** Hand the content of regular files here, one after the other, instead of writing files. */
  readonly onContent?: ((plain: Uint8Array) => void | Promise<void>) | undefined
  /** Chunks of zeros become holes. */
  readonly sparse?: boolean | undefined
  readonly stripComponents?: number | undefined
  readonly numericIds?: boolean | undefined
  readonly noFlags?: boolean | undefined
  readonly noAcls?: boolean | undefined
  readonly noXattrs?: boolean | undefined
  readonly considerPartFiles?: boolean | undefined
  /** Count the bytes first, so that progress has a total: reads the item stream twice. */
  readonly wantProgress?: boolean | undefined
  /** Told of each item before it is extracted, and of the path it gets: `stripComponents` shortens it. */
  readonly onItem?: ((item: Item, path: string) => void) | undefined
}

export interface ExtractResult {
  readonly items: number
  /** Items that could not be restored, or not completely: each was a warning. */
  readonly failed: number
}

/** @throws BorgError 'Archive.DoesNotExist', repository errors; what concerns one file is a warning, and the rest is restored. */
export async function extractArchive(
  session: ReadSession,
  archive: string | ArchiveEntry,
  options: ExtractOptions = {},
  run: RunOptions = {},
): Promise<ExtractResult> {
  const reader = await openArchive(session, archive)
  const matcher = makeMatcher(options.patterns ?? [], fallbackFor(options.patterns ?? []))
  const selected = (item: Item): boolean =>
    matcher.match(item.path) === 'include' &&
    (item.part === undefined || options.considerPartFiles === true) &&
    shownPath(item, options) !== undefined
  const total = options.wantProgress === true ? await totalSize(reader, selected, run) : 0
  const work: Work = { session, reader, options, run, selected, progress: extractProgress(total, run) }
  const result = writesFiles(options) ? await extractFiles(work) : await readFiles(work)
  work.progress.finish()
  for (const pattern of matcher.unmatchedIncludes()) reportWarning(run, 'IncludePatternNeverMatchedWarning', pattern)
  return result
}

interface Work {
  readonly session: ReadSession
  readonly reader: ArchiveReader
  readonly options: ExtractOptions
  readonly run: RunOptions
  readonly selected: (item: Item) => boolean
  readonly progress: PercentProgress
}

/** Where an item goes below the destination; undefined when --strip-components leaves nothing of its path. */
function shownPath(item: Item, options: ExtractOptions): string | undefined {
  return stripComponents(item.path, options.stripComponents ?? 0)
}

function writesFiles(options: ExtractOptions): boolean {
  return options.dryRun !== true && options.onContent === undefined
}

async function extractFiles(work: Work): Promise<ExtractResult> {
  const { session, options, run } = work
  const root = options.destination === undefined ? session.files.currentFolder : encodeText(options.destination)
  const { sparse = false, numericIds = false, noFlags, noAcls, noXattrs } = options
  const keeping = { numericIds, noFlags, noAcls, noXattrs, stripComponents: options.stripComponents }
  using extraction = openExtraction({ files: session.files, root, sparse, ...keeping }, run)
  const turns = new EventLoopTurns(() => session.host.monotonicMs())
  const folders = new FolderStack(extraction, run)
  let items = 0
  let failed = 0
  for await (const { item, resolved, content } of selectedItems(work, extraction.links)) {
    run.signal?.throwIfAborted()
    failed += folders.leaveAllBut(item.path)
    items += 1
    options.onItem?.(item, shownPath(item, options) ?? item.path)
    const extracted = await attempt(item.path, run, () => extractItem(extraction, resolved, content))
    if (!extracted) failed += 1
    else if (classify(item).kind === 'directory') folders.enter(item)
    await turns.take()
  }
  failed += folders.leaveAll()
  return { items, failed }
}

async function readFiles(work: Work): Promise<ExtractResult> {
  const { session, options, run } = work
  const links = new HardLinkPlan(options.stripComponents)
  const turns = new EventLoopTurns(() => session.host.monotonicMs())
  let items = 0
  let failed = 0
  for await (const { item, resolved, content } of selectedItems(work, links)) {
    run.signal?.throwIfAborted()
    items += 1
    options.onItem?.(item, shownPath(item, options) ?? item.path)
    const read = await attempt(item.path, run, async () => {
      for await (const plain of content) {
        if (options.dryRun !== true) await options.onContent?.(plain)
        await turns.take()
      }
      requireUndamaged(resolved)
    })
    if (!read) failed += 1
  }
  return { items, failed }
}

interface SelectedItem {
  readonly item: Item
  /** The item to extract: a later name of a file may carry the content of the first. */
  readonly resolved: Item
  readonly content: AsyncIterable<Uint8Array>
}

/** Told apart and linked up ahead of their turn, so that content is on its way when it comes. */
async function* selectedItems(work: Work, links: HardLinkPlan): AsyncGenerator<SelectedItem> {
  const { reader, session } = work
  const all = resolvedItems(reader, work.selected, links)
  for await (const { item, content } of withContents(all, session.objects, ({ chunks }) => chunks)) {
    yield { ...item, content: reported(work, item.resolved, content()) }
  }
}

async function* resolvedItems(
  reader: ArchiveReader,
  selected: (item: Item) => boolean,
  links: HardLinkPlan,
): AsyncGenerator<Omit<SelectedItem, 'content'> & { readonly chunks: readonly ObjectId[] }> {
  for await (const item of reader.items()) {
    if (!selected(item)) {
      links.passOver(item)
      continue
    }
    const resolved = links.resolve(item)
    const chunks = classify(resolved).kind === 'file' ? (resolved.chunks ?? []) : []
    yield { item, resolved, chunks: chunks.map((chunk) => chunk.id) }
  }
}

async function* reported(work: Work, item: Item, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const plain of content) {
    // Files may be larger than the patience of whoever wants to end this.
    work.run.signal?.throwIfAborted()
    yield plain
    bytes += plain.length
    work.run.onPosition?.({ path: item.path, bytes, size: item.size })
    work.progress.advance(plain.length, [item.path])
  }
}

/** Runs `action`; what is wrong with this one file becomes a warning. */
async function attempt(path: string, run: RunOptions, action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action()
    return true
  } catch (error) {
    const warning = fileWarning(path, error) ?? contentWarning(path, error)
    if (warning === undefined) throw error
    reportWarning(run, warning.code, ...warning.args)
    return false
  }
}

/** Lost or damaged chunks concern the files they belong to, not the others. */
function contentWarning(path: string, error: unknown): { code: 'BackupError'; args: readonly string[] } | undefined {
  if (!isObjectError(error)) return undefined
  return { code: 'BackupError', args: [path, error.message] }
}

/** Folders whose attributes wait until their content is there: setting them earlier would be undone, or be in the way. */
class FolderStack {
  readonly #extraction: Extraction
  readonly #run: RunOptions
  readonly #open: Item[] = []

  constructor(extraction: Extraction, run: RunOptions) {
    this.#extraction = extraction
    this.#run = run
  }

  enter(item: Item): void {
    this.#open.push(item)
  }

  /** Finishes the folders `path` does not lie in. Returns how many failed. */
  leaveAllBut(path: string): number {
    let failed = 0
    for (let last = this.#open.at(-1); last !== undefined && !isBelow(path, last.path); last = this.#open.at(-1)) {
      failed += this.#leave(last)
    }
    return failed
  }

  leaveAll(): number {
    const progress = new PercentProgress(
      {
        msgid: 'extract.permissions',
        total: this.#open.length,
        step: 5,
        width: 3,
        decimals: 0,
        text: (percent) => `Setting directory permissions ${percent}%`,
      },
      this.#run,
    )
    let failed = 0
    for (let last = this.#open.at(-1); last !== undefined; last = this.#open.at(-1)) {
      progress.advance()
      failed += this.#leave(last)
    }
    progress.finish()
    return failed
  }

  #leave(folder: Item): number {
    this.#open.pop()
    try {
      restoreFolder(this.#extraction, folder)
      return 0
    } catch (error) {
      const warning = fileWarning(folder.path, error)
      if (warning === undefined) throw error
      reportWarning(this.#run, warning.code, ...warning.args)
      return 1
    }
  }
}

function isBelow(path: string, folder: string): boolean {
  return folder === '.' || path.startsWith(`${folder}/`)
}

async function totalSize(reader: ArchiveReader, selected: (item: Item) => boolean, run: RunOptions): Promise<number> {
  const message = new MessageProgress('extract', run)
  message.show('Calculating total archive size for the progress indicator (might take long for large archives)')
  let total = 0
  for await (const item of reader.items()) if (selected(item)) total += itemSize(item)
  message.finish()
  return total
}

function extractProgress(total: number, run: RunOptions): PercentProgress {
  const options = { msgid: 'extract', total, step: 0.1, width: 5, decimals: 1 }
  return new PercentProgress({ ...options, text: (percent, info) => `${percent}% Extracting: ${info.join(' ')}` }, run)
}
