/**
 * Store on any of rclone's remotes, through `rclone rcd`: the long tail of places we have no client for.
 *
 * Claims are advisory: no call common to all of rclone's back ends makes something only if it is not there. Two writers
 * that start within the same moment may both believe they are alone; hence the consent asked by whoever opens it.
 * docs/decisions/033-rclone.md has the rest.
 */
import { BorgError } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import { type StorePath, storePath } from '../base/ids.ts'
import {
  type AppendFile,
  contentPieces,
  type FileContent,
  isStoreNotFound,
  type NewFile,
  onePart,
  type RootState,
  type Store,
  type StoreEntry,
  StoreNotFound,
  type StoreTraits,
} from '../store/store.ts'
import { openChildren } from '../store/open-files.ts'
import { type RcloneOptions, type RclonePlace, RcloneRemote } from './rclone-remote.ts'
import { Spool } from './spool.ts'
import { SpooledAppendFile } from './spooled-append-file.ts'

/** The end of a name under which a file waits to be complete. */
const unfinished = '.tmp'
/** The end of a name under which a complete file waits for the one it replaces to go. */
const replacement = '.new'

export class RcloneStore implements Store {
  readonly traits: StoreTraits = { cheapSmallReads: false, claims: 'advisory' }
  readonly #remote: RcloneRemote
  /** Files that are being written, by their path. */
  readonly #open = new Map<StorePath, Spool>()

  /** Starts nothing yet. `at` is a place, or one on a server that somebody started. */
  constructor(at: RclonePlace | RcloneRemote, options: RcloneOptions = {}, run: RunOptions = {}) {
    this.#remote = at instanceof RcloneRemote ? at : new RcloneRemote(at, options, run.signal)
  }

  get name(): string {
    return this.#remote.name
  }

  get place(): string {
    return this.#remote.name
  }

