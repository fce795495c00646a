/**
 * The one file that comes from standard input or from a command.
 *
 * Source: cli/commands.md §2 (--stdin-*), format/objects.md §6 "Special inputs".
 */
import { BorgError } from '../base/errors.ts'
import { type Nanoseconds, nanoseconds } from '../base/ids.ts'
import { fileTypeMask, fileTypes, type Item } from '../archive/item.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { makePathSafe } from './safe-path.ts'

export interface StdinOptions {
  /** Path in the archive. Default 'stdin'. */
  readonly name?: string | undefined
  /** Permission bits; the type is always a regular file. Default 0660. */
  readonly mode?: number | undefined
  /** Default: the name of uid 0 and gid 0. */
  readonly user?: string | undefined
  readonly group?: string | undefined
}

const nanosecondsPerSecond = 1_000_000_000n
const modeDefault = 0o660

/**
 * The item without its content. borg stores the name as given, also with a leading '/', and can then not extract it; we
 * make it relative. @throws BorgError 'Error' for a user or group nobody knows
 */
export function stdinItem(files: FileSystem, options: StdinOptions, now: Nanoseconds): Item {
  const time = nanoseconds(now - (now % nanosecondsPerSecond))
  const user = options.user ?? files.userName(0) ?? null
  const group = options.group ?? files.groupName(0) ?? null
  return {
    path: makePathSafe(options.name ?? 'stdin'),
    mode: ((options.mode ?? modeDefault) & ~fileTypeMask) | fileTypes.regular,
    uid: options.user === undefined ? 0 : known(files.userId(options.user), `no such user: ${options.user}`),
    gid: options.group === undefined ? 0 : known(files.groupId(options.group), `no such group: ${options.group}`),
    user,
    group,
    modified: time,
    accessed: time,
    changed: time,
    hardlinkMaster: false,
  }
}

function known(id: number | undefined, complaint: string): number {
  if (id === undefined) throw new BorgError('Error', [complaint])
  return id
}
