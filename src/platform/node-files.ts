/**
 * Open files of the real file system, and its stat records.
 */
import * as fs from 'node:fs'
import { nanoseconds } from '../base/ids.ts'
import type { FileKind, NativePath, OpenFile, OutputFile, Stat } from './file-system.ts'

const kinds: ReadonlyMap<number, FileKind> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
  [0o020000, 'character'],
  [0o060000, 'block'],
])

const keepsBirthTimes = process.platform === 'darwin' || process.platform === 'freebsd'

export function toStat(found: fs.BigIntStats): Stat {
  const mode = Number(found.mode)
  return {
    kind: kinds.get(mode & 0o170000) ?? 'unknown',
    mode,
    uid: Number(found.uid),
    gid: Number(found.gid),
    links: Number(found.nlink),
    device: BigInt.asUintN(64, found.dev),
    inode: BigInt.asUintN(64, found.ino),
    rawDevice: Number(found.rdev),
    size: Number(found.size),
    modified: nanoseconds(found.mtimeNs),
    changed: nanoseconds(found.ctimeNs),
    accessed: nanoseconds(found.atimeNs),
    ...(keepsBirthTimes && { born: nanoseconds(found.birthtimeNs) }),
  }
}

/** A descriptor, and the path it was opened by for platforms that cannot address a folder by descriptor. */
export class NodeOpenFile implements OpenFile {
  readonly descriptor: number
  readonly path: NativePath
  #open = true

  constructor(descriptor: number, path: NativePath) {
    this.descriptor = descriptor
    this.path = path
  }

  stat(): Stat {
    return toStat(fs.fstatSync(this.descriptor, { bigint: true }))
  }

  read(into: Uint8Array): number {
    return fs.readSync(this.descriptor, into, 0, into.length, null)
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    fs.closeSync(this.descriptor)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

export class NodeOutputFile implements OutputFile {
  readonly descriptor: number
  #position = 0
  #written = 0
  #open = true

  constructor(descriptor: number) {
    this.descriptor = descriptor
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const count = fs.writeSync(this.descriptor, bytes, done, bytes.length - done, this.#position)
      done += count
      this.#position += count
    }
    this.#written = this.#position
  }

  skip(size: number): void {
    this.#position += size
  }

  finish(): void {
    // A new file already ends where the last write did.
    if (this.#position !== this.#written) fs.ftruncateSync(this.descriptor, this.#position)
    this.#written = this.#position
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    fs.closeSync(this.descriptor)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
