/**
 * One object under a given id, without deduplication: the manifest, and what repairs put back.
 */
import type { ObjectId } from '../base/ids.ts'
import type { NonceAllocator } from '../crypto/nonces.ts'
import type { Repository } from '../repository/repository.ts'
import type { Lane } from '../workers/lane.ts'

export interface ObjectWriterParts {
  readonly repository: Pick<Repository, 'put'>
  readonly lane: Lane
  readonly nonces: Pick<NonceAllocator, 'take'>
}

/**
 * Seals `plain` and puts it under `id`, whatever is there. Resolves, with the stored size in bytes, once the repository
 * has accepted it. `id` is taken as given: for anything but the manifest it must be the hash of `plain`, or nobody will
 * ever read the object back.
 */
export async function putObject(parts: ObjectWriterParts, id: ObjectId, plain: Uint8Array): Promise<number> {
  const held = await parts.lane.hold(plain)
  const stored = await held.seal(await parts.nonces.take(held.blocksMax))
  await parts.repository.put(id, stored)
  return stored.length
}
