/**
 * From paths as given to paths as walked and as archived.
 *
 * Source: cli/commands.md §2 "Path rules"; fixtures/vectors/parsing.json, make_path_safe.
 */
import { type ItemPath, itemPath } from '../base/ids.ts'
import { normalPath } from '../base/paths.ts'

/** Removes every leading '/' and '../'; what is then empty becomes '.'. '..' further inside stays. */
export function makePathSafe(path: string): ItemPath {
  return itemPath(path.replace(/^(?:(?:\.\.)?\/+)+/, '') || '.')
}

export interface RootPath {
  /** Normalised: what is read, shown and matched. */
  readonly walkedPath: string
  /** Ends in '/'; removed from stored paths. Undefined when nothing is. */
  readonly strippedPrefix: string | undefined
}

/**
 * What a root argument means. Everything before a '/./' that is not at its start is read but not stored: `in/x/./y`
 * walks `in/x/y` and stores `y`; `in/x/./` stores `.`.
 */
export function parseRoot(root: string): RootPath {
  const dot = root.indexOf('/./')
  return {
    walkedPath: normalPath(root),
    strippedPrefix: dot > 0 ? `${normalPath(root.slice(0, dot))}/` : undefined,
  }
}

/** The path an archive keeps for something walked. */
export function storedPath(walkedPath: string, strippedPrefix: string | undefined): ItemPath {
  if (strippedPrefix === undefined) return makePathSafe(walkedPath)
  if (`${walkedPath}/` === strippedPrefix) return itemPath('.')
  return makePathSafe(walkedPath.startsWith(strippedPrefix) ? walkedPath.slice(strippedPrefix.length) : walkedPath)
}

/** The walked path of `name` in a folder walked as `folder`. */
export function joinWalked(folder: string, name: string): string {
  if (folder === '.') return name
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`
}
