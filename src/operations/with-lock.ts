/**
 * Keeping everybody else out of a repository while something happens to its files: a copy of them, a snapshot.
 */
import type { RunOptions } from '../base/events.ts'
import { type ConnectOptions, connectRepository, type RepositoryTarget } from '../session/connect.ts'

/**
 * Holds the exclusive lock while `action` runs, and does nothing else: no key is asked for and nothing is written, so
 * `action` may even replace the repository's files.
 * @throws BorgError 'LockTimeout' | 'LockFailed', 'Repository.DoesNotExist' and its family, and what `action` throws
 */
export async function withLock<T>(
  target: RepositoryTarget,
  options: Omit<ConnectOptions, 'access'>,
  action: () => Promise<T>,
  run: RunOptions = {},
): Promise<T> {
  await using repository = await connectRepository(target, { ...options, access: 'write' }, run)
  void repository
  return await action()
}
