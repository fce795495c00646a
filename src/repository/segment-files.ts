/**
 * The numbered files under data/, to be listed, read through and removed. Written by segment-log.ts.
 * Source: format/repository.md §1 (names), §9 (which segment ends a transaction), §16 (removal).
 */
import { BorgError, isBorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { type SegmentNumber, segmentNumber, type StorePath, storePath } from '../base/ids.ts'
import type { RepositoryConfig } from './repo-config.ts'
import { isStoreNotFound, type Store, type StoreEntry } from '../store/store.ts'
import { commitSegmentSize, entryError, headerSize } from './segment-entry.ts'
import { endsLikeCommit, type ScannedEntry, SegmentParser, salvageSegment } from './segment-scan.ts'

export interface SegmentLayout {
  readonly segmentsPerFolder: number
  /** Soft limit: a segment is closed before the write that finds it larger. */
  readonly segmentSizeMax: number
}

export interface SegmentFile {
  readonly segment: SegmentNumber
  readonly size: number
}

export interface LogEntry extends ScannedEntry {
  readonly segment: SegmentNumber
}

/** Part of the log: one segment, one entry (of each segment), or all of it. */
export interface LogPart {
  readonly segment?: number | undefined
  readonly offset?: number | undefined
}

export const dataFolder: StorePath = storePath('data')

/** Segments are read through in steps of this many bytes, the next one asked for while one is looked at. */
const blockSize = 4 * 1024 * 1024

export class SegmentFiles {
  readonly store: Store
  readonly layout: SegmentLayout

  constructor(store: Store, layout: SegmentLayout) {
    this.store = store
    this.layout = layout
  }

  path(segment: SegmentNumber): StorePath {
    return storePath(`data/${Math.floor(segment / this.layout.segmentsPerFolder)}/${segment}`)
  }

  /**
   * Segments in numerical order, with their sizes; a folder is listed when its turn comes.
   * @throws BorgError 'IntegrityError' for a segment in a folder where it does not belong.
   */
  async *list(order: 'ascending' | 'descending'): AsyncGenerator<SegmentFile> {
    const sign = order === 'ascending' ? 1 : -1
    const folders = await numbered(this.store, dataFolder, 'folder')
    for (const folder of folders.sort((a, b) => sign * (a.number - b.number))) {
      const files = await numbered(this.store, folder.entry.path, 'file')
      for (const { number, entry } of files.sort((a, b) => sign * (a.number - b.number))) {
        const segment = segmentNumber(number)
        if (this.path(segment) !== entry.path) {
          throw new BorgError('IntegrityError', [
            `segment file ${entry.path} belongs at ${this.path(segment)} (segments_per_dir is ${this.layout.segmentsPerFolder})`,
          ])
        }
        yield { segment, size: entry.size }
      }
    }
  }

  /** Sizes of all segments, ascending. */
  async sizes(): Promise<Map<SegmentNumber, number>> {
    const sizes = new Map<SegmentNumber, number>()
    for await (const { segment, size } of this.list('ascending')) sizes.set(segment, size)
    return sizes
  }

  /** The newest segment that ends a transaction: what the repository's state is by. Damaged segments end none. */
  async lastCommitted(): Promise<SegmentNumber | undefined> {
    for await (const { segment, size } of this.list('descending')) {
      if (await this.#isCommitted(segment, size)) return segment
    }
    return undefined
  }

  /** 0 when there is no such file. */
  async size(segment: SegmentNumber): Promise<number> {
    return (await this.store.stat(this.path(segment)))?.size ?? 0
  }

  /**
   * All entries, or those `from` an offset on, checksums verified, in batches. With `keepData` puts carry their data.
   * @throws BorgError 'IntegrityError' at the first damage, after the entries before it; StoreNotFound.
   */
  async *scan(
    segment: SegmentNumber,
    options: { keepData: boolean; from?: number | undefined },
  ): AsyncGenerator<readonly ScannedEntry[]> {
    const parser = new SegmentParser(options)
    for await (const block of this.blocks(segment, options.from)) {
      const entries = parser.feed(block)
      if (entries.length > 0) yield entries
      if (parser.problem !== undefined) break
    }
    parser.end()
    if (parser.problem !== undefined) throw entryError(parser.problem.problem, segment, parser.problem.offset)
  }

  /** Everything that was ever logged and is still there, live or not, in its order. Damage ends its segment, and is reported. */
  async *entries(part: LogPart, run: RunOptions): AsyncGenerator<LogEntry> {
    for await (const { segment } of this.list('ascending')) {
      if (part.segment === undefined || part.segment === segment) yield* this.#entriesOf(segment, part.offset, run)
    }
  }

  async *#entriesOf(segment: SegmentNumber, offset: number | undefined, run: RunOptions): AsyncGenerator<LogEntry> {
    try {
      for await (const entries of this.scan(segment, { keepData: true, from: offset })) {
        for (const entry of entries) {
          yield { ...entry, segment }
          if (offset !== undefined) return
        }
      }
    } catch (error) {
      if (!isBorgError(error, 'IntegrityError')) throw error
      const path = `${this.store.name}/${this.path(segment)}`
      const message = `Segment ${segment} (${path}) has IntegrityError(s) [${error.message}] - skipping.`
      reportLog(run, 'error', message, 'borg.repository')
    }
  }

  /** The bytes of the file, `from` an offset on. @throws StoreNotFound */
  async *blocks(segment: SegmentNumber, from = 0): AsyncGenerator<Uint8Array> {
    const path = this.path(segment)
    const readAt = (offset: number): Promise<Uint8Array> => {
      const block = this.store.read(path, { offset, length: blockSize })
      // Asked for ahead of need: nobody may come for the answer.
      block.catch(() => {})
      return block
    }
    let offset = from
    let next = readAt(from)
    for (;;) {
      const block = await next
      offset += block.length
      const isLast = block.length < blockSize
      if (!isLast) next = readAt(offset)
      if (block.length > 0) yield block
      if (isLast) return
    }
  }

  async remove(segment: SegmentNumber): Promise<void> {
    await this.store.remove(this.path(segment))
  }

  async removeEmptyFolders(): Promise<void> {
    await this.store.removeEmptyFolders(dataFolder)
  }

  /** Segments of no transaction, newest first. */
  async discardAfter(segment: SegmentNumber | undefined): Promise<void> {
    for await (const file of this.list('descending')) {
      if (segment !== undefined && file.segment <= segment) return
      await this.remove(file.segment)
    }
  }

  /** Replaces a damaged segment by what can be saved of it; the file is there whole, old or new, at any moment. */
  async salvage(segment: SegmentNumber): Promise<void> {
    const path = this.path(segment)
    const size = await this.size(segment)
    // A stream over the file it replaces: `write` stores the new content beside the old until it is complete.
    await this.store.write(path, salvageSegment(size < commitSegmentSize ? noBlocks() : this.blocks(segment)))
  }

  async #isCommitted(segment: SegmentNumber, size: number): Promise<boolean> {
    if (size < commitSegmentSize) return false
    try {
      const end = await this.store.read(this.path(segment), { offset: size - headerSize, length: headerSize })
      if (!endsLikeCommit(end)) return false
      const parser = new SegmentParser({ keepData: false })
      for await (const block of this.blocks(segment)) {
        parser.feed(block)
        if (parser.problem !== undefined) return false
      }
      parser.end()
      return parser.isCommitted
    } catch (error) {
      // Listed and gone: a name that a crash left without its file.
      if (isStoreNotFound(error)) return false
      throw error
    }
  }
}

