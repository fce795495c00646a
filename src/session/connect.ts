import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import type { Location } from '../location/location.ts'
import type { Repository } from '../repository/repository.ts'
import type { Store } from '../store/store.ts'

/** Text and Location for people; a Store for embedders with their own. */
export type RepositoryTarget = string | Location | { store: Store }
export interface ConnectOptions {
  readonly access: 'read' | 'write' | 'unlocked'
  readonly lockWaitSeconds?: number | 'forever'
  readonly ssh?: { command?: string; remoteBorg?: string; embedded?: boolean }
  readonly host?: Host
}
/** Ciphertext only: enough for compact, check --repository-only, break-lock, debug. No key is asked for. */
export declare function connectRepository(
  target: RepositoryTarget,
  options: ConnectOptions,
  run?: RunOptions,
): Promise<Repository>
