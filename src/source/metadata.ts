/**
 * What an archive keeps of a file besides its content.
 *
 * Source: format/objects.md §6, §7.
 */
import { clampItemTime } from '../base/time.ts'
import { printableText } from '../base/text.ts'
import type { Item } from '../archive/item.ts'
import { fileTypeMask, fileTypes } from '../archive/item.ts'
import { during, systemErrorText } from '../base/errno.ts'
import type { FileSystem, Place, Stat } from '../platform/file-system.ts'

export interface MetadataOptions {
  /** Store no names of users and groups. */
  readonly numericIds?: boolean | undefined
  readonly noXattrs?: boolean | undefined
  readonly noAcls?: boolean | undefined
  readonly noFlags?: boolean | undefined
  readonly atime?: boolean | undefined
  readonly noCtime?: boolean | undefined
  readonly noBirthtime?: boolean | undefined
}

export type ItemMetadata = Omit<
  Item,
  'path' | 'chunks' | 'chunksHealthy' | 'size' | 'source' | 'hardlinkMaster' | 'part'
>

export interface MetadataSource {
  /** The opened file, or the path of what is not opened. */
  readonly place: Place
  /** Of the same moment as `place`: for an opened entry, its `found`. */
  readonly stat: Stat
  /** The bare name, for error texts. */
  readonly fileName: string
  /** Archived as a regular file, whatever it is. */
  readonly readSpecial?: boolean | undefined
}

/**
 * All fields of `source` but those about its path and content. An extended attribute that cannot be read is left out and
 * told to `onUnreadable` as a line for the log; borg's exit code does not change for it.
 * @throws FileProblem with operation 'extended stat (xattrs)' and the like
 */
export function readMetadata(
  files: FileSystem,
  source: MetadataSource,
  options: MetadataOptions,
  onUnreadable?: (line: string) => void,
): ItemMetadata {
  return {
    ...statMetadata(files, source.stat, options, source.readSpecial ?? false),
    ...extendedMetadata(files, source, options, onUnreadable),
  }
}

/** The part that needs no further system call. */
export function statMetadata(
  files: FileSystem,
  stat: Stat,
  options: MetadataOptions,
  readSpecial: boolean,
): ItemMetadata {
  return {
    mode: readSpecial ? (stat.mode & ~fileTypeMask) | fileTypes.regular : stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    user: options.numericIds ? null : (files.userName(stat.uid) ?? null),
    group: options.numericIds ? null : (files.groupName(stat.gid) ?? null),
    modified: clampItemTime(stat.modified),
    ...(options.atime && { accessed: clampItemTime(stat.accessed) }),
    ...(!options.noCtime && { changed: clampItemTime(stat.changed) }),
    ...(!options.noBirthtime && stat.born !== undefined && { born: clampItemTime(stat.born) }),
    ...(!readSpecial && isDevice(stat) && { rawDevice: stat.rawDevice }),
  }
}

function isDevice(stat: Stat): boolean {
  return stat.kind === 'character' || stat.kind === 'block'
}

type Extended = Pick<Item, 'xattrs' | 'bsdflags' | 'aclAccess' | 'aclDefault'>

function extendedMetadata(
  files: FileSystem,
  source: MetadataSource,
  options: MetadataOptions,
  onUnreadable: ((line: string) => void) | undefined,
): Extended {
  const { place, stat, fileName } = source
  const xattrs = options.noXattrs
    ? undefined
    : during('extended stat (xattrs)', fileName, () =>
        files.readExtendedAttributes(place, (name, error) => onUnreadable?.(unreadableLine(name, error, fileName))),
      )
  const flags = options.noFlags ? 0 : during('extended stat (flags)', fileName, () => files.readFlags(place, stat))
  const acl = options.noAcls
    ? undefined
    : during('extended stat (ACLs)', fileName, () =>
        files.readAcl(place, stat, { numericIds: options.numericIds ?? false }),
      )
  return {
    ...(xattrs !== undefined && xattrs.size > 0 && { xattrs }),
    ...(flags !== 0 && { bsdflags: flags }),
    ...(acl?.access !== undefined && { aclAccess: acl.access }),
    ...(acl?.default !== undefined && { aclDefault: acl.default }),
  }
}

function unreadableLine(name: string, error: unknown, fileName: string): string {
  return `when getting extended attribute ${printableText(name)}: ${systemErrorText(error, fileName)}`
}
