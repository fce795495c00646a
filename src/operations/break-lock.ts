/**
 * Removing locks whose owners are known to be gone: of the repository, and of this client's cache of it.
 */
import type { RunOptions } from '../base/events.ts'
import { breakLock } from '../repository/lock.ts'
import { type ConnectOptions, connectRepository, type RepositoryTarget } from '../session/connect.ts'
import type { OpenOptions } from '../session/repository-session.ts'
import { cacheStore, sessionContext } from '../session/repository-session.ts'

/** Takes no lock itself, and asks nobody: only for when no client is at work. Fine if nothing was locked. */
export async function breakLocks(
  target: RepositoryTarget,
  options: Omit<ConnectOptions, 'access'> & Pick<OpenOptions, 'directories'> = {},
  run: RunOptions = {},
): Promise<void> {
  const unlocked = { ...options, access: 'unlocked' } as const
  await using repository = await connectRepository(target, unlocked, run)
  await repository.breakLock()
  const cache = cacheStore(sessionContext(repository, repository.location, unlocked), repository.id)
  if ((await cache.root()) !== 'missing') await breakLock(cache)
}
