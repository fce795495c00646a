/**
 * What SftpStore does to single files and folders, in terms of what this server can. Paths are the server's.
 */
import type { Host } from '../base/host.ts'
import { isBorgError } from '../base/errors.ts'
import { contentPieces, type FileContent } from '../store/store.ts'
import { foundError, isDenied, isFailure, isMissing } from './sftp-errors.ts'
import { SftpOutput } from './sftp-output.ts'
import {
  anyFileFlags,
  newFileFlags,
  overwriteFlags,
  readFlags,
  type FolderEntry,
  type SftpSession,
} from './sftp-session.ts'
import { kindOfMode } from './packets.ts'

/** Less room than this is a full disk. */
const fullBelowBytes = 1024 * 1024
const removalsAtOnce = 16
/** As LocalStore's: borg and people recognise leftovers by the look. */
const temporaryAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789_'
const temporaryLength = 8

export class SftpFiles {
  readonly session: SftpSession
  readonly host: Host
  readonly fileMode: number
  readonly folderMode: number
  #syncsFolders: boolean

  constructor(session: SftpSession, host: Host, umask: number) {
    this.session = session
    this.host = host
    this.fileMode = 0o666 & ~umask
    this.folderMode = 0o777 & ~umask
    this.#syncsFolders = this.syncs
  }

  /** Whether the server can force files to its disk. */
  get syncs(): boolean {
    return this.session.offers('fsync@openssh.com')
  }

  /** Whether `replace` is one step. */
  get replaces(): boolean {
    return this.session.offers('posix-rename@openssh.com')
  }

  async isFolder(path: string): Promise<boolean> {
    return kindOfMode((await this.session.stat(path))?.mode) === 'folder'
  }

  /** A new file with its missing folders below `root`. @throws EEXIST when there is one of that name. */
  async createNew(root: string, path: string): Promise<Buffer> {
    try {
      return await this.session.open(path, newFileFlags, this.fileMode)
    } catch (error) {
      if (isMissing(error)) await this.ensureFolder(root, parentOf(path))
      else if (!isFailure(error) || (await this.session.lstat(path)) === undefined)
        throw await this.explain(error, path)
      else throw foundError('EEXIST', `open '${path}'`, path)
    }
    return await this.session.open(path, newFileFlags, this.fileMode)
  }

  /** `root`/... down to `folder`; never makes `root`: a missing one may be a disk that is not mounted. */
  async ensureFolder(root: string, folder: string): Promise<void> {
    if (folder === root || folder.length <= root.length || (await this.isFolder(folder))) return
    await this.ensureFolder(root, parentOf(folder))
    await this.makeFolder(folder)
    await this.syncFolder(parentOf(folder))
  }

  /** Fine when somebody else makes it at the same moment. */
  async makeFolder(folder: string): Promise<void> {
    try {
      await this.session.mkdir(folder, this.folderMode)
    } catch (error) {
      if (!isFailure(error) || !(await this.isFolder(folder))) throw await this.explain(error, folder)
    }
  }

  output(handle: Buffer, path: string): SftpOutput {
    return new SftpOutput(this.session, handle, path, (error) => this.explain(error, path))
  }

  /** A file that did not exist before, with `content`, on disk unless `transient`. Removed again on failure. */
  async createFile(root: string, path: string, content: FileContent, transient: boolean): Promise<void> {
    const handle = await this.createNew(root, path)
    const output = this.output(handle, path)
    try {
      for await (const piece of contentPieces(content)) await output.write([piece])
      await output.finish(!transient && this.syncs)
      await this.session.closeHandle(handle, path)
    } catch (error) {
      await output.abandon()
      await this.closeQuietly(handle, path)
      await this.removeQuietly(path)
      throw error
    }
  }

  /**
   * From `temporary` to `target`, which is replaced; `temporary` is removed on failure. Without posix-rename only a
   * `transient` file may be missing in between.
   */
  async replace(temporary: string, target: string, transient: boolean): Promise<void> {
    try {
      if (this.replaces) await this.session.posixRename(temporary, target)
      else await this.#renameOver(temporary, target, transient)
    } catch (error) {
      await this.removeQuietly(temporary)
      throw error
    }
  }

