/**
 * Opening the cache of a repository: borg's directory for it, or one for this run only.
 * Source: format sheet cache.md §3, §7.
 */
import type { RunOptions } from '../base/events.ts'
import { acquireLock } from '../repository/lock.ts'
import type { Store } from '../store/store.ts'
import { AdHocCache } from './ad-hoc-cache.ts'
import type { Cache, CacheSource, OpenCacheOptions } from './cache.ts'
import { LocalCache } from './local-cache.ts'

/**
 * Opens or makes the cache in `directory` (named after the repository's id), under its exclusive lock. Synchronises with
 * the repository if it is stale. A damaged cache is thrown away and built anew; a damaged files cache is empty.
 * @throws BorgError of the security checks (security.ts), 'LockTimeout', and what reading the archives throws.
 */
export async function openCache(
  directory: Store,
  source: CacheSource,
  options: OpenCacheOptions,
  run: RunOptions,
): Promise<Cache> {
  await directory.createRoot({ parents: true })
  const kind = { kind: 'exclusive', lockWaitSeconds: options.lockWaitSeconds } as const
  const lock = await acquireLock(directory, kind, source.host, run)
  try {
    const cache = await LocalCache.open({ directory, source, options, run, lock })
    if (cache.fresh) return cache
    if (options.noSync === true) {
      await cache[Symbol.asyncDispose]()
      return await AdHocCache.open(directory.name, source, options.security, run)
    }
    await cache.synchronise()
    return cache
  } catch (error) {
    await lock[Symbol.asyncDispose]()
    throw error
  }
}
