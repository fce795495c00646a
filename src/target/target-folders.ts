/**
 * The folders of the destination, entered one real directory at a time.
 *
 * The way down is held open (platform/folder-chain.ts), so what was checked stays true while we use it; going to another
 * folder only walks the part that differs. A symlink on the way is an attack or a damaged archive, even if it stood there
 * before: nothing is written through it.
 */
import { systemErrorCode } from '../base/errors.ts'
import { encodeText } from '../base/text.ts'
import { during, FileProblem } from '../base/errno.ts'
import type { FileSystem, NativePath, OpenFile, Stat } from '../platform/file-system.ts'
import { FolderChain } from '../platform/folder-chain.ts'

export class TargetFolders implements Disposable {
  readonly #files: FileSystem
  readonly #root: Uint8Array
  #chain: FolderChain
  #parts: string[] = []

  /** @throws system errors when `root` is no folder */
  constructor(files: FileSystem, root: Uint8Array) {
    this.#files = files
    this.#root = root
    this.#chain = this.#start()
  }

  /** Where the last `goTo` led. Borrowed until the next. */
  get folder(): OpenFile {
    return this.#chain.folder
  }

  /** A path for `name` in the current folder; valid until the next `goTo`. */
  pathOf(name: string): NativePath {
    return this.#chain.pathOf(encodeText(name))
  }

  /**
   * Moves to the folder `parts` below the root; with `create`, makes what is missing (mode 0777 less the umask).
   * @param shown the name error texts show
   * @throws FileProblem 'BackupSymlinkParentError' for a symlink on the way, else with operation 'makedirs'
   */
  goTo(parts: readonly string[], options: { readonly create: boolean; readonly shown: string }): void {
    let shared = 0
    while (shared < parts.length && parts[shared] === this.#parts[shared]) shared++
    if (!this.#leaveTo(shared)) this.#restart()
    for (let depth = this.#parts.length; depth < parts.length; depth++) {
      const part = parts[depth] ?? ''
      this.#enter(encodeText(part), options)
      this.#parts.push(part)
    }
  }

  close(): void {
    this.#chain.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #start(): FolderChain {
    return new FolderChain(this.#files, this.#files.openForBackup(this.#root, { folder: true, follow: true }))
  }

  #restart(): void {
    this.#chain.close()
    this.#parts = []
    this.#chain = this.#start()
  }

  /** False when a folder above has been moved meanwhile and the way must be walked anew. */
  #leaveTo(depth: number): boolean {
    try {
      while (this.#parts.length > depth) {
        this.#chain.leave()
        this.#parts.pop()
      }
      return true
    } catch {
      return false
    }
  }

  #enter(name: Uint8Array, options: { readonly create: boolean; readonly shown: string }): void {
    const path = this.#chain.pathOf(name)
    const present = during('makedirs', options.shown, () => lookAt(this.#files, path))
    if (present?.kind === 'symlink') throw new FileProblem('BackupSymlinkParentError')
    during('makedirs', options.shown, () => {
      if (present === undefined && options.create) this.#files.createFolder(path)
      // Refuses symlinks itself: one may have come since we looked.
      this.#chain.enter(name)
    })
  }
}

/** What is there, or undefined. Symlinks are not followed. */
export function lookAt(files: FileSystem, path: NativePath): Stat | undefined {
  try {
    return files.lstat(path)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
