/**
 * Names in a folder, with the inode numbers the folder itself records.
 *
 * Backups visit entries in inode order, and the folder's own record saves asking each file: asking an excluded mount
 * point whose server is gone would hang. Node does not show it, getdents64(2) does; without it inodes are undefined.
 */
import * as fs from 'node:fs'
import { dataView } from '../base/bytes.ts'
import type { FolderEntry } from './file-system.ts'
import type { NodeOpenFile } from './node-files.ts'
import type { Syscalls } from './syscalls.ts'

const shared = new Uint8Array(64 * 1024)

export function listFolder(calls: Syscalls | undefined, place: Buffer | NodeOpenFile): readonly FolderEntry[] {
  const read = calls?.readFolder
  if (Buffer.isBuffer(place)) {
    if (read === undefined) return listByName(place)
    const descriptor = fs.openSync(place, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
    try {
      return listRecords(read, descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
  }
  if (read !== undefined) return listRecords(read, place.descriptor)
  return listByName(process.platform === 'linux' ? Buffer.from(`/proc/self/fd/${place.descriptor}`) : bufferOf(place))
}

function bufferOf(file: NodeOpenFile): Buffer {
  return Buffer.from(file.path)
}

function listByName(path: Buffer): readonly FolderEntry[] {
  return fs.readdirSync(path, 'buffer').map((name) => ({ name, inode: undefined }))
}

/**
 * linux_dirent64: inode (u64) | offset (i64) | record size (u16) | type (u8) | name, NUL-terminated.
 * Reads from the descriptor's position: a folder can be listed once per opening.
 */
function listRecords(
  read: (descriptor: number, into: Uint8Array) => number,
  descriptor: number,
): readonly FolderEntry[] {
  const entries: FolderEntry[] = []
  for (;;) {
    const size = read(descriptor, shared)
    if (size === 0) return entries
    // The names are views of this copy, which is no larger than they need.
    const records = shared.slice(0, size)
    const view = dataView(records)
    for (let offset = 0; offset < size; offset += view.getUint16(offset + 16, littleEndian)) {
      const inode = view.getBigUint64(offset, littleEndian)
      const nameStart = offset + 19
      const name = records.subarray(nameStart, records.indexOf(0, nameStart))
      if (!isDots(name)) entries.push({ name, inode })
    }
  }
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

function isDots(name: Uint8Array): boolean {
  return name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e))
}
