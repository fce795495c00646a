/**
 * A Store on an SFTP server: the same names, bytes, modes and locks as LocalStore leaves, so that a repository may be
 * used through SFTP, through ssh and on its own machine. What of S1-S7 needs which extension: decision 028.
 */
import { BorgError } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import { type Host, systemHost } from '../base/host.ts'
import { type StorePath, storePath } from '../base/ids.ts'
import { umaskDefault } from '../base/limits.ts'
import { canonicalLocation } from '../location/location.ts'
import { openSshConnection, type SshConnection } from '../ssh/connection.ts'
import type { SshOptions } from '../ssh/ssh-options.ts'
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
} from '../store/store.ts'
import { type Attributes, kindOfMode } from './packets.ts'
import { SftpAppendFile } from './sftp-append-file.ts'
import { claimFolder, ownersOf, passClaimFolder, unclaimFolder } from './sftp-claims.ts'
import { foundError, isDenied, isMissing } from './sftp-errors.ts'
import { parentOf, SftpFiles } from './sftp-files.ts'
import { readWholeFile, SftpHandles } from './sftp-handles.ts'
import { baseOf, parentLocation, type SftpLocation } from './sftp-paths.ts'
import { readFlags, SftpSession } from './sftp-session.ts'

export type { SftpLocation } from './sftp-paths.ts'

export interface SftpStoreOptions {
  /** Keys, known hosts, settings, questions. Host, port and user come from the location. */
  readonly ssh?: Omit<SshOptions, 'host' | 'port' | 'user'> | undefined
  /**
   * Writing to a server that cannot force files to its disk (no fsync@openssh.com): 'refuse' unless told otherwise. With
   * 'accept', a crash of that machine may lose what a commit said was safe, and older backups with it.
   */
  readonly withoutSync?: 'refuse' | 'accept' | undefined
  /** Bits taken from 0666 and 0777, besides those the server takes itself. */
  readonly umask?: number | undefined
  readonly host?: Host | undefined
}

/** What a connected Store works with. */
interface Connected {
  readonly connection: SshConnection | undefined
  readonly files: SftpFiles
  readonly handles: SftpHandles
  /** The Store's root as the server understands it. */
  readonly base: string
  /** Absolute and without symbolic links. */
  readonly realBase: string
}

/** Opens a channel to an SFTP server. A parameter so that tests can bring servers of their own. */
export type ConnectSftp = (run: RunOptions) => Promise<{ session: SftpSession; connection?: SshConnection }>

/** Touches nothing yet: the first operation connects. The signal ends connecting, nothing else. */
export function openSftpStore(location: SftpLocation, options: SftpStoreOptions = {}, run: RunOptions = {}): SftpStore {
  const { host, port, user } = location
  const name = canonicalLocation(location)
  const connect: ConnectSftp = async () => {
    const connection = await openSshConnection({ ...options.ssh, host, port, user }, run)
    try {
      return { connection, session: await SftpSession.open(await connection.sftp(), name) }
    } catch (error) {
      await connection[Symbol.asyncDispose]()
      throw error
    }
  }
  return new SftpStore(location, connect, options, run)
}

/** Once the connection is lost every call fails with the reason; a new Store is needed. */
export class SftpStore implements Store {
  /** The canonical URL. */
  readonly name: string
  readonly traits: StoreTraits = { cheapSmallReads: false, claims: 'atomic' }
  readonly #location: SftpLocation
  readonly #connect: ConnectSftp
  readonly #options: SftpStoreOptions
  readonly #run: RunOptions
  /** A failure to connect is kept: nobody is asked for a passphrase twice. */
  #connecting: Promise<Connected> | undefined
  #connected: Connected | undefined
  /** Whose connection we use. */
  readonly #owner: SftpStore | undefined

  constructor(
    location: SftpLocation,
    connect: ConnectSftp,
    options: SftpStoreOptions = {},
    run: RunOptions = {},
    owner?: SftpStore,
  ) {
    this.name = canonicalLocation(location)
    this.#location = location
    this.#connect = connect
    this.#options = options
    this.#run = run
    this.#owner = owner
  }

  /** Before the first operation only what the URL says; then by the host's and the folder's real names. */
  get place(): string {
    const { host, port, user } = this.#location
    const real = this.#connected
    if (real === undefined) return this.name
    return `sftp://${real.connection?.place ?? `${user ?? ''}@${host}:${port ?? ''}`}${real.realBase}`
  }

  async root(): Promise<RootState> {
    const { files, base } = await this.#open()
    try {
      const found = await files.session.stat(base)
      if (found === undefined) return (await files.isFolder(parentOf(base))) ? 'missing' : 'parent-missing'
      if (kindOfMode(found.mode) !== 'folder') return 'not-a-folder'
      for await (const _entry of files.session.list(base)) return 'occupied'
      return 'empty'
    } catch (error) {
      if (isDenied(error)) return 'denied'
      throw error
    }
  }