  /** Another place, served by the same rclone: dispose of it first. */
  elsewhere(place: RclonePlace): RcloneStore {
    return new RcloneStore(this.#remote.elsewhere(place))
  }

  parent(): RcloneStore | undefined {
    const { remote } = this.#remote.place
    const path = this.#remote.place.path.replace(/\/+$/, '')
    const cut = path.lastIndexOf('/')
    if (path === '') return undefined
    return this.elsewhere({ remote, path: cut > 0 ? path.slice(0, cut) : cut === 0 ? '/' : '' })
  }

  async root(): Promise<RootState> {
    try {
      return (await this.#remote.list('')).length === 0 ? 'empty' : 'occupied'
    } catch (error) {
      if (isStoreNotFound(error)) return this.#missingRoot()
      if (!(error instanceof BorgError)) throw error
      if (/is a file|not a directory/i.test(error.message)) return 'not-a-folder'
      if (/permission denied|access ?denied|forbidden/i.test(error.message)) return 'denied'
      throw error
    }
  }

  async #missingRoot(): Promise<RootState> {
    const above = this.parent()
    if (above === undefined || (await this.#remote.isBucketBased())) return 'missing'
    const state = await above.root()
    return state === 'missing' || state === 'parent-missing' ? 'parent-missing' : 'missing'
  }

  async createRoot(options: { parents?: boolean } = {}): Promise<void> {
    if (options.parents !== true && (await this.root()) === 'parent-missing') {
      throw Object.assign(new Error(`${this.name}: its parent folder does not exist`), { code: 'ENOENT' })
    }
    await this.#remote.call('operations/mkdir', { remote: '' })
  }

  async *list(folder: StorePath): AsyncGenerator<StoreEntry> {
    const found = new Map<StorePath, StoreEntry>()
    for (const entry of await this.#listOrNothing(folder)) found.set(entry.path, entry)
    for (const child of openChildren(folder, this.#open)) found.set(child.path, child)
    yield* found.values()
  }

  async stat(path: StorePath): Promise<StoreEntry | undefined> {
    const spool = this.#open.get(path)
    if (spool !== undefined) return { path, kind: 'file', size: spool.size }
    if (path === '') return { path, kind: 'folder', size: 0 }
    const found = await this.#find(path)
    if (found !== undefined) return { ...found, path }
    return this.#holdsOpenFile(path) ? { path, kind: 'folder', size: 0 } : undefined
  }

  async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    const spool = this.#open.get(path)
    if (spool !== undefined) return spool.read(range?.offset ?? 0, range?.length ?? spool.size)
    if (range?.length === 0) {
      if ((await this.stat(path)) === undefined) throw new StoreNotFound(path, this.name)
      return new Uint8Array(0)
    }
    for (;;) {
      const outcome = await this.#read(path, range)
      if (outcome instanceof Uint8Array) return outcome
      // Not there, or not yet: where it is now is where it is read next.
      const found = await this.#find(path)
      if (found === undefined) throw outcome
      const bytes = await this.#read(found.path, range)
      if (bytes instanceof Uint8Array) return bytes
    }
  }

  /** Bytes, or the error that says that they are not at this path. */
  async #read(path: StorePath, range: { offset: number; length: number } | undefined): Promise<Uint8Array | Error> {
    try {
      return await this.#remote.read(path, range)
    } catch (error) {
      if (isStoreNotFound(error)) return error
      throw error
    }
  }

  async write(path: StorePath, content: FileContent): Promise<void> {
    await this.writeInOrder([{ path, content }])
  }

  async writeInOrder(files: readonly NewFile[]): Promise<void> {
    const waiting: { readonly from: StorePath; readonly path: StorePath; readonly spool: Spool }[] = []
    try {
      for (const { path, content } of files) {
        const spool = await Spool.make()
        waiting.push({ from: storePath(`${path}${unfinished}`), path, spool })
        for await (const piece of contentPieces(content)) await spool.append([piece])
      }
      for (const { from, spool } of waiting) await this.#remote.upload(from, spool)
      for (const { from, path } of waiting) await this.#replace(from, path)
    } finally {
      for (const { spool } of waiting) await spool[Symbol.asyncDispose]()
    }
  }

  async append(path: StorePath): Promise<AppendFile> {
    if (this.#open.has(path) || (await this.stat(path)) !== undefined) {
      throw Object.assign(new Error(`${this.name}: ${path} exists`), { code: 'EEXIST' })
    }
    const spool = await Spool.make()
    this.#open.set(path, spool)
    return new SpooledAppendFile(spool, {
      publish: async () => {
        const bucketBased = await this.#remote.isBucketBased()
        const first = bucketBased ? path : storePath(`${path}${unfinished}`)
        await this.#remote.upload(first, spool)
        if (!bucketBased) await this.#remote.move(first, path)
      },
      close: async () => {
        if (this.#open.get(path) === spool) this.#open.delete(path)
        await spool[Symbol.asyncDispose]()
      },
    })
  }

  async remove(path: StorePath): Promise<void> {
    this.#open.delete(path)
    try {
      await this.#remote.call('operations/deletefile', { remote: path })
    } catch (error) {
      if (!isStoreNotFound(error)) throw error
    }
    if (path.endsWith(replacement) || (await this.#remote.isBucketBased())) return
    await this.remove(storePath(`${path}${replacement}`))
  }

  async removeEmptyFolders(folder: StorePath): Promise<void> {
    for (const { kind, path } of await this.#listOrNothing(folder)) {
      if (kind === 'file' || this.#holdsOpenFile(path)) continue
      if ((await this.#listOrNothing(path)).length === 0) await this.#removeFolder(path)
    }
  }

  async removeAll(): Promise<void> {
    this.#open.clear()
    try {
      await this.#remote.call('operations/purge', { remote: '' })
    } catch (error) {
      if (!isStoreNotFound(error)) throw error
    }
  }

  async claim(path: StorePath, owner: string): Promise<boolean> {
    const before = await this.owners(path)
    if (before.length > 0) return before.includes(owner)
    const empty = await Spool.make()
    try {
      await this.#remote.upload(storePath(`${path}/${onePart(owner)}`), empty)
    } finally {
      await empty[Symbol.asyncDispose]()
    }
    if ((await this.owners(path)).length === 1) return true
    // Someone came at the same time: both step back, and whoever tries again first gets it.
    await this.unclaim(path, owner)
    return false
  }

  async owners(path: StorePath): Promise<readonly string[]> {
    const entries = await this.#listOrNothing(path)
    return entries.map((entry) => entry.path.slice(path.length + 1))
  }

  async unclaim(path: StorePath, owner: string): Promise<void> {
    try {
      await this.#remote.call('operations/deletefile', { remote: `${path}/${onePart(owner)}` })
    } catch (error) {
      if (!isStoreNotFound(error)) throw error
    }
    const mayBeEmpty = !(await this.#remote.isBucketBased()) && (await this.owners(path)).length === 0
    if (mayBeEmpty) await this.#removeFolder(path)
  }

  async passClaim(path: StorePath, from: string, to: string): Promise<boolean> {
    if (!(await this.owners(path)).includes(from)) return false
    if (from !== to) await this.#remote.move(storePath(`${path}/${onePart(from)}`), storePath(`${path}/${onePart(to)}`))
    return true
  }

  async freeBytes(): Promise<number | undefined> {
    try {
      const { free } = (await this.#remote.call('operations/about', {})) as { free?: number }
      return typeof free === 'number' ? free : undefined
    } catch (error) {
      // Many back ends cannot tell, each in its own words.
      if (error instanceof BorgError || isStoreNotFound(error)) return undefined
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const spool of this.#open.values()) await spool[Symbol.asyncDispose]()
    this.#open.clear()
    await this.#remote[Symbol.asyncDispose]()
  }

  /** A folder in which there are only files that are still being written counts as one. */
  #holdsOpenFile(folder: StorePath): boolean {
    return [...this.#open.keys()].some((path) => path.startsWith(`${folder}/`))
  }

  async #listOrNothing(folder: StorePath): Promise<readonly StoreEntry[]> {
    try {
      return await this.#remote.list(folder)
    } catch (error) {
      if (isStoreNotFound(error)) return []
      throw error
    }
  }

  async #removeFolder(path: StorePath): Promise<void> {
    try {
      await this.#remote.call('operations/rmdir', { remote: path })
    } catch (error) {
      // Gone already, or filled again by somebody: back ends say it each in their own words.
      if (!isStoreNotFound(error) && !(error instanceof BorgError)) throw error
    }
  }

  async #replace(from: StorePath, to: StorePath): Promise<void> {
    if ((await this.#remote.isBucketBased()) || (await this.stat(to)) === undefined) {
      return this.#remote.move(from, to)
    }
    const beside = storePath(`${to}${replacement}`)
    await this.#remote.move(from, beside)
    await this.#remote.move(beside, to)
  }

  /**
   * Where a file is. rclone removes one before it moves another to its place: in between, and after a crash there, the new
   * one is beside it. Who looks just then looks at both places, and at the first once more.
   */
  async #find(path: StorePath): Promise<StoreEntry | undefined> {
    const found = await this.#remote.stat(path)
    if (found !== undefined || (await this.#remote.isBucketBased())) return found
    return (await this.#remote.stat(storePath(`${path}${replacement}`))) ?? (await this.#remote.stat(path))
  }
}
