/**
 * File flags: Linux's inode flags <-> the BSD bits that archives keep.
 *
 * Source: format/objects.md §7; ioctl_iflags(2), chflags(2).
 */
import type { Syscalls } from './syscalls.ts'

/** Archive bits. */
export const fileFlags = { noDump: 0x1, immutable: 0x2, append: 0x4 } as const

const linuxFlags = { noDump: 0x40, immutable: 0x10, append: 0x20 } as const
const linuxMask = linuxFlags.noDump | linuxFlags.immutable | linuxFlags.append

export function flagsFromLinux(flags: number): number {
  return (
    (flags & linuxFlags.noDump ? fileFlags.noDump : 0) |
    (flags & linuxFlags.immutable ? fileFlags.immutable : 0) |
    (flags & linuxFlags.append ? fileFlags.append : 0)
  )
}

export function flagsToLinux(flags: number): number {
  return (
    (flags & fileFlags.noDump ? linuxFlags.noDump : 0) |
    (flags & fileFlags.immutable ? linuxFlags.immutable : 0) |
    (flags & fileFlags.append ? linuxFlags.append : 0)
  )
}

/** Archive bits of an open file or folder; 0 where the file system has no flags. */
export function readFileFlags(calls: Syscalls | undefined, descriptor: number): number {
  if (calls?.getFlags === undefined) return 0
  try {
    return flagsFromLinux(calls.getFlags(descriptor))
  } catch {
    // Many file systems refuse the question, each with its own error; borg takes any of them as "none".
    return 0
  }
}

/** Sets the three flags as `flags` says and leaves all others. */
export function writeFileFlags(calls: Syscalls | undefined, descriptor: number, flags: number): void {
  if (calls?.getFlags === undefined || calls.setFlags === undefined) return
  const present = calls.getFlags(descriptor)
  const wanted = (present & ~linuxMask) | flagsToLinux(flags)
  if (wanted !== present) calls.setFlags(descriptor, wanted)
}
