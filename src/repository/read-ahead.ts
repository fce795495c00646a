/**
 * Many objects in the order asked: neighbours are read together, several reads are under way at a time.
 *
 * Ids are taken from the source as long as they come at once. A source that makes us wait, perhaps for what we have not
 * delivered yet, gets everything read so far delivered first: so it may depend on it.
 */
import type { ObjectId } from '../base/ids.ts'
import type { EntryPlace } from './segment-entry.ts'
import type { SegmentReader, WantedEntry } from './segment-reader.ts'

export interface ReadAheadSource {
  /** @throws when there is no such object. */
  locate(id: ObjectId): EntryPlace
  makeReadable(place: EntryPlace): Promise<void>
}

type Results = readonly (Uint8Array | Error)[]
type Next = IteratorResult<ObjectId, unknown>

/** @throws what `locate` throws, or BorgError 'IntegrityError', at the turn of the object concerned. */
export async function* readInOrder(
  ids: Iterable<ObjectId> | AsyncIterable<ObjectId>,
  reader: SegmentReader,
  source: ReadAheadSource,
): AsyncGenerator<Uint8Array> {
  const wanted = new WantedIds(ids)
  const running: Promise<Results>[] = []
  let run: WantedEntry[] = []
  const start = (results: Promise<Results>): void => {
    // Seen when its turn comes; until then a failure must not count as unhandled.
    results.catch(() => {})
    running.push(results)
  }
  const startRun = (): void => {
    if (run.length > 0) start(readRun(run, reader, source))
    run = []
  }
  try {
    for (;;) {
      const next =
        running.length < reader.sizes.concurrency ? await wanted.next(running.length + run.length > 0) : 'later'
      if (next === 'later') startRun()
      else if (next === 'end') {
        startRun()
        if (running.length === 0) return
      } else {
        const located = locate(next, source)
        if (located instanceof Error) {
          startRun()
          start(Promise.resolve([located]))
        } else {
          const [first, last] = [run[0], run.at(-1)]
          if (
            first !== undefined &&
            last !== undefined &&
            !reader.continuesRun(first.place, last.place, located.place)
          ) {
            startRun()
          }
          run.push(located)
        }
        continue
      }
      for (const result of (await running.shift()) ?? []) {
        if (result instanceof Error) throw result
        yield result
      }
    }
  } finally {
    await Promise.allSettled([...running, wanted.close()])
  }
}

function locate(id: ObjectId, source: ReadAheadSource): WantedEntry | Error {
  try {
    return { id, place: source.locate(id) }
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
}

async function readRun(run: readonly WantedEntry[], reader: SegmentReader, source: ReadAheadSource): Promise<Results> {
  const last = run.at(-1)
  if (last !== undefined) await source.makeReadable(last.place)
  return reader.readRun(run)
}

/** Ids out of either kind of iterable, telling apart "none yet" and "no more". */
class WantedIds {
  readonly #iterator: Iterator<ObjectId> | AsyncIterator<ObjectId>
  #pending: Promise<Next> | undefined
  #ended = false

  constructor(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>) {
    this.#iterator = Symbol.asyncIterator in ids ? ids[Symbol.asyncIterator]() : ids[Symbol.iterator]()
  }

  /** 'later' only with `impatient`: the source does not answer at once. */
  async next(impatient: boolean): Promise<ObjectId | 'later' | 'end'> {
    if (this.#ended) return 'end'
    if (this.#pending === undefined) {
      const next = this.#iterator.next()
      if (!(next instanceof Promise)) return this.#taken(next)
      this.#pending = next
      next.catch(() => {})
    }
    const next = impatient ? await Promise.race([this.#pending, shortly()]) : await this.#pending
    if (next === 'later') return 'later'
    this.#pending = undefined
    return this.#taken(next)
  }

  /** Not waited for while the source owes us an id: it may owe it for ever. */
  async close(): Promise<void> {
    if (this.#ended) return
    const closed = Promise.resolve(this.#iterator.return?.())
    closed.catch(() => {})
    if (this.#pending === undefined) await closed
  }

  #taken(next: Next): ObjectId | 'end' {
    if (next.done !== true) return next.value
    this.#ended = true
    return 'end'
  }
}

/** After everything that is ready to run has run. */
function shortly(): Promise<'later'> {
  return new Promise((resolve) => {
    setImmediate(() => resolve('later'))
  })
}
