/**
 * The kernel's FUSE protocol as bytes: requests decoded, replies encoded, in the byte order of this machine.
 *
 *   request: length u32 | opcode u32 | unique u64 | node u64 | uid u32 | gid u32 | pid u32 | extensions u16 | 0 u16 | body
 *   reply:   length u32 | error i32 (0, or minus an errno) | unique u64 | body
 *
 * Only what a read-only file system is asked and answers. Source: linux/include/uapi/linux/fuse.h, version 7.31; fuse(4).
 */
import { dataView } from '../base/bytes.ts'
import type { Nanoseconds } from '../base/ids.ts'

export const rootNode = 1
/** Spoken here; kernels with a later minor version answer in this one. */
export const protocolVersion = { major: 7, minor: 31 } as const
export const readSizeMax = 1024 * 1024
/** Of a link: the kernel refuses answers that leave no room for a zero in its page. */
export const linkTargetSizeMax = 4095

const requestHeaderSize = 40
const replyHeaderSize = 16
const attributesSize = 88
const entrySize = 128
const direntSize = 24

/** Byte order of this machine. */
export const isLittle = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** What the kernel may ask. Opcodes that are not here are unknown or only change things. */
const opcodes = {
  1: 'lookup',
  2: 'forget',
  3: 'getattr',
  5: 'readlink',
  14: 'open',
  15: 'read',
  17: 'statfs',
  18: 'release',
  22: 'getxattr',
  23: 'listxattr',
  25: 'flush',
  26: 'init',
  27: 'opendir',
  28: 'readdir',
  29: 'releasedir',
  34: 'access',
  36: 'interrupt',
  38: 'destroy',
  42: 'batch-forget',
  44: 'readdirplus',
} as const satisfies Readonly<Record<number, string>>

/** Opcodes that would change something: setattr, symlink, mknod, mkdir, unlink, rmdir, rename, link, write, xattrs, create ... */
const writingOpcodes: ReadonlySet<number> = new Set([4, 6, 8, 9, 10, 11, 12, 13, 16, 21, 24, 35, 43, 45, 47, 51])

interface Header {
  readonly unique: bigint
  readonly node: number
}

export interface InitRequest extends Header {
  readonly kind: 'init'
  readonly major: number
  readonly minor: number
  readonly readAhead: number
  readonly flags: number
}

export interface ReadRequest extends Header {
  readonly kind: 'read' | 'readdir' | 'readdirplus'
  readonly offset: number
  readonly size: number
}

export type Request =
  | InitRequest
  | ReadRequest
  | (Header &
      (
        | { readonly kind: 'lookup'; readonly name: Uint8Array }
        | { readonly kind: 'open' | 'opendir'; readonly flags: number }
        | { readonly kind: 'getxattr'; readonly name: Uint8Array; readonly size: number }
        | { readonly kind: 'listxattr'; readonly size: number }
        | { readonly kind: 'access'; readonly mask: number }
        | { readonly kind: 'interrupt'; readonly interrupted: bigint }
        | {
            readonly kind:
              | 'forget'
              | 'batch-forget'
              | 'getattr'
              | 'readlink'
              | 'statfs'
              | 'release'
              | 'releasedir'
              | 'flush'
              | 'destroy'
          }
        | { readonly kind: 'writing' | 'unknown'; readonly opcode: number }
      ))

/**
 * The request in `bytes`, copied where it holds bytes. Undefined for something that cannot be one: shorter than it says.
 */
