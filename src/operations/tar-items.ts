/**
 * Archived items as members of tarballs, and back.
 *
 * Source: CLI contract commands.md §16; format sheet objects.md section 6 (import-tar).
 */
import { fileTypes, type Item, sumSizes } from '../archive/item.ts'
import { type ItemPath, itemPath } from '../base/ids.ts'
import { normalPath } from '../base/paths.ts'
import { clampItemTime } from '../base/time.ts'
import { joinDevice, splitDevice } from '../platform/device-nodes.ts'
import { makePathSafe } from '../source/safe-path.ts'
import type { TarMember, TarType } from '../tar/member.ts'

const permissionMask = 0o7777
const nanosecondsPerSecond = 1_000_000_000n

/**
 * `item` as borg writes it to tarballs, under the name `path`; `linkTo` is the name of its first one if it is a later name
 * of a regular file. Later names of FIFOs and devices are FIFOs and devices again. Undefined for what tar has no type for.
 */
export function memberOfItem(
  item: Item,
  path: string,
  linkTo: string | undefined,
): (TarMember & { readonly type: TarType }) | undefined {
  const type = typeOfItem(item, linkTo)
  if (type === undefined) return undefined
  const device = splitDevice(type === 'character' || type === 'block' ? (item.rawDevice ?? 0) : 0)
  return {
    type,
    typeFlag: 0,
    name: path,
    linkName: type === 'symlink' ? (item.source ?? '') : type === 'link' ? (linkTo ?? '') : '',
    mode: item.mode & permissionMask,
    uid: item.uid ?? 0,
    gid: item.gid ?? 0,
    userName: item.user ?? '',
    groupName: item.group ?? '',
    modified: wholeSeconds(item.modified),
    size: type === 'file' ? sumSizes(item.chunks ?? []) : 0,
    ...device,
  }
}

const typesByMode: Readonly<Record<number, TarType>> = {
  [fileTypes.regular]: 'file',
  [fileTypes.directory]: 'directory',
  [fileTypes.symlink]: 'symlink',
  [fileTypes.fifo]: 'fifo',
  [fileTypes.character]: 'character',
  [fileTypes.block]: 'block',
}

function typeOfItem(item: Item, linkTo: string | undefined): TarType | undefined {
  const type = typesByMode[item.mode & ~permissionMask]
  return type === 'file' && linkTo !== undefined ? 'link' : type
}

/** Borg divides as floating point numbers: the last 120 ns of a second belong to the next. */
function wholeSeconds(time: bigint): bigint {
  return BigInt(Math.trunc(Number(time) / 1e9)) * nanosecondsPerSecond
}

/** The item a member becomes, content left out; undefined for types that are no file. */
export function itemOfMember(member: TarMember): Item | undefined {
  const { type, uid, gid } = member
  if (type === 'unsupported') return undefined
  const modeType = type === 'link' ? fileTypes.regular : modesByType[type]
  return {
    path: archivedPath(member.name),
    mode: (member.mode & permissionMask) | modeType,
    uid,
    gid,
    user: member.userName || null,
    group: member.groupName || null,
    modified: clampItemTime(member.modified),
    ...(type === 'symlink' && { source: member.linkName }),
    ...(type === 'link' && { source: archivedPath(member.linkName) }),
    ...((type === 'character' || type === 'block') && { rawDevice: joinDevice(member.major, member.minor) }),
  }
}

const modesByType = Object.fromEntries(
  Object.entries(typesByMode).map(([mode, type]) => [type, Number(mode)]),
) as Readonly<Record<Exclude<TarType, 'link'>, number>>

/** Relative and normal, as create stores paths. */
function archivedPath(name: string): ItemPath {
  const path = makePathSafe(normalPath(name))
  return path === '..' ? itemPath('.') : path
}
