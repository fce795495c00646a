/**
 * All objects of a repository in the clear: those that count, or everything that is still in its segments.
 */
import { toHex } from '../../base/bytes.ts'
import { type BorgError, isObjectError } from '../../base/errors.ts'
import { type RunOptions, reportWarning } from '../../base/events.ts'
import { isManifestId, type ObjectId } from '../../base/ids.ts'
import type { Repository } from '../../repository/repository.ts'
import type { LogEntry, LogPart } from '../../repository/segment-files.ts'
import type { StoreRepository } from '../../repository/segment-repository.ts'
import { openStoreOf, type RepositoryTarget } from '../../session/connect.ts'
import { type CheckAccess, unlockForCheck } from '../../session/open.ts'
import type { OpenOptions } from '../../session/repository-session.ts'

export interface PlainObject {
  /** Counts the objects, also those that cannot be read. */
  readonly number: number
  readonly id: ObjectId
  readonly plain: Uint8Array
}

const idsAtOnce = 10_000

/** In disk order. What cannot be read is a warning, and left out. The manifest may be missing. */
export async function* plainObjects(
  repository: Repository,
  open: OpenOptions,
  run: RunOptions = {},
): AsyncGenerator<PlainObject> {
  await using unlocked = await unlockForCheck(repository, open)
  let number = 0
  let ids = await repository.scan(idsAtOnce)
  while (ids.length > 0) {
    for (const id of ids) {
      run.signal?.throwIfAborted()
      const plain = await readable(run, id, async () => opened(unlocked, id, await repository.get(id)))
      if (plain !== undefined) yield { number, id, plain }
      number++
    }
    ids = await repository.scan(idsAtOnce, ids.at(-1))
  }
}

export interface LoggedObject extends Pick<LogEntry, 'segment' | 'offset' | 'tag'> {
  readonly number: number
  /** Undefined for commits. */
  readonly id: ObjectId | undefined
  /** Empty for deletes and commits. */
  readonly plain: Uint8Array
}

/**
 * Every entry of the segments in their order, or of a `part` of them: uncommitted, deleted and superseded ones too. Needs
 * neither index nor manifest. Damaged segments are reported and read as far as they go; objects that cannot be opened are
 * warnings, and left out.
 */
export async function* loggedObjects(
  target: RepositoryTarget,
  open: OpenOptions,
  part: LogPart = {},
  run: RunOptions = {},
): AsyncGenerator<LoggedObject> {
  await using repository = await openStoreOf(target, open, run)
  await using unlocked = await unlockForCheck(repository, open, await firstObject(repository))
  let number = 0
  for await (const { segment, offset, tag, id, data } of repository.logEntries(part)) {
    run.signal?.throwIfAborted()
    const plain = tag === 'put' ? await readable(run, id, () => opened(unlocked, id, data)) : data
    if (plain !== undefined) yield { number, segment, offset, tag, id: tag === 'commit' ? undefined : id, plain }
    number++
  }
}

async function firstObject(repository: StoreRepository): Promise<Uint8Array | undefined> {
  for await (const { tag, data } of repository.logEntries()) if (tag === 'put') return data
  return undefined
}

async function opened({ lanes }: CheckAccess, id: ObjectId, stored: Uint8Array): Promise<Uint8Array> {
  return await lanes.next().open(isManifestId(id) ? undefined : id, stored)
}

async function readable(
  run: RunOptions,
  id: ObjectId,
  read: () => Promise<Uint8Array>,
): Promise<Uint8Array | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!isObjectError(error)) throw error
    reportWarning(run, 'GenericWarning', `object ${toHex(id)}: ${(error as BorgError).message}`)
    return undefined
  }
}