export function decodeRequest(bytes: Uint8Array): Request | undefined {
  if (bytes.length < requestHeaderSize) return undefined
  const view = dataView(bytes)
  if (view.getUint32(0, isLittle) !== bytes.length) return undefined
  const opcode = view.getUint32(4, isLittle)
  const header = { unique: view.getBigUint64(8, isLittle), node: Number(view.getBigUint64(16, isLittle)) }
  const body = bytes.subarray(requestHeaderSize)
  const kind = opcodes[opcode as keyof typeof opcodes] as (typeof opcodes)[keyof typeof opcodes] | undefined
  if (kind === undefined) return { ...header, kind: writingOpcodes.has(opcode) ? 'writing' : 'unknown', opcode }
  const needed = bodySizes[kind] ?? 0
  if (body.length < needed) return undefined
  const word = (offset: number): number => dataView(body).getUint32(offset, isLittle)
  const wide = (offset: number): bigint => dataView(body).getBigUint64(offset, isLittle)
  switch (kind) {
    case 'init':
      return { ...header, kind, major: word(0), minor: word(4), readAhead: word(8), flags: word(12) }
    case 'lookup':
      return { ...header, kind, name: terminatedName(body) }
    case 'open':
    case 'opendir':
      return { ...header, kind, flags: word(0) }
    case 'read':
    case 'readdir':
    case 'readdirplus':
      return { ...header, kind, offset: Number(wide(8)), size: word(16) }
    case 'getxattr':
      return { ...header, kind, size: word(0), name: terminatedName(body.subarray(8)) }
    case 'listxattr':
      return { ...header, kind, size: word(0) }
    case 'access':
      return { ...header, kind, mask: word(0) }
    case 'interrupt':
      return { ...header, kind, interrupted: wide(0) }
    default:
      return { ...header, kind }
  }
}

/** Bytes of a body that are read below, at least. */
const bodySizes: Readonly<Record<string, number>> = {
  init: 16,
  open: 8,
  opendir: 8,
  read: 40,
  readdir: 40,
  readdirplus: 40,
  getxattr: 8,
  listxattr: 8,
  access: 8,
  interrupt: 8,
}

function terminatedName(body: Uint8Array): Uint8Array {
  const end = body.indexOf(0)
  return body.slice(0, end < 0 ? body.length : end)
}

/** What goes before the body; written together with it. */
export function encodeReplyHeader(unique: bigint, bodySize: number): Uint8Array {
  return replyHeader(unique, replyHeaderSize + bodySize, 0)
}

/** A whole reply. `errno` is positive. */
export function encodeError(unique: bigint, errno: number): Uint8Array {
  return replyHeader(unique, replyHeaderSize, -errno)
}

function replyHeader(unique: bigint, size: number, error: number): Uint8Array {
  const bytes = new Uint8Array(replyHeaderSize)
  const view = dataView(bytes)
  view.setUint32(0, size, isLittle)
  view.setInt32(4, error, isLittle)
  view.setBigUint64(8, unique, isLittle)
  return bytes
}

/** What both sides can do; bits of `flags` in INIT. */
export const features = {
  asyncRead: 1 << 0,
  exportSupport: 1 << 4,
  readdirPlus: 1 << 13,
  parallelDirectoryOperations: 1 << 18,
  maxPages: 1 << 22,
  cacheSymlinks: 1 << 23,
} as const

export interface InitReply {
  readonly minor: number
  readonly readAhead: number
  readonly flags: number
}

const pageSize = 4096

export function encodeInit({ minor, readAhead, flags }: InitReply): Uint8Array {
  const bytes = new Uint8Array(64)
  const view = dataView(bytes)
  view.setUint32(0, protocolVersion.major, isLittle)
  view.setUint32(4, minor, isLittle)
  view.setUint32(8, readAhead, isLittle)
  view.setUint32(12, flags, isLittle)
  view.setUint16(16, 16, isLittle) // requests under way in the background
  view.setUint16(18, 12, isLittle) // of which so many count as congestion
  view.setUint32(20, pageSize, isLittle) // largest write: there are none
  view.setUint32(24, 1, isLittle) // nanoseconds in a tick
  view.setUint16(28, readSizeMax / pageSize, isLittle)
  return bytes
}

export interface Attributes {
  readonly node: number
  readonly mode: number
  readonly links: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly rawDevice: number
  readonly accessed: Nanoseconds
  readonly modified: Nanoseconds
  readonly changed: Nanoseconds
}

/** Nothing changes while it is mounted. */
const validSeconds = 24n * 60n * 60n

export function encodeAttributes(attributes: Attributes): Uint8Array {
  const bytes = new Uint8Array(16 + attributesSize)
  dataView(bytes).setBigUint64(0, validSeconds, isLittle)
  putAttributes(bytes, 16, attributes)
  return bytes
}

