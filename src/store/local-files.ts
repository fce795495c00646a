/**
 * What LocalStore does to single files: durable writes, removal on a full disk, erasing. Paths are the system's.
 *
 * Small reads and writes are synchronous (asynchronous ones cost five to nine times the CPU); waiting for the disk is not.
 * Order and flags of the calls follow fixtures/: format sheet repository, section 16.
 */
import {
  close,
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
  truncateSync,
  unlinkSync,
  write,
  writevSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { systemErrorCode } from '../base/errors.ts'
import { nativePath } from '../base/text.ts'
import { contentPieces, type FileContent } from './store.ts'

const closeLater = promisify(close)
const fdatasyncLater = promisify(fdatasync)
const fsyncLater = promisify(fsync)
const writeLater = promisify(write)

/** Pieces above this are written without blocking the thread. */
const asyncWriteSize = 1024 * 1024
/** Linux accepts at most 1024 buffers in one call. */
const buffersPerCallMax = 1024

/** Runs `act`; an error that knows no path (those of descriptors) gets this one, so that every error names its file. */
export async function namingFile<T>(path: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw withPath(error, path)
  }
}

export function withPath(error: unknown, path: string): unknown {
  if (error instanceof Error && systemErrorCode(error) !== undefined && !('path' in error)) {
    error.message = `${error.message} '${path}'`
    Object.assign(error, { path })
  }
  return error
}

/** Writes `parts` one after the other from `position` on, however often the system stops short. */
export function writePartsSync(descriptor: number, parts: readonly Uint8Array[], position: number): void {
  let rest = parts.filter((part) => part.length > 0)
  let at = position
  while (rest.length > 0) {
    const batch = rest.slice(0, buffersPerCallMax)
    let written = writevSync(descriptor, batch, at)
    at += written
    let done = 0
    while (done < rest.length && written >= (rest[done]?.length ?? 0)) written -= rest[done++]?.length ?? 0
    rest = rest.slice(done)
    if (written > 0 && rest[0] !== undefined) rest = [rest[0].subarray(written), ...rest.slice(1)]
  }
}

async function writePiece(descriptor: number, piece: Uint8Array, position: number): Promise<void> {
  if (piece.length <= asyncWriteSize) {
    writePartsSync(descriptor, [piece], position)
    return
  }
  for (let done = 0; done < piece.length; ) {
    done += (await writeLater(descriptor, piece, done, piece.length - done, position + done)).bytesWritten
  }
}

/** A file that did not exist before, with `content`, on disk unless `transient`. Removed again on failure. */
export async function createFile(path: string, content: FileContent, mode: number, transient: boolean): Promise<void> {
  const descriptor = openSync(nativePath(path), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode)
  let open = true
  try {
    let size = 0
    for await (const piece of contentPieces(content)) {
      await writePiece(descriptor, piece, size)
      size += piece.length
    }
    if (!transient) await fdatasyncLater(descriptor)
    open = false
    // Network file systems report failed writes here: it must count before the file gets its final name.
    await closeLater(descriptor)
  } catch (error) {
    if (open) closeSync(descriptor)
    removeQuietly(path)
    throw withPath(error, path)
  }
}

/** Cut to `size` if given, contents to disk, and then the descriptor is closed in any case. */
export async function syncAndClose(descriptor: number, size: number | undefined): Promise<void> {
  try {
    if (size !== undefined) ftruncateSync(descriptor, size)
    await fdatasyncLater(descriptor)
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
  await closeLater(descriptor)
}

/** Whether there is a folder, or a symbolic link to one. */
export function isFolder(path: string): boolean {
  try {
    return statSync(nativePath(path)).isDirectory()
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** Nothing has this name, whether because of its last part or of an earlier one. */
export function isMissing(error: unknown): boolean {
  const code = systemErrorCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Makes the names in `folder` durable. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders; its file systems order names by themselves.
  if (process.platform === 'win32') return
  const descriptor = openSync(nativePath(folder), constants.O_RDONLY)
  try {
    await fsyncLater(descriptor)
  } catch (error) {
    // Some network file systems refuse to sync folders; borg lives with that, too.
    if (systemErrorCode(error) !== 'EINVAL') throw withPath(error, folder)
  } finally {
    closeSync(descriptor)
  }
}

/** `root`/`folder` with all between; never makes `root`: a missing one may be a disk that is not mounted. */
export async function ensureFolder(root: string, folder: string, mode: number): Promise<void> {
  let parent = root
  for (const part of folder.split('/').filter((part) => part !== '')) {
    const path = `${parent}/${part}`
    try {
      mkdirSync(nativePath(path), mode)
      await syncFolder(parent)
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error
    }
    parent = path
  }
}

/**
 * A missing file is fine. On a file system too full to forget a file (btrfs), its content goes first.
 * `unlink` is a parameter because no test can fill a disk to that point.
 */
export function removeFile(path: string, unlink: (path: string | Buffer) => void = unlinkSync): void {
  const native = nativePath(path)
  try {
    unlink(native)
  } catch (error) {
    if (isMissing(error)) return
    const status = systemErrorCode(error) === 'ENOSPC' ? lstatSync(native) : undefined
    // With a second link the content belongs to someone else as well, and truncating would free nothing.
    if (status === undefined || status.nlink !== 1 || !status.isFile()) throw error
    truncateSync(native)
    unlink(native)
  }
}

/** Overwrites the content, if no other link shares it, and removes the name. A symlink is removed, not followed. */
export async function eraseFile(path: string, randomBytes: (length: number) => Uint8Array): Promise<void> {
  let descriptor: number
  try {
    descriptor = openSync(nativePath(path), constants.O_WRONLY | constants.O_NOFOLLOW)
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ENOENT') return
    if (code !== 'ELOOP' && code !== 'EMLINK') throw error
    removeFile(path)
    return
  }
  try {
    const status = fstatSync(descriptor)
    if (status.nlink === 1 && status.isFile()) {
      writePartsSync(descriptor, [randomBytes(status.size)], 0)
      await fsyncLater(descriptor)
    }
  } catch (error) {
    throw withPath(error, path)
  } finally {
    closeSync(descriptor)
  }
  removeFile(path)
}

/** For cleaning up after a failure, which is the one to report. */
export function removeQuietly(path: string): void {
  try {
    removeFile(path)
  } catch {
    // A leftover temporary file harms nobody.
  }
}
