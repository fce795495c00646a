/**
 * Which paths an archive may have us write to: those inside the destination, and no others.
 *
 * Archives can be made by anyone. A path is taken apart here; that its folders are real ones and not symlinks is checked
 * when they are entered (target-folders.ts). Source: cli/commands.md §3 "unsafe archive", format/objects.md §7.
 */
import { FileProblem } from '../base/errno.ts'

/**
 * The names from the destination down to `path`, '.' and empty parts left out; none for the destination itself.
 * @throws FileProblem 'BackupPathTraversalError' for absolute paths and for '..' anywhere
 */
export function safeParts(path: string): readonly string[] {
  if (path.startsWith('/')) throw new FileProblem('BackupPathTraversalError')
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new FileProblem('BackupPathTraversalError')
  if (path.includes('\0')) throw new FileProblem('BackupError', ['path contains a null byte'])
  return parts
}

/** `path` without its first `count` parts, as --strip-components cuts it; undefined when nothing is left. */
export function stripComponents(path: string, count: number): string | undefined {
  if (count === 0) return path
  return path.split('/').slice(count).join('/') || undefined
}
