/**
 * Single objects as the repository stores them, and what it remembers of all of them.
 */
import { isBorgError } from '../../base/errors.ts'
import type { RunOptions } from '../../base/events.ts'
import type { ObjectId } from '../../base/ids.ts'
import { idHash } from '../../crypto/envelope.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import type { Hints } from '../../repository/ledger.ts'
import type { Repository } from '../../repository/repository.ts'
import { type ConnectOptions, openStoreOf, type RepositoryTarget } from '../../session/connect.ts'

/** The id that `plain` has, or would have, in the repository of `key`. */
export function contentId(key: KeyMaterial, plain: Uint8Array): ObjectId {
  return idHash(key, plain)
}

/** Whoever refers to it will miss it. Not committed yet. False when there is no such object. */
export async function deleteStoredObject(repository: Repository, id: ObjectId): Promise<boolean> {
  try {
    await repository.get(id)
  } catch (error) {
    if (isBorgError(error, 'Repository.ObjectNotFound')) return false
    // It is there, whatever is left of it.
    if (!isBorgError(error, 'IntegrityError')) throw error
  }
  await repository.delete(id)
  return true
}

/** The bookkeeping of a repository as it is for the next transaction. Changes nothing; takes the exclusive lock. */
export async function repositoryHints(
  target: RepositoryTarget,
  options: ConnectOptions,
  run: RunOptions = {},
): Promise<Hints> {
  await using repository = await openStoreOf(target, { ...options, access: 'write' }, run)
  const hints = await repository.hints()
  return { ...hints, shadows: [...hints.shadows] }
}
