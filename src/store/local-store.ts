/**
 * A Store on a local disk: the bytes, names, modes and orders that borg leaves there.
 *
 * Source: format sheet repository, sections 1, 3, 12, 15 and 16.
 */
import { nativePath } from '../base/text.ts'
import {
  linkSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  readdirSync,
  realpathSync,
  renameSync,
  type Stats,
  statfsSync,
  statSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { systemErrorCode } from '../base/errors.ts'
import { type Host, systemHost } from '../base/host.ts'
import { type StorePath, storePath } from '../base/ids.ts'
import { umaskDefault } from '../base/limits.ts'
import { LocalAppendFile } from './local-append-file.ts'
import { claimFolder, ownersOf, passClaimFolder, removeFolder, unclaimFolder } from './local-claims.ts'
import {
  createFile,
  ensureFolder,
  eraseFile,
  isFolder,
  isMissing,
  removeFile,
  removeQuietly,
  syncFolder,
} from './local-files.ts'
import { LocalHandles, readWholeFile } from './local-handles.ts'
import {
  type AppendFile,
  type FileContent,
  type NewFile,
  onePart,
  type RootState,
  type Store,
  type StoreEntry,
  StoreNotFound,
  type StoreTraits,
  type WriteOptions,
} from './store.ts'

export interface LocalStoreOptions {
  /** Bits taken from 0666 and 0777, besides those the process takes itself. */
  readonly umask?: number | undefined
  readonly host?: Host | undefined
}

/** `mkdtemp` of Python draws from these; borg and people recognise leftovers by the look. */
const temporaryAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789_'
const temporaryLength = 8

/** Reasons why a second link to a secret may be impossible; it is then only replaced, as borg does. */
const linkRefusals: ReadonlySet<string> = new Set(['ENOENT', 'EMLINK', 'ENOSYS', 'EPERM', 'EACCES', 'ENOTSUP', 'EIO'])

export class LocalStore implements Store {
  /** Absolute path of the folder. */
  readonly name: string
  readonly traits: StoreTraits = { cheapSmallReads: true, claims: 'atomic' }
  readonly #options: LocalStoreOptions
  readonly #host: Host
  readonly #handles: LocalHandles
  readonly #fileMode: number
  readonly #folderMode: number

  /** Touches nothing. `folder` is relative to the working directory, as everywhere. */
  constructor(folder: string, options: LocalStoreOptions = {}) {
    this.name = resolve(folder)
    this.#options = options
    this.#host = options.host ?? systemHost
    this.#handles = new LocalHandles(() => this.#host.monotonicMs())
    const umask = options.umask ?? umaskDefault
    this.#fileMode = 0o666 & ~umask
    this.#folderMode = 0o777 & ~umask
  }

  /** Looked up each time: the same folder may be reached by several names. */
  get place(): string {
    try {
      return realpathSync(nativePath(this.name), 'latin1')
    } catch {
      return this.name
    }
  }

  async root(): Promise<RootState> {
    const native = nativePath(this.name)
    try {
      if (!statSync(native).isDirectory()) return 'not-a-folder'
      return readdirSync(native).length === 0 ? 'empty' : 'occupied'
    } catch (error) {
      const code = systemErrorCode(error)
      if (code === 'EACCES' || code === 'EPERM') return 'denied'
      if (code === 'ENOTDIR') return 'parent-missing'
      if (code !== 'ENOENT') throw error
    }
    return isFolder(dirname(this.name)) ? 'missing' : 'parent-missing'
  }

  async createRoot(options: { parents?: boolean } = {}): Promise<void> {
    const native = nativePath(this.name)
    // Python's makedirs gives parents the default mode; the umask decides in both cases.
    if (options.parents === true) mkdirSync(native, { recursive: true, mode: this.#folderMode })
    else if (!isFolder(this.name)) mkdirSync(native, this.#folderMode)
    try {
      await syncFolder(dirname(this.name))
    } catch (error) {
      // A parent that we may enter but not read: the next sync inside the root has to do.
      if (systemErrorCode(error) !== 'EACCES') throw error
    }
  }

  parent(): Store | undefined {
    const parent = dirname(this.name)
    return parent === this.name ? undefined : new LocalStore(parent, this.#options)
  }

  async *list(folder: StorePath): AsyncGenerator<StoreEntry> {
    const start = folder === '' ? '' : `${folder}/`
    let names: readonly string[]
    try {
      names = readdirSync(nativePath(this.#path(folder)))
    } catch (error) {
      if (isMissing(error)) return
      throw error
    }
    for (const name of names) {
      const entry = await this.stat(storePath(start + name))
      if (entry !== undefined) yield entry
    }
  }

  async stat(path: StorePath): Promise<StoreEntry | undefined> {
    const status = statusOf(this.#path(path))
    if (status?.isFile()) return { path, kind: 'file', size: status.size }
    return status?.isDirectory() ? { path, kind: 'folder', size: 0 } : undefined
  }

  async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    const native = this.#path(path)
    try {
      if (range === undefined) return await readWholeFile(native)
      return await this.#handles.read(native, range.offset, range.length)
    } catch (error) {
      if (isMissing(error)) throw new StoreNotFound(path, this.name, { cause: error })
      throw error
    }
  }

  async write(path: StorePath, content: FileContent, options: WriteOptions = {}): Promise<void> {
    const target = this.#path(path)
    const folder = await this.#folderOf(path)
    const transient = options.transient === true
    const random = (length: number): Uint8Array => this.#host.randomBytes(length)
    const old = options.secret === true ? await keepOld(target, random) : undefined
    try {
      const temporary = this.#unusedName(`${folder}/${basename(target)}-`)
      await createFile(temporary, content, this.#fileMode, transient)
      this.#rename(temporary, target)
    } catch (error) {
      if (old !== undefined) removeQuietly(old)
      throw error
    }
    if (!transient) await syncFolder(folder)
    // Only now: before, the old content might have been the only one.
    if (old !== undefined) await eraseFile(old, random)
  }

  async writeInOrder(files: readonly NewFile[]): Promise<void> {
    const stored: { folder: string; temporary: string; target: string }[] = []
    try {
      for (const { path, content } of files) {
        const target = this.#path(path)
        const folder = await this.#folderOf(path)
        const temporary = `${target}.tmp`
        // A crash may have left one of this name.
        removeFile(temporary)
        await createFile(temporary, content, this.#fileMode, false)
        stored.push({ folder, temporary, target })
      }
      while (stored[0] !== undefined) {
        this.#rename(stored[0].temporary, stored[0].target)
        // One by one: without this a crash could show the second name and not the first.
        await syncFolder(stored[0].folder)
        stored.shift()
      }
    } catch (error) {
      for (const { temporary } of stored) removeQuietly(temporary)
      throw error
    }
  }

  async append(path: StorePath): Promise<AppendFile> {
    const target = this.#path(path)
    const folder = await this.#folderOf(path)
    const file = LocalAppendFile.create(target, folder, this.#fileMode)
    this.#handles.forget(target)
    return file
  }

  async remove(path: StorePath): Promise<void> {
    const target = this.#path(path)
    this.#handles.forget(target)
    removeFile(target)
  }

  async removeEmptyFolders(folder: StorePath): Promise<void> {
    let removed = false
    for await (const { path, kind } of this.list(folder)) {
      if (kind !== 'folder' || !isEmptyFolder(this.#path(path))) continue
      removeFolder(this.#path(path))
      removed = true
    }
    if (removed) await syncFolder(this.#path(folder))
  }

  async removeAll(): Promise<void> {
    this.#handles.forgetAll()
    if (!isFolder(this.name)) return
    for (const name of readdirSync(nativePath(this.name), 'buffer')) {
      // Symbolic links inside are removed, not followed.
      await rm(Buffer.concat([Buffer.from(nativePath(this.name)), Buffer.from('/'), name]), {
        recursive: true,
        force: true,
      })
    }
    // Where the root itself is a symbolic link, its owner made it: only what it points to is ours.
    if (!lstatSync(nativePath(this.name)).isSymbolicLink()) removeFolder(this.name)
  }

  async moveFolder(from: StorePath, to: StorePath): Promise<void> {
    this.#handles.forgetAll()
    // rename(2) replaces an empty folder silently; other places would not.
    if (statusOf(this.#path(to)) !== undefined) {
      throw Object.assign(
        new Error(`EEXIST: file already exists, rename '${this.#path(from)}' -> '${this.#path(to)}'`),
        {
          code: 'EEXIST',
          path: this.#path(to),
        },
      )
    }
    const folders = new Set([dirname(this.#path(from)), await this.#folderOf(to)])
    renameSync(nativePath(this.#path(from)), nativePath(this.#path(to)))
    for (const folder of folders) await syncFolder(folder)
  }

  async claim(path: StorePath, owner: string): Promise<boolean> {
    const folder = this.#path(path)
    return claimFolder(folder, onePart(owner), this.#unusedName(`${folder}.`), this.#fileMode)
  }

  async owners(path: StorePath): Promise<readonly string[]> {
    return ownersOf(this.#path(path))
  }

  async unclaim(path: StorePath, owner: string): Promise<void> {
    unclaimFolder(this.#path(path), onePart(owner))
  }

  async passClaim(path: StorePath, from: string, to: string): Promise<boolean> {
    return passClaimFolder(this.#path(path), onePart(from), onePart(to), this.#fileMode)
  }

  async freeBytes(): Promise<number | undefined> {
    const { bavail, bsize } = statfsSync(nativePath(this.name))
    return bavail * bsize
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#handles.forgetAll()
  }

  /** System path of a Store path. */
  #path(path: StorePath): string {
    return path === '' ? this.name : `${this.name === '/' ? '' : this.name}/${path}`
  }

  /** System path of the folder `path` is in, made if missing. */
  async #folderOf(path: StorePath): Promise<string> {
    const end = path.lastIndexOf('/')
    if (end < 0) return this.name
    const folder = this.#path(storePath(path.slice(0, end)))
    if (!isFolder(folder)) await ensureFolder(this.name, path.slice(0, end), this.#folderMode)
    return folder
  }

  #rename(temporary: string, target: string): void {
    this.#handles.forget(target)
    try {
      renameSync(nativePath(temporary), nativePath(target))
    } catch (error) {
      removeQuietly(temporary)
      throw error
    }
  }

  /** `start`, eight random letters and '.tmp'. */
  #unusedName(start: string): string {
    for (;;) {
      // 37 letters from 256 values are not quite evenly likely, which a name need not be.
      const letters = Array.from(
        this.#host.randomBytes(temporaryLength),
        (byte) => temporaryAlphabet[byte % temporaryAlphabet.length],
      )
      const name = `${start}${letters.join('')}.tmp`
      if (lstatSync(nativePath(name), { throwIfNoEntry: false }) === undefined) return name
    }
  }
}

/** A second link to a secret that is about to be replaced, so that its content can be reached afterwards. */
async function keepOld(target: string, random: (length: number) => Uint8Array): Promise<string | undefined> {
  const old = `${target}.old`
  await eraseFile(old, random)
  try {
    linkSync(nativePath(target), nativePath(old))
    return old
  } catch (error) {
    if (linkRefusals.has(systemErrorCode(error) ?? '')) return undefined
    throw error
  }
}

/** Symbolic links followed; undefined when nothing is there. */
function statusOf(path: string): Stats | undefined {
  try {
    return statSync(nativePath(path))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isEmptyFolder(path: string): boolean {
  const folder = opendirSync(nativePath(path))
  try {
    return folder.readSync() === null
  } finally {
    folder.closeSync()
  }
}
