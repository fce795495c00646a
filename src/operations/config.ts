/**
 * Settings of a repository: reading and changing its config file.
 */
import type { RunOptions } from '../base/events.ts'
import { systemHost } from '../base/host.ts'
import { BorgError } from '../base/errors.ts'
import { lockWaitSecondsDefault } from '../base/limits.ts'
import { requireSettable } from '../repository/repo-config.ts'
import { openStoreRepository, type StoreRepository } from '../repository/segment-repository.ts'
import { type ConnectOptions, openTarget, type RepositoryTarget } from '../session/connect.ts'

/** What `config --list` shows, in this order; undefined where the option is not set. */
const listed = [
  'version',
  'segments_per_dir',
  'max_segment_size',
  'storage_quota',
  'additional_free_space',
  'append_only',
  'id',
] as const

/** Holds the repository's lock; dispose of it. */
export interface RepositorySettings extends AsyncDisposable {
  /** @throws BorgError 'Error' when there is no such option */
  get(name: string): string
  /** In borg's order; an option that is only there between partial checks comes last. */
  list(): readonly (readonly [name: string, value: string | undefined])[]
  /** @throws BorgError 'Error' for a name that is not for people to set, or a value that makes no sense */
  set(name: string, value: string): Promise<void>
  delete(name: string): Promise<void>
}

export async function openSettings(
  target: RepositoryTarget,
  options: ConnectOptions,
  run: RunOptions = {},
): Promise<RepositorySettings> {
  const { store, location } = openTarget(target)
  const lockWaitSeconds = options.lockWaitSeconds ?? lockWaitSecondsDefault
  const connection = { access: options.access, lockWaitSeconds, location }
  return settingsOf(await openStoreRepository(store, connection, options.host ?? systemHost, run))
}

function settingsOf(repository: StoreRepository): RepositorySettings {
  const { config } = repository
  return {
    get(name) {
      const value = config.get(name)
      if (value === undefined) throw new BorgError('Error', [`No option '${name}' in section: 'repository'`])
      return value
    },
    list() {
      const options = listed.map((name) => [name, config.get(name)] as const)
      const lastChecked = config.get('last_segment_checked')
      return lastChecked === undefined ? options : [...options, ['last_segment_checked', lastChecked]]
    },
    async set(name, value) {
      requireSettable(name, value)
      config.set(name, value)
      await repository.saveConfig()
    },
    async delete(name) {
      if (!config.delete(name)) throw new BorgError('Error', [`No option '${name}' in section: 'repository'`])
      await repository.saveConfig()
    },
    [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose](),
  }
}
