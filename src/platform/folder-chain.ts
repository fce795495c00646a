/**
 * The folders from some root down to where we are, held open so that nobody can swap one under us.
 *
 * Trees may be deeper than a process may have files open: only the deepest levels stay open, and a level that was closed
 * is opened again from its child ('..') and must be the same folder. Used to walk (source) and to restore (target).
 */
import { makeSystemErrorNamed } from '../base/errno.ts'
import type { FileSystem, NativePath, OpenFile } from './file-system.ts'

const openLevelsMax = 128
const parentName = Uint8Array.of(0x2e, 0x2e)

interface Level {
  readonly device: bigint
  readonly inode: bigint
  folder: OpenFile | undefined
}

export class FolderChain implements Disposable {
  readonly #files: FileSystem
  readonly #levels: Level[] = []
  readonly #openMax: number

  /** Takes over `root`, an open directory. */
  constructor(files: FileSystem, root: OpenFile, openMax: number = openLevelsMax) {
    this.#files = files
    this.#openMax = Math.max(2, openMax)
    this.push(root)
  }

  /** Levels below the root. */
  get depth(): number {
    return this.#levels.length - 1
  }

  /** The deepest folder. Borrowed: valid until the chain moves. */
  get folder(): OpenFile {
    const folder = this.#levels.at(-1)?.folder
    if (folder === undefined) throw new RangeError('the folder chain is closed')
    return folder
  }

  /** A path that names `name` in the deepest folder; valid until the chain moves. */
  pathOf(name: Uint8Array): NativePath {
    return this.#files.pathInside(this.folder, name)
  }

  /** Goes down into `name`. @throws ENOTDIR or ELOOP when it is anything but a real directory; the chain then stays. */
  enter(name: Uint8Array): void {
    this.push(this.#files.openForBackup(this.pathOf(name), { folder: true }))
  }

  /** Goes down into a directory already opened, and takes it over. */
  push(folder: OpenFile): void {
    try {
      const { device, inode } = folder.stat()
      this.#levels.push({ device, inode, folder })
    } catch (error) {
      folder.close()
      throw error
    }
    // The root is never given up: it may have been reached through a symlink.
    const surplus = this.#levels.length - this.#openMax
    const old = surplus > 0 ? this.#levels[surplus] : undefined
    old?.folder?.close()
    if (old !== undefined) old.folder = undefined
  }

  /** Goes up one level. @throws ESTALE when the folder above is no longer the one we came from; the chain is then closed. */
  leave(): void {
    const child = this.#levels.pop()
    const parent = this.#levels.at(-1)
    if (child?.folder === undefined || parent === undefined) throw new RangeError('the folder chain is at its root')
    try {
      parent.folder ??= this.#reopen(child.folder, parent)
    } catch (error) {
      this.close()
      throw error
    } finally {
      child.folder.close()
    }
  }

  close(): void {
    for (const level of this.#levels) level.folder?.close()
    this.#levels.length = 0
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #reopen(child: OpenFile, wanted: Level): OpenFile {
    const folder = this.#files.openForBackup(this.#files.pathInside(child, parentName), { folder: true })
    const found = folder.stat()
    if (found.device === wanted.device && found.inode === wanted.inode) return folder
    folder.close()
    throw makeSystemErrorNamed('ESTALE', 'open')
  }
}
