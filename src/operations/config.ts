/**
 * Settings of a repository: reading and changing its config file.
 */
import type { RunOptions } from '../base/events.ts'
import { BorgError } from '../base/errors.ts'
import { loadConfig, rollBack, saveConfig } from '../cache/cache-files.ts'
import { acquireLock } from '../repository/lock.ts'
import { requireDeletable, requireSettable } from '../repository/repo-config.ts'
import type { StoreRepository } from '../repository/segment-repository.ts'
import { type ConnectOptions, connectRepository, openStoreOf, type RepositoryTarget } from '../session/connect.ts'
import { cacheStore, type OpenOptions, sessionContext } from '../session/repository-session.ts'

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

/** Holds a lock; dispose of it. */
export interface Settings extends AsyncDisposable {
  /** @throws BorgError 'Error' when there is no such option */
  get(name: string): string
  /** In borg's order; an option that is only there between partial checks comes last. */
  list(): readonly (readonly [name: string, value: string | undefined])[]
  /** @throws BorgError 'Error' for a name that is not for people to set, or a value that makes no sense */
  set(name: string, value: string): Promise<void>
  /** Nothing happens when it is not set. @throws BorgError 'Error' for what the repository cannot be without */
  delete(name: string): Promise<void>
}

/** Settings of the repository itself. */
export async function openSettings(
  target: RepositoryTarget,
  options: ConnectOptions,
  run: RunOptions = {},
): Promise<Settings> {
  return settingsOf(await openStoreOf(target, options, run))
}

function settingsOf(repository: StoreRepository): Settings {
  const { config } = repository
  return {
    get: (name) => config.get(name) ?? noOption(name, 'repository'),
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
      requireDeletable(name)
      if (!config.delete(name)) return
      await repository.saveConfig()
    },
    [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose](),
  }
}

/** Settings of this client's cache of the repository. Only `previous_location` is for people to set. */
export async function openCacheSettings(
  target: RepositoryTarget,
  options: ConnectOptions & Pick<OpenOptions, 'directories'>,
  run: RunOptions = {},
): Promise<Settings> {
  const repository = await connectRepository(target, { ...options, access: 'unlocked' }, run)
  const context = sessionContext(repository, repository.location, options)
  const store = cacheStore(context, repository.id)
  const { lockWaitSeconds, host } = context
  const lock = await acquireLock(store, { kind: 'exclusive', lockWaitSeconds }, host, run)
  await rollBack(store)
  const config = await loadConfig(store)
  const values = (): Readonly<Record<string, string | undefined>> => ({
    repository: config?.repositoryId,
    manifest: config?.manifestId,
    timestamp: config?.timestamp,
    key_type: config?.keyType,
    previous_location: config?.previousLocation,
  })
  const setLocation = async (location: string): Promise<void> => {
    if (config === undefined) throw new BorgError('Error', ['There is no cache of this repository.'])
    config.setLocation(location)
    await saveConfig(store, config)
  }
  return {
    get: (name) => values()[name] || noOption(name, 'cache'),
    list: () => Object.entries(values()),
    async set(name, value) {
      if (name !== 'previous_location') throw new BorgError('Error', [`Invalid config key name: ${name}`])
      await setLocation(value)
    },
    async delete(name) {
      if (name !== 'previous_location') noOption(name, 'cache')
      await setLocation('')
    },
    async [Symbol.asyncDispose]() {
      await lock[Symbol.asyncDispose]()
      await repository[Symbol.asyncDispose]()
    },
  }
}

function noOption(name: string, section: string): never {
  throw new BorgError('Error', [`No option '${name}' in section: '${section}'`])
}
