/**
 * Repository objects in the clear: fetched, authenticated, decrypted, decompressed, id checked.
 */
import { isManifestId, type ObjectId } from '../base/ids.ts'
import type { RepositoryReader } from '../repository/repository.ts'
import type { LanePool } from '../workers/lane-pool.ts'

export interface ObjectReader {
  /** @throws BorgError 'Repository.ObjectNotFound' | 'IntegrityError' | 'DecompressionError' */
  read(id: ObjectId): Promise<Uint8Array>
  /**
   * In the order asked, with reads and lanes kept busy ahead of the consumer within the lanes' byte limit. Give lazy ids
   * to read ahead across files. Ends with the first failure, after everything before it: errors as `read`.
   */
  readMany(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncIterable<Uint8Array>
}

interface Opening {
  readonly storedSize: number
  readonly plain: Promise<Uint8Array>
}

export function makeObjectReader(repository: RepositoryReader, lanes: LanePool): ObjectReader {
  const open = (id: ObjectId, stored: Uint8Array): Promise<Uint8Array> =>
    // The manifest's id is no hash of its content: its own MAC vouches for it.
    lanes.next().open(isManifestId(id) ? undefined : id, stored)

  return {
    read: async (id) => open(id, await repository.get(id)),

    async *readMany(ids) {
      /** Asked of the repository, answer not seen yet; answers come in this order. */
      const asked: ObjectId[] = []
      const opening: Opening[] = []
      let openingBytes = 0
      const openNext = (stored: Uint8Array): Opening => {
        const id = asked.shift()
        if (id === undefined) throw new RangeError('the repository gave an object nobody asked for')
        return { storedSize: stored.length, plain: quiet(open(id, stored)) }
      }
      const finished = async (): Promise<Uint8Array> => {
        const { storedSize, plain } = opening.shift() as Opening
        openingBytes -= storedSize
        return plain
      }
      for await (const answer of answers(repository.getMany(remembered(ids, asked)))) {
        const { storedSize, plain } = answer.kind === 'stored' ? openNext(answer.stored) : failed(answer.error)
        while (opening.length > 0 && openingBytes + storedSize > lanes.byteLimit) yield await finished()
        opening.push({ storedSize, plain })
        openingBytes += storedSize
        if (opening.length >= 2 * lanes.width - 1) yield await finished()
      }
      while (opening.length > 0) yield await finished()
    },
  }
}

/** The same ids; each is noted in `asked` as it is taken. */
function remembered(
  ids: Iterable<ObjectId> | AsyncIterable<ObjectId>,
  asked: ObjectId[],
): Iterable<ObjectId> | AsyncIterable<ObjectId> {
  return Symbol.asyncIterator in ids ? rememberedLater(ids, asked) : rememberedNow(ids, asked)
}

function* rememberedNow(ids: Iterable<ObjectId>, asked: ObjectId[]): Generator<ObjectId> {
  for (const id of ids) {
    asked.push(id)
    yield id
  }
}

async function* rememberedLater(ids: AsyncIterable<ObjectId>, asked: ObjectId[]): AsyncGenerator<ObjectId> {
  for await (const id of ids) {
    asked.push(id)
    yield id
  }
}

type Answer =
  | { readonly kind: 'stored'; readonly stored: Uint8Array }
  | { readonly kind: 'error'; readonly error: unknown }

/** A failing stream as one that ends with its failure: so it takes its turn behind the objects that came before. */
async function* answers(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Answer> {
  try {
    for await (const stored of stream) yield { kind: 'stored', stored }
  } catch (error) {
    yield { kind: 'error', error }
  }
}

function failed(error: unknown): Opening {
  return { storedSize: 0, plain: quiet(Promise.reject(error)) }
}

/** A failure is seen when its turn comes; until then it must not count as unhandled. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
