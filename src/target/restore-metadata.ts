/**
 * Owner, mode, ACL, attributes, times and flags of what was just made, in an order that matters: changing the owner clears
 * set-id bits and capabilities, setting attributes changes times, and an immutable file takes nothing more.
 *
 * Source: format/objects.md §7 "Restore order", cli/commands.md §3.
 */
import { systemErrorCode } from '../base/errors.ts'
import { type Nanoseconds, nanoseconds } from '../base/ids.ts'
import { printableText } from '../base/text.ts'
import { fileTypeMask, fileTypes, type Item } from '../archive/item.ts'
import { systemErrorText } from '../base/errno.ts'
import type { Acl, FileSystem, Place } from '../platform/file-system.ts'

export interface RestoreOptions {
  readonly numericIds: boolean
  readonly noXattrs?: boolean | undefined
  readonly noAcls?: boolean | undefined
  readonly noFlags?: boolean | undefined
}

/**
 * Restores what `item` says onto `place`, an open file, or the path of a symlink, FIFO or device.
 * What borg overlooks is overlooked: owners we may not set, flags, times of symlinks where unsupported. Attributes that
 * cannot be set are told to `onWarning`, each as one line.
 * @throws system errors (mode, ACL, times)
 */
export function restoreMetadata(
  files: FileSystem,
  place: Place,
  item: Item,
  options: RestoreOptions,
  onWarning: (line: string) => void,
): void {
  const isSymlink = (item.mode & fileTypeMask) === fileTypes.symlink
  restoreOwner(files, place, item, options)
  if (!isSymlink) files.setMode(place, item.mode)
  if (!options.noAcls && !isSymlink) restoreAcl(files, place, item, options)
  if (!options.noXattrs) restoreAttributes(files, place, item, onWarning)
  restoreTimes(files, place, item, isSymlink)
  if (!options.noFlags && item.bsdflags !== undefined) attempt(() => files.setFlags(place, item.bsdflags ?? 0))
}

/** chown(2)'s word for "leave it". */
const unchanged = -1

/** By name where this machine knows it, else by number; an archive without either leaves the owner alone. */
function restoreOwner(files: FileSystem, place: Place, item: Item, options: RestoreOptions): void {
  const named = !options.numericIds
  const uid = (named && item.user != null ? files.userId(item.user) : undefined) ?? item.uid
  const gid = (named && item.group != null ? files.groupId(item.group) : undefined) ?? item.gid
  if (uid === undefined && gid === undefined) return
  // Who is not root may still give a file to another of his groups; everything else fails, and that is no news to him.
  attempt(() => files.setOwner(place, uid ?? unchanged, gid ?? unchanged))
}

function restoreAcl(files: FileSystem, place: Place, item: Item, options: RestoreOptions): void {
  if (item.aclAccess === undefined && item.aclDefault === undefined) return
  const isFolder = (item.mode & fileTypeMask) === fileTypes.directory
  const acl: Acl = {
    ...(item.aclAccess !== undefined && { access: item.aclAccess }),
    // An empty default is what folders without one have; on anything else there is none to remove.
    ...(item.aclDefault !== undefined && isFolder && { default: item.aclDefault }),
  }
  try {
    files.setAcl(place, acl, { numericIds: options.numericIds })
  } catch (error) {
    if (!isUnsupported(error)) throw error
  }
}

function restoreAttributes(files: FileSystem, place: Place, item: Item, onWarning: (line: string) => void): void {
  for (const [name, value] of item.xattrs ?? []) {
    try {
      files.setExtendedAttribute(place, name, value)
    } catch (error) {
      onWarning(attributeWarning(name, value, error, item.path))
    }
  }
}

/** borg's lines; in brackets it names the descriptor, we the path, which says more. */
function attributeWarning(name: string, value: Uint8Array, error: unknown, path: string): string {
  const text = systemErrorText(error, path)
  const start = `when setting extended attribute ${printableText(name)}: `
  switch (systemErrorCode(error)) {
    case 'E2BIG':
      return `${start}too big for this filesystem (${text})`
    case 'ENOSPC':
      return `${start}fs full or xattr too big? [xattr len = ${value.length}] (${text})`
    default:
      return start + text
  }
}

function restoreTimes(files: FileSystem, place: Place, item: Item, isSymlink: boolean): void {
  const modified = clampedTime(item.modified)
  const accessed = item.accessed === undefined ? modified : clampedTime(item.accessed)
  const set = (): void => {
    // Where a file's birth may not be later than its modification, setting that first moves the birth.
    if (item.born !== undefined && files.keepsBirthTimes) files.setTimes(place, accessed, clampedTime(item.born))
    files.setTimes(place, accessed, modified)
  }
  if (isSymlink) attempt(set)
  else set()
}

/** 64-bit seconds hold anything an archive can say, but some file systems refuse what they cannot store. */
function clampedTime(time: Nanoseconds): Nanoseconds {
  const limit = 2n ** 63n - 1n
  return nanoseconds(time > limit ? limit : time < -limit ? -limit : time)
}

function attempt(action: () => void): void {
  try {
    action()
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
  }
}

function isUnsupported(error: unknown): boolean {
  const code = systemErrorCode(error)
  return code === 'EOPNOTSUPP' || code === 'ENOTSUP' || code === 'ENOSYS'
}