  async #renameOver(temporary: string, target: string, transient: boolean): Promise<void> {
    try {
      // Where nothing has the name, or the server replaces all the same.
      await this.session.rename(temporary, target)
    } catch (error) {
      if (!isFailure(error) || !transient) throw error
      await this.removeFile(target)
      await this.session.rename(temporary, target)
    }
  }

  /** A missing file is fine. */
  async removeFile(path: string): Promise<void> {
    try {
      await this.session.remove(path)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }

  /** For cleaning up after a failure, which is the one to report. */
  async removeQuietly(path: string): Promise<void> {
    await quietly(() => this.session.remove(path))
  }

  async closeQuietly(handle: Buffer, path: string): Promise<void> {
    await quietly(() => this.session.closeHandle(handle, path))
  }

  /** Only if it is there and empty. */
  async removeFolder(path: string): Promise<void> {
    try {
      await this.session.rmdir(path)
    } catch (error) {
      if (isMissing(error)) return
      if (isBorgError(error) || !(await this.#isUsed(path))) throw error
    }
  }

  async #isUsed(path: string): Promise<boolean> {
    for await (const _entry of this.session.list(path)) return true
    return false
  }

  /** Everything in a folder; symbolic links are removed, not followed. */
  async removeContents(folder: string): Promise<void> {
    const waiting: Promise<void>[] = []
    for await (const entry of this.session.list(folder)) {
      waiting.push(this.#removeEntry(`${folder}/${entry.name}`, entry))
      if (waiting.length >= removalsAtOnce) await Promise.all(waiting.splice(0))
    }
    await Promise.all(waiting)
  }

  async #removeEntry(path: string, entry: FolderEntry): Promise<void> {
    // Servers may list what a link points to.
    const isFolder = kindOfMode(entry.attributes.mode) !== 'file' && (await this.#isFolderItself(path))
    if (!isFolder) {
      await this.removeFile(path)
      return
    }
    await this.removeContents(path)
    await this.session.rmdir(path)
  }

  async #isFolderItself(path: string): Promise<boolean> {
    return kindOfMode((await this.session.lstat(path))?.mode) === 'folder'
  }

  async syncFolderOf(path: string): Promise<void> {
    await this.syncFolder(parentOf(path))
  }

  /** Makes the names in `folder` durable, where the server opens folders as files; OpenSSH's does. */
  async syncFolder(folder: string): Promise<void> {
    if (!this.#syncsFolders) return
    let handle: Buffer
    try {
      handle = await this.session.open(folder, readFlags)
    } catch (error) {
      // One that we may enter but not read: the next sync inside has to do, as on a disk.
      if (isDenied(error)) return
      if (isBorgError(error) || isMissing(error)) throw error
      this.#syncsFolders = false
      return
    }
    try {
      await this.session.sync(handle, folder)
    } catch (error) {
      // Some file systems refuse to sync folders; borg lives with that, too.
      if (!isFailure(error) && !('status' in (error as object))) throw error
    } finally {
      await this.closeQuietly(handle, folder)
    }
  }

  /** Truncated or made; for marks that have no content. */
  async touch(path: string): Promise<void> {
    await this.session.closeHandle(await this.session.open(path, anyFileFlags, this.fileMode), path)
  }

  /** A second name for a secret that is about to be replaced. False where there can be none. */
  async keepOld(target: string, old: string): Promise<boolean> {
    await this.erase(old)
    if (!this.session.offers('hardlink@openssh.com')) return false
    try {
      await this.session.link(target, old)
      return true
    } catch (error) {
      if (isBorgError(error)) throw error
      // Nothing to keep, or a file system without second names.
      return false
    }
  }

  /** Overwrites the content, if the server says that no other name shares it, and removes the name. */
  async erase(path: string): Promise<void> {
    const found = await this.session.lstat(path)
    if (found === undefined) return
    if (kindOfMode(found.mode) === 'file' && found.size !== undefined && (await this.#linksOf(path)) === 1) {
      const handle = await this.session.open(path, overwriteFlags)
      const output = this.output(handle, path)
      await output.write([this.host.randomBytes(found.size)])
      await output.finish(this.syncs)
      await this.session.closeHandle(handle, path)
    }
    await this.removeFile(path)
  }

  /** SFTP knows no link counts, but OpenSSH's long names begin as those of `ls -l`: mode, links. */
  async #linksOf(path: string): Promise<number | undefined> {
    const name = path.slice(path.lastIndexOf('/') + 1)
    for await (const entry of this.session.list(parentOf(path))) {
      if (entry.name === name) return Number(/^\S{10,} +(\d+) /.exec(entry.longName)?.[1] ?? Number.NaN)
    }
    return undefined
  }

  /** A 'failure' on a full disk is ENOSPC. */
  async explain(error: unknown, path: string): Promise<unknown> {
    if (!isFailure(error) || !this.session.offers('statvfs@openssh.com')) return error
    try {
      if ((await this.session.freeBytes(parentOf(path))) >= fullBelowBytes) return error
    } catch {
      return error
    }
    return Object.assign(foundError('ENOSPC', `write '${path}'`, path), { cause: error })
  }

  /** `start`, eight random letters and '.tmp': a name nobody has, as far as chance goes. */
  temporaryName(start: string): string {
    // 37 letters from 256 values are not quite evenly likely, which a name need not be.
    const letters = Array.from(
      this.host.randomBytes(temporaryLength),
      (byte) => temporaryAlphabet[byte % temporaryAlphabet.length],
    )
    return `${start}${letters.join('')}.tmp`
  }
}

/** '.' for a name without folder: where the server starts. */
export function parentOf(path: string): string {
  const end = path.lastIndexOf('/')
  if (end < 0) return '.'
  return end === 0 ? '/' : path.slice(0, end)
}

async function quietly(act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch {
    // A leftover harms nobody.
  }
}
