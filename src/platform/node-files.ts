/**
 * Open files of the real file system, and its stat records.
 */
import * as fs from 'node:fs'
import { dataView } from '../base/bytes.ts'
import { type Nanoseconds, nanoseconds } from '../base/ids.ts'
import { systemErrorCode } from '../base/errors.ts'
import type { DataRange, FileKind, FileLayout, OpenFile, OutputFile, Stat } from './file-system.ts'
import { joinDevice } from './device-nodes.ts'
import { findSyscalls, type Syscalls } from './syscalls.ts'

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

/** Offsets in Linux's `struct statx`, 256 bytes, in the machine's byte order. */
const place = { links: 16, uid: 20, gid: 24, mode: 28, inode: 32, size: 40, accessed: 64, changed: 96, modified: 112 }
const rawDevicePlace = 128
const devicePlace = 136
const record = new Uint8Array(256)
const view = dataView(record)
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
const nanosecondsPerSecond = 1_000_000_000n

/** The same record as `toStat` makes, at a third of the cost: Node makes twenty big integers for each file. */
export function statInside(call: StatCall, descriptor: number, terminatedName: Uint8Array): Stat {
  call(descriptor, terminatedName, record)
  const mode = view.getUint16(place.mode, littleEndian)
  return {
    kind: kinds.get(mode & 0o170000) ?? 'unknown',
    mode,
    uid: view.getUint32(place.uid, littleEndian),
    gid: view.getUint32(place.gid, littleEndian),
    links: view.getUint32(place.links, littleEndian),
    device: BigInt(readDevice(devicePlace)),
    inode: view.getBigUint64(place.inode, littleEndian),
    rawDevice: readDevice(rawDevicePlace),
    size: Number(view.getBigUint64(place.size, littleEndian)),
    modified: readTime(place.modified),
    changed: readTime(place.changed),
    accessed: readTime(place.accessed),
  }
}

/** Seconds (i64), then nanoseconds (u32). */
function readTime(offset: number): Nanoseconds {
  const fraction = BigInt(view.getUint32(offset + 8, littleEndian))
  return nanoseconds(view.getBigInt64(offset, littleEndian) * nanosecondsPerSecond + fraction)
}

function readDevice(offset: number): number {
  return joinDevice(view.getUint32(offset, littleEndian), view.getUint32(offset + 4, littleEndian))
}

type StatCall = (descriptor: number, name: Uint8Array, into: Uint8Array) => void
const itself = Uint8Array.of(0)

/** A descriptor, and for platforms that cannot address a folder by descriptor, the path it was opened by. */
export class NodeOpenFile implements OpenFile {
  readonly descriptor: number
  readonly path: Uint8Array
  readonly #statCall: StatCall | undefined
  #open = true

  constructor(descriptor: number, path: Uint8Array, statCall: StatCall | undefined) {
    this.descriptor = descriptor
    this.path = path
    this.#statCall = statCall
  }

  stat(): Stat {
    if (this.#statCall !== undefined) return statInside(this.#statCall, this.descriptor, itself)
    return toStat(fs.fstatSync(this.descriptor, { bigint: true }))
  }

  read(into: Uint8Array): number {
    return fs.readSync(this.descriptor, into, 0, into.length, null)
  }

  readAt(into: Uint8Array, position: number): number {
    return fs.readSync(this.descriptor, into, 0, into.length, position)
  }

  layout(): FileLayout | undefined {
    const { seek } = findSyscalls() ?? {}
    const data = seek === undefined ? undefined : findDataRanges(this.descriptor, seek)
    return data === undefined ? undefined : { size: this.stat().size, data }
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

/** Values of `whence`. The last two are Linux's. */
const seekFrom = { start: 0, current: 1, data: 3, hole: 4 } as const

function findDataRanges(descriptor: number, seek: NonNullable<Syscalls['seek']>): readonly DataRange[] | undefined {
  const position = seek(descriptor, 0, seekFrom.current)
  const ranges: DataRange[] = []
  try {
    for (let end = 0; ; ) {
      const start = seek(descriptor, end, seekFrom.data)
      end = seek(descriptor, start, seekFrom.hole)
      ranges.push({ start, end })
    }
  } catch (error) {
    // Behind the last data. Anything else (EINVAL): this file system does not know.
    return systemErrorCode(error) === 'ENXIO' ? ranges : undefined
  } finally {
    seek(descriptor, position, seekFrom.start)
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
