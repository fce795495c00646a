/**
 * What differs between two archives of one repository, path by path.
 *
 * Both are read side by side; what has no partner yet waits, so memory grows with how far the archives have drifted apart.
 * Source: CLI contract commands.md section 6; the order of lines and what counts as different tried out with borg 1.4.0.
 */
import type { ArchiveReader } from '../archive/archive-reader.ts'
import { classify, type Item, itemSize, mayBeSource } from '../archive/item.ts'
import { type RunOptions, reportLog, reportWarning } from '../base/events.ts'
import { EventLoopTurns } from '../base/flow.ts'
import { chunkerParamsFromFields, sameChunkerParams } from '../chunker/chunker.ts'
import { type Matcher, makeMatcher } from '../patterns/matcher.ts'
import type { Pattern } from '../patterns/pattern.ts'
import type { ReadSession } from '../session/session.ts'
import { type ContentCompare, compareByBytes, compareByIds, type Pause } from './diff-content.ts'
import { attributeChanges, type DiffChange, presence } from './diff-item.ts'
import { fallbackFor } from './list.ts'
import { openArchive } from './open-archive.ts'

export interface DiffOptions {
  /** Rules, then PATH arguments as include rules. */
  readonly patterns?: readonly Pattern[] | undefined
  /** Leave owners, modes and times out. */
  readonly contentOnly?: boolean | undefined
  /** Believe that both archives were cut alike, whatever they say. */
  readonly sameChunkerParams?: boolean | undefined
  readonly considerPartFiles?: boolean | undefined
}

export interface PathDifference {
  readonly path: string
  /** In the order they are shown. May be empty: something differs that is not shown, such as a time only one side has. */
  readonly changes: readonly DiffChange[]
  readonly before: Item | undefined
  readonly after: Item | undefined
}

/**
 * Paths that both have come first, as they are met; then what was added, then what was removed, then names of hard links
 * that had to wait for their first name.
 * @throws BorgError 'Archive.DoesNotExist', repository errors
 */
export async function* diffArchives(
  session: ReadSession,
  before: string,
  after: string,
  options: DiffOptions = {},
  run: RunOptions = {},
): AsyncGenerator<PathDifference> {
  const archives = [await openArchive(session, before), await openArchive(session, after)] as const
  const patterns = options.patterns ?? []
  const matcher = makeMatcher(patterns, fallbackFor(patterns))
  const turns = new EventLoopTurns(() => session.host.monotonicMs())
  const pause = async (): Promise<void> => {
    await turns.take()
    run.signal?.throwIfAborted()
  }
  const comparison = new Comparison(contentCompare(archives, options, pause, run), options, run)
  const items = (archive: ArchiveReader): AsyncGenerator<Item> => selected(archive, matcher, options, pause)
  yield* comparison.run(items(archives[0]), items(archives[1]))
  for (const pattern of matcher.unmatchedIncludes()) reportWarning(run, 'IncludePatternNeverMatchedWarning', pattern)
}

async function* selected(
  archive: ArchiveReader,
  matcher: Matcher,
  options: DiffOptions,
  pause: Pause,
): AsyncGenerator<Item> {
  for await (const item of archive.items()) {
    await pause()
    if (matcher.match(item.path) !== 'include') continue
    if (item.part === undefined || options.considerPartFiles === true) yield item
  }
}

/** By chunk ids where equal content means equal ids, else by reading everything. */
function contentCompare(
  [before, after]: readonly [ArchiveReader, ArchiveReader],
  options: DiffOptions,
  pause: Pause,
  run: RunOptions,
): ContentCompare {
  if (options.sameChunkerParams === true) return compareByIds
  const [one, other] = [before, after].map(({ metadata }) => chunkerParamsFromFields(metadata.chunkerParams ?? []))
  if (one !== undefined && other !== undefined && sameChunkerParams(one, other)) return compareByIds
  if (one !== undefined && other !== undefined) {
    reportLog(run, 'warning', '--chunker-params are different between archives, diff will be slow.')
  } else {
    const doubt = '--chunker-params might be different between archives, diff will be slow.'
    reportLog(run, 'warning', `${doubt}\nIf you know that they are the same, say so with --same-chunker-params.`)
  }
  return compareByBytes(before, after, pause)
}

type Pair = readonly [before: Item | undefined, after: Item | undefined]
type Both = readonly [before: Item, after: Item]