  async createRoot(options: { parents?: boolean } = {}): Promise<void> {
    const { files, base } = await this.#open()
    if (await files.isFolder(base)) return
    const parent = parentOf(base)
    if (options.parents === true) await files.ensureFolder(base.startsWith('/') ? '/' : '.', parent)
    await files.makeFolder(base)
    await files.syncFolder(parent)
  }

  parent(): Store | undefined {
    const location = parentLocation(this.#location)
    if (location === undefined) return undefined
    return new SftpStore(location, this.#connect, this.#options, this.#run, this.#owner ?? this)
  }

  async *list(folder: StorePath): AsyncGenerator<StoreEntry> {
    const { files, base } = await this.#open()
    const start = folder === '' ? '' : `${folder}/`
    for await (const { name, attributes } of files.session.list(join(base, folder))) {
      const path = storePath(start + name)
      const kind = kindOfMode(attributes.mode)
      const known = kind === 'folder' || (kind === 'file' && attributes.size !== undefined)
      const entry = known ? entryOf(path, attributes) : await this.stat(path)
      if (entry !== undefined) yield entry
    }
  }

  async stat(path: StorePath): Promise<StoreEntry | undefined> {
    const { files, base } = await this.#open()
    const found = await files.session.stat(join(base, path))
    return found === undefined ? undefined : entryOf(path, found)
  }

  async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    const { files, handles, base } = await this.#open()
    const full = join(base, path)
    try {
      if (range !== undefined) return await handles.read(full, range.offset, range.length)
      const handle = await files.session.open(full, readFlags)
      try {
        return await readWholeFile(files.session, handle, full)
      } finally {
        await files.closeQuietly(handle, full)
      }
    } catch (error) {
      if (isMissing(error)) throw new StoreNotFound(path, this.name, { cause: error })
      throw error
    }
  }

  async write(path: StorePath, content: FileContent, options: WriteOptions = {}): Promise<void> {
    const { files, handles, base } = await this.#open()
    const transient = options.transient === true
    if (!transient) this.#requireSync(files)
    const target = join(base, path)
    const old = `${target}.old`
    const kept = options.secret === true && (await files.keepOld(target, old))
    try {
      const temporary = files.temporaryName(`${target}-`)
      await files.createFile(base, temporary, content, transient)
      await handles.forget(target)
      await this.#replace(files, temporary, target, transient)
    } catch (error) {
      if (kept) await files.removeQuietly(old)
      throw error
    }
    if (!transient) await files.syncFolderOf(target)
    // Only now: before, the old content might have been the only one.
    if (kept) await files.erase(old)
  }

  async writeInOrder(newFiles: readonly NewFile[]): Promise<void> {
    const { files, handles, base } = await this.#open()
    this.#requireSync(files)
    const stored: { temporary: string; target: string }[] = []
    try {
      for (const { path, content } of newFiles) {
        const target = join(base, path)
        const temporary = `${target}.tmp`
        // A crash may have left one of this name.
        await files.removeFile(temporary)
        await files.createFile(base, temporary, content, false)
        stored.push({ temporary, target })
      }
      for (let next = stored[0]; next !== undefined; next = stored[0]) {
        await handles.forget(next.target)
        await this.#replace(files, next.temporary, next.target, false)
        // One by one: without this a crash could show the second name and not the first.
        await files.syncFolderOf(next.target)
        stored.shift()
      }
    } catch (error) {
      for (const { temporary } of stored) await files.removeQuietly(temporary)
      throw error
    }
  }

  async append(path: StorePath): Promise<AppendFile> {
    const { files, handles, base } = await this.#open()
    this.#requireSync(files)
    const target = join(base, path)
    await handles.forget(target)
    const handle = await files.createNew(base, target)
    return new SftpAppendFile(files, target, handle, files.output(handle, target))
  }

  async remove(path: StorePath): Promise<void> {
    const { files, handles, base } = await this.#open()
    await handles.forget(join(base, path))
    await files.removeFile(join(base, path))
  }

  async removeEmptyFolders(folder: StorePath): Promise<void> {
    const { files, base } = await this.#open()
    const within = join(base, folder)
    for await (const { name, attributes } of files.session.list(within)) {
      if (kindOfMode(attributes.mode) === 'folder') await files.removeFolder(`${within}/${name}`)
    }
    if (await files.isFolder(within)) await files.syncFolder(within)
  }

  async removeAll(): Promise<void> {
    const { files, handles, base } = await this.#open()
    await handles.forgetAll()
    if (!(await files.isFolder(base))) return
    await files.removeContents(base)
    // Where the root itself is a symbolic link, its owner made it: only what it points to is ours.
    const itself = await files.session.lstat(base)
    if (kindOfMode(itself?.mode) === 'folder') await files.removeFolder(base)
  }

  async moveFolder(from: StorePath, to: StorePath): Promise<void> {
    const { files, handles, base } = await this.#open()
    this.#requireSync(files)
    await handles.forgetAll()
    const [source, target] = [join(base, from), join(base, to)]
    // Some servers replace an empty folder silently; others would not.
    if ((await files.session.lstat(target)) !== undefined) throw foundError('EEXIST', `rename '${target}'`, target)
    await files.ensureFolder(base, parentOf(target))
    await files.session.rename(source, target)
    for (const folder of new Set([parentOf(source), parentOf(target)])) await files.syncFolder(folder)
  }

  async claim(path: StorePath, owner: string): Promise<boolean> {
    const { files, base } = await this.#open()
    return await claimFolder(files, join(base, path), onePart(owner))
  }

  async owners(path: StorePath): Promise<readonly string[]> {
    const { files, base } = await this.#open()
    return await ownersOf(files, join(base, path))
  }

  async unclaim(path: StorePath, owner: string): Promise<void> {
    const { files, base } = await this.#open()
    await unclaimFolder(files, join(base, path), onePart(owner))
  }

  async passClaim(path: StorePath, from: string, to: string): Promise<boolean> {
    const { files, base } = await this.#open()
    return await passClaimFolder(files, join(base, path), onePart(from), onePart(to))
  }

  async freeBytes(): Promise<number | undefined> {
    const { files, base } = await this.#open()
    return files.session.offers('statvfs@openssh.com') ? await files.session.freeBytes(base) : undefined
  }

  /** Ends the connection, unless it is another Store's. */
  async [Symbol.asyncDispose](): Promise<void> {
    const connecting = this.#connecting
    if (connecting === undefined || this.#owner !== undefined) return
    const connected = await connecting.catch(() => undefined)
    connected?.files.session.close()
    await connected?.connection?.[Symbol.asyncDispose]()
  }

  async #replace(files: SftpFiles, temporary: string, target: string, transient: boolean): Promise<void> {
    try {
      await files.replace(temporary, target, transient)
    } catch (error) {
      if (files.replaces || (await files.session.lstat(target)) === undefined) throw error
      const lack = 'the SFTP server cannot replace a file in one step (no posix-rename@openssh.com), so it was left'
      throw new BorgError('Error', [`${this.name}: ${lack} as it is: ${target}`], { cause: error })
    }
  }

  #requireSync(files: SftpFiles): void {
    if (files.syncs || this.#options.withoutSync === 'accept') return
    const lack =
      'the SFTP server cannot force files to its disk (no fsync@openssh.com): a crash there could lose backups'
    throw new BorgError('Error', [`${this.name}: ${lack}. Nothing is written unless that is accepted.`])
  }

  #open(): Promise<Connected> {
    this.#connecting ??= this.#owner === undefined ? this.#start() : this.#borrow(this.#owner)
    return this.#connecting
  }