/** The answer to a lookup; undefined means "no such name", which is remembered as well. */
export function encodeEntry(attributes: Attributes | undefined): Uint8Array {
  const bytes = new Uint8Array(entrySize)
  putEntry(bytes, 0, attributes)
  return bytes
}

function putEntry(bytes: Uint8Array, at: number, attributes: Attributes | undefined): void {
  const view = dataView(bytes)
  view.setBigUint64(at, BigInt(attributes?.node ?? 0), isLittle)
  view.setBigUint64(at + 16, validSeconds, isLittle)
  view.setBigUint64(at + 24, validSeconds, isLittle)
  if (attributes !== undefined) putAttributes(bytes, at + 40, attributes)
}

const second = 1_000_000_000n

function putAttributes(bytes: Uint8Array, at: number, attributes: Attributes): void {
  const view = dataView(bytes)
  view.setBigUint64(at, BigInt(attributes.node), isLittle)
  view.setBigUint64(at + 8, BigInt(attributes.size), isLittle)
  view.setBigUint64(at + 16, BigInt(Math.ceil(attributes.size / 512)), isLittle)
  for (const [number, time] of [attributes.accessed, attributes.modified, attributes.changed].entries()) {
    const nanoseconds = ((time % second) + second) % second
    view.setBigInt64(at + 24 + 8 * number, (time - nanoseconds) / second, isLittle)
    view.setUint32(at + 48 + 4 * number, Number(nanoseconds), isLittle)
  }
  view.setUint32(at + 60, attributes.mode, isLittle)
  view.setUint32(at + 64, attributes.links, isLittle)
  view.setUint32(at + 68, attributes.uid, isLittle)
  view.setUint32(at + 72, attributes.gid, isLittle)
  view.setUint32(at + 76, attributes.rawDevice, isLittle)
  view.setUint32(at + 80, pageSize, isLittle)
}

/** Bits of an answer to open and opendir: what the kernel has read stays valid. */
export const openFlags = { keepCache: 1 << 1, cacheFolder: 1 << 3 } as const

export function encodeOpen(flags: number): Uint8Array {
  const bytes = new Uint8Array(16)
  dataView(bytes).setUint32(8, flags, isLittle)
  return bytes
}

export function encodeStatfs(): Uint8Array {
  const bytes = new Uint8Array(80)
  const view = dataView(bytes)
  view.setUint32(40, 512, isLittle) // block size
  view.setUint32(44, 255, isLittle) // longest name
  view.setUint32(48, 512, isLittle) // fragment size
  return bytes
}

/** How many bytes an extended attribute, or the list of their names, has. */
export function encodeXattrSize(size: number): Uint8Array {
  const bytes = new Uint8Array(8)
  dataView(bytes).setUint32(0, size, isLittle)
  return bytes
}

export interface FolderEntry {
  readonly name: Uint8Array
  /** Where a listing that ends here goes on. */
  readonly position: number
  readonly node: number
  readonly mode: number
}

/** Collects entries of one readdir answer. */
export class FolderPage {
  readonly #bytes: Uint8Array
  readonly #plus: boolean
  #end = 0

  /** With `plus` each entry carries its attributes. */
  constructor(size: number, { plus }: { readonly plus: boolean }) {
    this.#bytes = new Uint8Array(size)
    this.#plus = plus
  }

  /** False when it is full: then the entry belongs to the next page. */
  add(entry: FolderEntry, attributes: Attributes | undefined): boolean {
    const start = this.#plus ? entrySize : 0
    const size = start + Math.ceil((direntSize + entry.name.length) / 8) * 8
    if (this.#end + size > this.#bytes.length) return false
    if (this.#plus) putEntry(this.#bytes, this.#end, attributes)
    const at = this.#end + start
    const view = dataView(this.#bytes)
    view.setBigUint64(at, BigInt(entry.node), isLittle)
    view.setBigUint64(at + 8, BigInt(entry.position), isLittle)
    view.setUint32(at + 16, entry.name.length, isLittle)
    view.setUint32(at + 20, (entry.mode >> 12) & 0o17, isLittle)
    this.#bytes.set(entry.name, at + direntSize)
    this.#end += size
    return true
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#end)
  }
}
