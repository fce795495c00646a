/**
 * Words of `-o` for the kernel and for fusermount: what mount(8) and libfuse would make of them.
 *
 * Source: mount(8) "FILESYSTEM-INDEPENDENT MOUNT OPTIONS", mount.fuse(8), linux/mount.h.
 */

export interface KernelMount {
  readonly source: string
  readonly type: string
  /** MS_* bits. */
  readonly flags: number
  /** Kernel options, besides those that only the one who mounts knows (fd, rootmode, user_id, group_id). */
  readonly data: readonly string[]
  /** The same for fusermount, which knows all the words. */
  readonly words: readonly string[]
}

const readOnly = 1
const bits = { suid: 2, dev: 4, exec: 8, sync: 16, dirsync: 128, atime: 1024, diratime: 2048 } as const

/** Words that switch a bit on, and off. It is read-only whatever anybody says. */
const switches: Readonly<Record<string, { readonly bit: number; readonly on: boolean }>> = {
  nosuid: { bit: bits.suid, on: true },
  suid: { bit: bits.suid, on: false },
  nodev: { bit: bits.dev, on: true },
  dev: { bit: bits.dev, on: false },
  noexec: { bit: bits.exec, on: true },
  exec: { bit: bits.exec, on: false },
  sync: { bit: bits.sync, on: true },
  async: { bit: bits.sync, on: false },
  dirsync: { bit: bits.dirsync, on: true },
  noatime: { bit: bits.atime, on: true },
  atime: { bit: bits.atime, on: false },
  nodiratime: { bit: bits.diratime, on: true },
  diratime: { bit: bits.diratime, on: false },
}

const kernelWord = /^(allow_other|default_permissions|max_read=\d+|blksize=\d+)$/
/** For fstab, for mount(8), or for a libfuse that is not here. */
const ignoredWord =
  /^(|ro|rw|defaults|auto|noauto|user|nouser|users|owner|group|_netdev|nofail|relatime|strictatime|nonempty|big_writes|kernel_cache|auto_cache|(attr|entry|negative)_timeout=.*|comment=.*|x-.*)$/

/** @throws RangeError that names the words nobody knows */
export function kernelMount(words: readonly string[]): KernelMount {
  let [source, subtype] = ['borgfs', '']
  let flags = readOnly | bits.suid | bits.dev
  const data: string[] = []
  const kept: string[] = []
  const unknown: string[] = []
  for (const word of words) {
    const flag = switches[word]
    if (flag !== undefined) flags = flag.on ? flags | flag.bit : flags & ~flag.bit
    else if (kernelWord.test(word)) data.push(word)
    else if (word.startsWith('fsname=')) source = word.slice('fsname='.length)
    else if (word.startsWith('subtype=')) subtype = word.slice('subtype='.length)
    else if (ignoredWord.test(word)) continue
    else {
      unknown.push(word)
      continue
    }
    if (!word.startsWith('fsname=')) kept.push(word)
  }
  if (unknown.length > 0) throw new RangeError(`fuse: unknown option(s): \`-o ${unknown.join(',')}'`)
  return {
    source,
    type: subtype === '' ? 'fuse' : `fuse.${subtype}`,
    flags,
    data,
    words: [`fsname=${source}`, 'ro', ...kept],
  }
}
