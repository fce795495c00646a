/**
 * Laying out a new repository, and doing away with one. Source: format/repository.md §2.
 */
import { BorgError, systemErrorCode } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import { objectId, objectIdSize, storePath } from '../base/ids.ts'
import { decodeText, encodeText } from '../base/text.ts'
import { isStoreNotFound, type Store } from '../store/store.ts'
import { configPath, RepositoryConfig } from './repo-config.ts'

const readmePath = storePath('README')
const folderMaker = storePath('data/new.tmp')
const readme = 'This is a Borg Backup repository.\nSee https://borgbackup.readthedocs.io/\n'
/** What counts is within this many bytes of the README; the second is how older borgs put it. */
const readmeLook = 100
const readmeMarks = ['Borg Backup repository', 'Borg repository'] as const

export interface InitialiseOptions {
  /** For messages. */
  readonly location: string
  readonly appendOnly?: boolean | undefined
  /** 0 or absent: none. */
  readonly quotaBytes?: number | undefined
  readonly makeParents?: boolean | undefined
}

/**
 * Makes an empty repository where nothing or an empty folder is; the first commit comes from whoever opens it.
 * @throws BorgError 'Repository.AlreadyExists' | 'Repository.PathAlreadyExists' | 'Repository.PathPermissionDenied' |
 * 'Repository.ParentPathDoesNotExist'
 */
export async function initialiseRepository(
  store: Store,
  options: InitialiseOptions,
  host: Host,
  run: RunOptions,
): Promise<void> {
  const { location } = options
  await requireRoom(store, location, options.makeParents === true)
  await store.createRoot({ parents: options.makeParents === true })
  const id = objectId(host.randomBytes(objectIdSize))
  const config = RepositoryConfig.create(
    { id, appendOnly: options.appendOnly === true, quotaBytes: options.quotaBytes ?? 0 },
    location,
  )
  await store.write(readmePath, encodeText(readme))
  // borg lists data/ without asking whether it is there, and a Store makes folders only for files.
  await store.write(folderMaker, new Uint8Array(0), { transient: true })
  await store.remove(folderMaker)
  // The config comes last: without it nobody takes the folder for a repository.
  await config.save(store, run)
}

/**
 * Removes everything. The config goes first: what remains after a crash is no repository. `unlock` is called when it is
 * none any more, and before its lock would be removed with the rest.
 */
export async function destroyRepository(store: Store, unlock: () => Promise<void>): Promise<void> {
  await store.remove(configPath)
  await unlock()
  await store.removeAll()
}

async function requireRoom(store: Store, location: string, makeParents: boolean): Promise<void> {
  switch (await store.root()) {
    case 'denied':
      throw new BorgError('Repository.PathPermissionDenied', [location])
    case 'not-a-folder':
      throw new BorgError('Repository.PathAlreadyExists', [location])
    case 'occupied':
      throw new BorgError((await isRepository(store)) ? 'Repository.AlreadyExists' : 'Repository.PathAlreadyExists', [
        location,
      ])
    case 'missing':
    case 'empty':
    case 'parent-missing':
      break
  }
  for (let around = store.parent(); around !== undefined; around = around.parent()) {
    if (await isRepository(around)) throw new BorgError('Repository.AlreadyExists', [around.name])
  }
  if (!makeParents && (await store.root()) === 'parent-missing') {
    throw new BorgError('Repository.ParentPathDoesNotExist', [location])
  }
}

async function isRepository(store: Store): Promise<boolean> {
  try {
    const start = decodeText(await store.read(readmePath, { offset: 0, length: readmeLook }))
    return readmeMarks.some((mark) => start.includes(mark))
  } catch (error) {
    // What cannot be read is no repository that concerns us; folders further up are often closed.
    if (isStoreNotFound(error) || systemErrorCode(error) !== undefined) return false
    throw error
  }
}