  async #borrow(owner: SftpStore): Promise<Connected> {
    const { files, connection } = await owner.#open()
    return await this.#connectedBy(files, connection)
  }

  async #start(): Promise<Connected> {
    const { session, connection } = await this.#connect(this.#run)
    const { host = systemHost, umask = umaskDefault } = this.#options
    try {
      return await this.#connectedBy(new SftpFiles(session, host, umask), connection)
    } catch (error) {
      session.close()
      await connection?.[Symbol.asyncDispose]()
      throw error
    }
  }

  async #connectedBy(files: SftpFiles, connection: SshConnection | undefined): Promise<Connected> {
    const { session } = files
    const base = await baseOf(this.#location, session, this.name)
    const handles = new SftpHandles(session, (path) => session.open(path, readFlags))
    const realBase = await session.realPath(base).catch((error: unknown) => {
      // Servers may refuse to resolve what is not there yet.
      if (isMissing(error)) return base
      throw error
    })
    this.#connected = { connection, files, handles, base, realBase }
    return this.#connected
  }
}

function join(base: string, path: StorePath): string {
  if (path === '') return base
  return base === '/' ? `/${path}` : `${base}/${path}`
}

function entryOf(path: StorePath, { mode, size }: Attributes): StoreEntry | undefined {
  const kind = kindOfMode(mode)
  if (kind === 'folder') return { path, kind, size: 0 }
  return kind === 'file' ? { path, kind, size: size ?? 0 } : undefined
}
