/**
 * The content of an archived file as the recreated archive refers to it: as it is, compressed again, or cut anew.
 */
import { type ChunkRef, isDamaged, type Item, itemSize } from '../archive/item.ts'
import { toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import type { ObjectId } from '../base/ids.ts'
import type { Cache } from '../cache/cache.ts'
import type { ChunkerParams } from '../chunker/chunker.ts'
import type { Renewal } from '../dedup/chunk-writer.ts'
import { HashIndex } from '../format/hash-index.ts'
import type { WriteSession } from '../session/session.ts'
import type { HeldChunk } from '../workers/lane.ts'
import { isSourceReadError } from '../workers/source-read-error.ts'
import { type ContentContext, storeContent } from './create-content.ts'

/** Compresses every chunk once in a run, however many archives refer to it. */
export class Recompression implements Renewal {
  readonly #session: Pick<WriteSession, 'repository' | 'lanes'>
  readonly #mode: 'if-different' | 'always'
  /** As compact as the chunk cache: a run may see all chunks of a repository. */
  readonly #seen = HashIndex.create(2)

  constructor(session: Pick<WriteSession, 'repository' | 'lanes'>, mode: 'if-different' | 'always') {
    this.#session = session
    this.#mode = mode
  }

  isFirst(id: ObjectId): boolean {
    if (this.#seen.has(id)) return false
    this.#seen.insert(id)
    return true
  }

  async wants(held: HeldChunk): Promise<boolean> {
    if (this.#mode === 'always') return true
    const { repository, lanes } = this.#session
    const stored = await lanes.next().algorithmOf(held.id, await repository.get(held.id))
    return stored !== (await held.algorithm())
  }

  /** Whether nothing is left to do for this content: then it need not be read. */
  isDone(chunks: readonly ChunkRef[]): boolean {
    return chunks.every(({ id }) => this.#seen.has(id))
  }
}

export interface RewriteContext extends ContentContext {
  readonly session: Pick<WriteSession, 'location'>
  readonly cache: Pick<Cache, 'chunks'>
  readonly recompression: Recompression | undefined
  /** How to cut, when that is to change. */
  readonly chunkerParams: ChunkerParams | undefined
}

/** Of which chunks the content has to be read, as far as it is known ahead of its turn. */
export function readForRewrite(
  item: Item,
  { recompression, chunkerParams }: Pick<RewriteContext, 'recompression' | 'chunkerParams'>,
): readonly ObjectId[] {
  const own = item.chunks ?? []
  const read = isCutAnew(item, chunkerParams) || !(recompression === undefined || recompression.isDone(own))
  return read ? own.map(({ id }) => id) : []
}

function isCutAnew(item: Item, chunkerParams: ChunkerParams | undefined): chunkerParams is ChunkerParams {
  return chunkerParams !== undefined && !isDamaged(item)
}

/**
 * `item` with references the new archive owns. A repaired file is not cut anew: what it was before the repair could no
 * longer be put back when the lost chunks turn up. `content` is of the chunks that `readForRewrite` named.
 * @throws BorgError 'Repository.ObjectNotFound' | 'IntegrityError' when content to be rewritten is lost.
 */
export async function rewriteContent(
  item: Item,
  content: () => AsyncIterable<Uint8Array>,
  context: RewriteContext,
): Promise<Item> {
  const { chunks, recompression, chunkerParams } = context
  const own = item.chunks ?? []
  if (isCutAnew(item, chunkerParams)) {
    const cut = chunks.addStream({ kind: 'stream', bytes: content() }, chunkerParams)
    return {
      ...item,
      chunks: await storeContent({ chunks: unmarked(cut), fileName: undefined, size: itemSize(item) }, item, context),
    }
  }
  if (recompression === undefined || recompression.isDone(own)) {
    const reused = chunks.reuse(own.map(({ id }) => id))
    if (reused === undefined) throw missing(own, context)
    return recompression === undefined ? item : { ...item, chunks: reused }
  }
  const again = chunks.addChunks(content())
  return {
    ...item,
    chunks: await storeContent({ chunks: again, fileName: undefined, size: itemSize(item) }, item, context),
  }
}

/** What cannot be read here is no unreadable file that may be skipped: it is the repository. */
async function* unmarked(refs: AsyncIterable<ChunkRef>): AsyncGenerator<ChunkRef> {
  try {
    yield* refs
  } catch (error) {
    throw isSourceReadError(error) ? error.cause : error
  }
}

function missing(chunks: readonly ChunkRef[], { cache, session }: RewriteContext): BorgError {
  const lost = chunks.filter(({ id }) => !cache.chunks.has(id)).map(({ id }) => toHex(id))
  return new BorgError('Repository.ObjectNotFound', [lost[0] ?? '', session.location])
}