async function* noBlocks(): AsyncGenerator<Uint8Array> {}

interface Numbered {
  readonly number: number
  readonly entry: StoreEntry
}

/** Children of `folder` whose name is a decimal number without leading zeros. */
async function numbered(store: Store, folder: StorePath, kind: StoreEntry['kind']): Promise<Numbered[]> {
  const found: Numbered[] = []
  for await (const entry of store.list(folder)) {
    const name = entry.path.slice(folder.length + 1)
    const number = Number(name)
    if (entry.kind === kind && /^(0|[1-9]\d{0,9})$/.test(name) && number <= 0xffff_ffff) found.push({ number, entry })
  }
  return found
}

/**
 * Saves a config under which every segment of `files` is where it belongs.
 * @throws BorgError 'Error' for another: nobody could open the repository again
 */
export async function saveFitting(config: RepositoryConfig, files: SegmentFiles, run: RunOptions): Promise<void> {
  const { segmentsPerFolder } = config
  if (segmentsPerFolder !== files.layout.segmentsPerFolder) {
    const changed = new SegmentFiles(files.store, { ...files.layout, segmentsPerFolder })
    for await (const { segment } of files.list('ascending')) {
      const [is, shouldBe] = [files.path(segment), changed.path(segment)]
      if (is === shouldBe) continue
      const text = `segments_per_dir cannot be ${segmentsPerFolder}: segment ${is} would have to be ${shouldBe}`
      throw new BorgError('Error', [text])
    }
  }
  await config.save(files.store, run)
}
