import type { RunOptions } from '../base/events.ts'
import type { PassphraseSource } from '../crypto/passphrase.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { ConnectOptions, RepositoryTarget } from './connect.ts'
import type { Directories } from './directories.ts'
import type { ReadSession, WriteSession } from './session.ts'

export interface OpenOptions extends ConnectOptions {
  readonly passphrase?: PassphraseSource
  readonly directories?: Directories
  readonly files?: FileSystem
  /** Worker threads; 0 runs on the caller's thread. Default: cores - 1, at least 1. */
  readonly threads?: number
  readonly compression?: string
}
export declare function openRepository(
  target: RepositoryTarget,
  options: OpenOptions & { access: 'write' },
  run?: RunOptions,
): Promise<WriteSession>
export declare function openRepository(
  target: RepositoryTarget,
  options: OpenOptions & { access: 'read' | 'unlocked' },
  run?: RunOptions,
): Promise<ReadSession>