class Comparison {
  readonly #content: ContentCompare
  readonly #options: DiffOptions
  readonly #run: RunOptions
  /** First names of files with several, once they were compared. */
  readonly #firstNames = new Map<string, Pair>()
  /** Names whose first name was not met yet. */
  readonly #deferred: Both[] = []

  constructor(content: ContentCompare, options: DiffOptions, run: RunOptions) {
    this.#content = content
    this.#options = options
    this.#run = run
  }

  async *run(before: AsyncIterator<Item>, after: AsyncIterator<Item>): AsyncGenerator<PathDifference> {
    const onlyBefore = new Map<string, Item>()
    const onlyAfter = new Map<string, Item>()
    for await (const [one, other] of sideBySide(before, after)) {
      if (one !== undefined && one.path === other?.path) {
        yield* this.#compare([one, other])
        continue
      }
      if (one !== undefined) {
        const partner = take(onlyAfter, one.path)
        if (partner === undefined) onlyBefore.set(one.path, one)
        else yield* this.#compare([one, partner])
      }
      if (other !== undefined) {
        const partner = take(onlyBefore, other.path)
        if (partner === undefined) onlyAfter.set(other.path, other)
        else yield* this.#compare([partner, other])
      }
    }
    for (const item of onlyAfter.values()) yield this.#alone([undefined, item])
    for (const item of onlyBefore.values()) yield this.#alone([item, undefined])
    yield* this.#finish()
  }

  /** What waited for a first name: it is there now, or it was left out. */
  async *#finish(): AsyncGenerator<PathDifference> {
    for (const pair of this.#deferred.splice(0)) {
      const missing = this.#missingSource(pair)
      if (missing === undefined) yield* this.#difference(pair)
      else {
        const text = `cannot find hardlink source for ${missing.path} (${missing.source}), skipping compare.`
        reportWarning(this.#run, 'GenericWarning', text)
      }
    }
  }

  async *#compare(pair: Both): AsyncGenerator<PathDifference> {
    this.#remember(pair)
    if (this.#missingSource(pair) === undefined) yield* this.#difference(pair)
    else this.#deferred.push(pair)
  }

  /** Waits for nothing: all first names that were selected are known by now. */
  #alone(pair: Pair): PathDifference {
    this.#remember(pair)
    const [before, after] = pair.map((item, side) => item && this.#whole(item, side))
    return { path: pathOf(pair), changes: presence(before, after), before, after }
  }

  #remember(pair: Pair): void {
    if (pair.some((item) => item !== undefined && mayBeSource(item))) this.#firstNames.set(pathOf(pair), pair)
  }

  #missingSource(pair: Both): Item | undefined {
    return pair.find((item, side) => isLaterName(item) && this.#firstNameOf(item, side) === undefined)
  }

  #firstNameOf(item: Item, side: number): Item | undefined {
    return this.#firstNames.get(item.source ?? '')?.[side]
  }

  async *#difference(pair: Both): AsyncGenerator<PathDifference> {
    const [before, after] = [this.#whole(pair[0], 0), this.#whole(pair[1], 1)]
    const attributes = this.#options.contentOnly === true ? undefined : attributeChanges(before, after)
    const content = await this.#content(before, after, { differs: attributes?.equal === false })
    if (content === 'equal' && (attributes === undefined || attributes.equal)) return
    const changes = [...(content === 'equal' ? [] : content), ...(attributes?.changes ?? [])]
    yield { path: pathOf(pair), changes, before, after }
  }

  /** A later name with the content of the first. */
  #whole(item: Item, side: number): Item {
    if (!isLaterName(item)) return item
    const first = this.#firstNameOf(item, side)
    return first === undefined ? item : { ...item, chunks: first.chunks, size: itemSize(first) }
  }
}

function isLaterName(item: Item): boolean {
  return classify(item).kind === 'hardlink'
}

function pathOf([before, after]: Pair): string {
  return (before ?? after)?.path ?? ''
}

function take(items: Map<string, Item>, path: string): Item | undefined {
  const item = items.get(path)
  items.delete(path)
  return item
}

/** The n-th of both at a time, to the end of the longer one. */
async function* sideBySide(before: AsyncIterator<Item>, after: AsyncIterator<Item>): AsyncGenerator<Pair> {
  try {
    while (true) {
      const one = await before.next()
      const other = await after.next()
      if (one.done === true && other.done === true) return
      yield [one.done === true ? undefined : one.value, other.done === true ? undefined : other.value]
    }
  } finally {
    await before.return?.()
    await after.return?.()
  }
}
