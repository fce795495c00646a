/**
 * Many stored objects, read ahead, of which some may be lost: one failure does not end the rest.
 */
import { isObjectError } from '../base/errors.ts'
import type { ObjectId } from '../base/ids.ts'
import type { RepositoryReader } from '../repository/repository.ts'

export type StoredOutcome =
  | { readonly id: ObjectId; readonly stored: Uint8Array }
  /** Why it cannot be read: see `isObjectError`. */
  | { readonly id: ObjectId; readonly error: unknown }

/** After a failure so many are read one by one: where much is lost, reading ahead would be for nothing again and again. */
const carefulReads = 8

/** In the order of `ids`. @throws whatever concerns the repository rather than one object */
export async function* storedEach(
  repository: Pick<RepositoryReader, 'get' | 'getMany'>,
  ids: readonly ObjectId[],
): AsyncGenerator<StoredOutcome> {
  let careful = 0
  for (let at = 0; at < ids.length; ) {
    const id = ids[at] as ObjectId
    if (careful > 0) {
      const outcome = await storedOne(repository, id)
      careful = 'error' in outcome ? carefulReads : careful - 1
      at++
      yield outcome
      continue
    }
    for await (const outcome of storedUntilFailure(repository, ids.slice(at))) {
      if ('error' in outcome) careful = carefulReads
      at++
      yield outcome
    }
  }
}

async function* storedUntilFailure(
  repository: Pick<RepositoryReader, 'getMany'>,
  ids: readonly ObjectId[],
): AsyncGenerator<StoredOutcome> {
  const stream = repository.getMany(ids)[Symbol.asyncIterator]()
  try {
    for (const id of ids) {
      const outcome = await next(stream, id)
      yield outcome
      if ('error' in outcome) return
    }
  } finally {
    await stream.return?.()
  }
}

async function next(stream: AsyncIterator<Uint8Array>, id: ObjectId): Promise<StoredOutcome> {
  try {
    const { value, done } = await stream.next()
    if (done === true) throw new RangeError('the repository gave fewer objects than were asked for')
    return { id, stored: value }
  } catch (error) {
    if (!isObjectError(error)) throw error
    return { id, error }
  }
}

async function storedOne(repository: Pick<RepositoryReader, 'get'>, id: ObjectId): Promise<StoredOutcome> {
  try {
    return { id, stored: await repository.get(id) }
  } catch (error) {
    if (!isObjectError(error)) throw error
    return { id, error }
  }
}
