import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import type { Store } from '../store/store.ts'
import type { Repository } from './repository.ts'

export interface OpenStoreOptions {
  /** read: shared lock. write: exclusive lock. unlocked: --bypass-lock. */
  readonly access: 'read' | 'write' | 'unlocked'
  readonly lockWaitSeconds: number | 'forever'
  readonly appendOnly?: boolean
  readonly quotaBytes?: number
}
/** Locks, recovers an interrupted transaction if there is one, and opens. */
export declare function openStoreRepository(
  store: Store,
  options: OpenStoreOptions,
  host: Host,
  run: RunOptions,
): Promise<Repository>
