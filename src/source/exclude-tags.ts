/**
 * Folders that ask not to be backed up: CACHEDIR.TAG and --exclude-if-present.
 *
 * Source: cli/common.md §13; https://bford.info/cachedir/.
 */
import { equalBytes } from '../base/bytes.ts'
import { encodeText } from '../base/text.ts'
import type { FileSystem, NativePath, OpenFile } from '../platform/file-system.ts'

export const cacheTagName = 'CACHEDIR.TAG'
/** What a CACHEDIR.TAG must begin with to count. */
export const cacheTagStart = encodeText('Signature: 8a477f597d28d172789f06886806bc55')

export interface TagOptions {
  readonly excludeCaches?: boolean | undefined
  readonly excludeIfPresent?: readonly string[] | undefined
}

/** The tags present in an open folder, the cache tag first; symlinks count as what they point to. Never throws. */
export function findTags(files: FileSystem, folder: OpenFile, options: TagOptions): readonly string[] {
  const tags: string[] = []
  if (options.excludeCaches && isCacheFolder(files, folder)) tags.push(cacheTagName)
  for (const name of options.excludeIfPresent ?? []) {
    if (exists(files, files.pathInside(folder, encodeText(name)))) tags.push(name)
  }
  return tags
}

function exists(files: FileSystem, path: NativePath): boolean {
  try {
    files.stat(path)
    return true
  } catch {
    return false
  }
}

function isCacheFolder(files: FileSystem, folder: OpenFile): boolean {
  const path = files.pathInside(folder, encodeText(cacheTagName))
  try {
    // Looked at before opening: opening a device may have effects.
    if (files.stat(path).kind !== 'file') return false
    using tag = files.openForBackup(path, { follow: true })
    const start = new Uint8Array(cacheTagStart.length)
    let filled = 0
    while (filled < start.length) {
      const count = tag.read(start.subarray(filled))
      if (count === 0) break
      filled += count
    }
    return equalBytes(start, cacheTagStart)
  } catch {
    return false
  }
}
