/**
 * A repository in memory and the short names tests give to its objects.
 */
import { createHash } from 'node:crypto'
import type { EngineEvent, RunOptions } from '../../src/base/events.ts'
import { manifestId, type ObjectId, objectId, type StorePath, storePath } from '../../src/base/ids.ts'
import { initialiseRepository } from '../../src/repository/initialise.ts'
import { RepositoryConfig } from '../../src/repository/repo-config.ts'
import {
  type OpenStoreOptions,
  openStoreRepository,
  type StoreRepository,
} from '../../src/repository/segment-repository.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { FakeHost } from '../support/fake-host.ts'

export interface WorldOptions {
  readonly segmentSizeMax?: number
  readonly segmentsPerFolder?: number
  readonly appendOnly?: boolean
  readonly quotaBytes?: number
}

export const host = new FakeHost()

/** sha256 of the name; 'MANIFEST' names the manifest. */
export function idOf(name: string): ObjectId {
  return name === 'MANIFEST' ? manifestId : objectId(createHash('sha256').update(name).digest())
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** An initialised repository without any commit. */
export async function newStore(options: WorldOptions = {}): Promise<MemoryStore> {
  const store = new MemoryStore()
  await prepare(store, options)
  return store
}

export async function prepare(store: Store, options: WorldOptions = {}): Promise<void> {
  const { appendOnly, quotaBytes } = options
  await initialiseRepository(store, { location: '/repo', appendOnly, quotaBytes }, host, {})
  const config = await RepositoryConfig.load(store, '/repo')
  config.set('id', '11'.repeat(32))
  if (options.segmentSizeMax !== undefined) config.set('max_segment_size', String(options.segmentSizeMax))
  if (options.segmentsPerFolder !== undefined) config.set('segments_per_dir', String(options.segmentsPerFolder))
  await config.save(store, {})
}

export function open(
  store: Store,
  options: Partial<OpenStoreOptions> = {},
  run: RunOptions = {},
): Promise<StoreRepository> {
  return openStoreRepository(store, { location: '/repo', access: 'write', lockWaitSeconds: 0, ...options }, host, run)
}

/** Opens, works, closes. */
export async function session<T>(
  store: Store,
  work: (repository: StoreRepository) => Promise<T>,
  options: Partial<OpenStoreOptions> = {},
  run: RunOptions = {},
): Promise<T> {
  await using repository = await open(store, options, run)
  return await work(repository)
}

/** Every file, but the lock's. */
export async function filesOf(store: Store): Promise<Map<StorePath, Uint8Array>> {
  const files = new Map<StorePath, Uint8Array>()
  const folders = [storePath('')]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const { path, kind } of store.list(folder)) {
      if (path.startsWith('lock.')) continue
      if (kind === 'folder') folders.push(path)
      else files.set(path, await store.read(path))
    }
  }
  return files
}

/** What a reader sees: name or id -> text. */
export async function contentsOf(repository: StoreRepository): Promise<Map<string, string>> {
  const contents = new Map<string, string>()
  const ids = await repository.list(1_000_000)
  let at = 0
  for await (const data of repository.getMany(ids)) {
    const id = ids[at++]
    if (id !== undefined) contents.set(Buffer.from(id).toString('hex'), textOf(data))
  }
  return contents
}

export function logOf(): { readonly run: RunOptions; readonly events: EngineEvent[]; readonly lines: () => string[] } {
  const events: EngineEvent[] = []
  return {
    run: { onEvent: (event) => events.push(event) },
    events,
    lines: () => events.flatMap((event) => (event.type === 'log' ? [`${event.level}: ${event.message}`] : [])),
  }
}
