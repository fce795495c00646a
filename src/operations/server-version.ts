/**
 * Which borg keeps a repository.
 */
import type { RunOptions } from '../base/events.ts'
import { borgVersion } from '../base/limits.ts'
import { type ConnectOptions, connectRepository, type RepositoryTarget } from '../session/connect.ts'

/** '1.4.0' of the server; of ourselves where there is none. The repository is opened without a lock. */
export async function serverVersion(
  target: RepositoryTarget,
  options: Omit<ConnectOptions, 'access'>,
  run: RunOptions = {},
): Promise<string> {
  await using repository = await connectRepository(target, { ...options, access: 'unlocked' }, run)
  return 'serverVersion' in repository ? String(repository.serverVersion) : borgVersion
}
