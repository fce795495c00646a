/**
 * The 512 bytes in front of every member, field by field.
 *
 * Source: POSIX pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format" (base-256 numbers, the magic
 * 'ustar  '); what Python's tarfile writes as GNU_FORMAT, which is what borg exports.
 */
import { concatBytes } from '../base/bytes.ts'
import { decodeText, encodeText } from '../base/text.ts'
import { type TarMember, typeFlags, type TarType } from './member.ts'

export const blockSize = 512
/** Tarballs end at a multiple of this: 20 blocks, a tape's record. */
export const recordSize = 20 * blockSize

interface Field {
  readonly offset: number
  readonly size: number
}

export const fields = {
  name: { offset: 0, size: 100 },
  mode: { offset: 100, size: 8 },
  uid: { offset: 108, size: 8 },
  gid: { offset: 116, size: 8 },
  size: { offset: 124, size: 12 },
  modified: { offset: 136, size: 12 },
  checksum: { offset: 148, size: 8 },
  typeFlag: { offset: 156, size: 1 },
  linkName: { offset: 157, size: 100 },
  magic: { offset: 257, size: 8 },
  userName: { offset: 265, size: 32 },
  groupName: { offset: 297, size: 32 },
  major: { offset: 329, size: 8 },
  minor: { offset: 337, size: 8 },
  /** Only where the magic is POSIX's: GNU keeps other things there. */
  prefix: { offset: 345, size: 155 },
} as const satisfies Record<string, Field>

const posixMagic = 'ustar\0'
const gnuMagic = 'ustar  \0'
const space = 0x20

export interface RawHeader {
  readonly typeFlag: number
  readonly name: string
  readonly linkName: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly userName: string
  readonly groupName: string
  /** Seconds. */
  readonly modified: bigint
  /** Bytes that follow in the tarball. */
  readonly size: number
  readonly major: number
  readonly minor: number
}

/** @throws RangeError that says which field is wrong */
export function parseHeader(block: Uint8Array): RawHeader {
  requireChecksum(block)
  const magic = String.fromCharCode(...part(block, fields.magic))
  const named = magic.startsWith('ustar')
  const prefix = magic.startsWith(posixMagic) ? readText(block, fields.prefix) : ''
  const name = readText(block, fields.name)
  return {
    typeFlag: block[fields.typeFlag.offset] ?? 0,
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: readText(block, fields.linkName),
    mode: smallNumber(block, 'mode'),
    uid: smallNumber(block, 'uid'),
    gid: smallNumber(block, 'gid'),
    userName: named ? readText(block, fields.userName) : '',
    groupName: named ? readText(block, fields.groupName) : '',
    modified: readNumber(part(block, fields.modified), 'modified'),
    size: readSize(part(block, fields.size), 'size'),
    major: named ? smallNumber(block, 'major') : 0,
    minor: named ? smallNumber(block, 'minor') : 0,
  }
}

/** Octal digits between blanks, or base 256 where the first bit is set. @throws RangeError */
export function readNumber(bytes: Uint8Array, what: string): bigint {
  const first = bytes[0] ?? 0
  if ((first & 0x80) !== 0) {
    // Two's complement; the first bit is only the mark.
    let value = BigInt(first & 0x7f)
    for (const byte of bytes.subarray(1)) value = (value << 8n) | BigInt(byte)
    return (first & 0x40) === 0 ? value : value - (1n << BigInt(8 * bytes.length - 1))
  }
  const text = untilNul(bytes).trim()
  if (text === '') return 0n
  if (!/^[0-7]+$/.test(text)) throw new RangeError(`${what}: not an octal number`)
  return BigInt(`0o${text}`)
}

/** @throws RangeError also for what cannot be a size */
export function readSize(bytes: Uint8Array, what: string): number {
  const value = readNumber(bytes, what)
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${what}: impossible`)
  return Number(value)
}

export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0)
}

/** Bytes up to the next multiple of the block size. */
export function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize
}

const longNameSource = '././@LongLink'

/** The header of a member in GNU's format; names too long for it come first, in members of their own. */
export function encodeHeader(member: Omit<TarMember, 'typeFlag'> & { readonly type: TarType }): Uint8Array {
  const name = encodeText(member.type === 'directory' ? `${member.name.replace(/\/$/, '')}/` : member.name)
  const linkName = encodeText(member.linkName)
  const parts: Uint8Array[] = []
  if (linkName.length > fields.linkName.size) parts.push(...longName('K', linkName))
  if (name.length > fields.name.size) parts.push(...longName('L', name))
  const header = newHeader(typeFlags[member.type], name, member.size)
  writeNumber(header, fields.mode, BigInt(member.mode & 0o7777))
  writeNumber(header, fields.uid, BigInt(member.uid))
  writeNumber(header, fields.gid, BigInt(member.gid))
  writeNumber(header, fields.modified, member.modified / 1_000_000_000n)
  writeBytes(header, fields.linkName, linkName)
  writeBytes(header, fields.userName, encodeText(member.userName))
  writeBytes(header, fields.groupName, encodeText(member.groupName))
  if (member.type === 'character' || member.type === 'block') {
    writeNumber(header, fields.major, BigInt(member.major))
    writeNumber(header, fields.minor, BigInt(member.minor))
  }
  return concatBytes(...parts, sealed(header))
}

function longName(typeFlag: 'K' | 'L', name: Uint8Array): Uint8Array[] {
  const size = name.length + 1
  const header = newHeader(typeFlag, encodeText(longNameSource), size)
  for (const field of [fields.mode, fields.uid, fields.gid, fields.modified]) writeNumber(header, field, 0n)
  return [sealed(header), name, new Uint8Array(1 + paddingOf(size))]
}

function newHeader(typeFlag: string, name: Uint8Array, size: number): Uint8Array {
  const header = new Uint8Array(blockSize)
  writeBytes(header, fields.name, name)
  writeNumber(header, fields.size, BigInt(size))
  writeBytes(header, fields.typeFlag, encodeText(typeFlag))
  writeBytes(header, fields.magic, encodeText(gnuMagic))
  return header
}

/** Six octal digits, NUL, space: the sum of all bytes while this field is blank. */
function sealed(header: Uint8Array): Uint8Array {
  header.fill(space, fields.checksum.offset, fields.checksum.offset + fields.checksum.size)
  const sum = checksums(header).unsigned
  writeBytes(header, fields.checksum, encodeText(`${sum.toString(8).padStart(6, '0')}\0`))
  return header
}

/** Some old programs added signed bytes. @throws RangeError */
function requireChecksum(block: Uint8Array): void {
  const expected = Number(readNumber(part(block, fields.checksum), 'checksum'))
  const { unsigned, signed } = checksums(block)
  if (expected !== unsigned && expected !== signed) throw new RangeError('not a tar header (checksum)')
}

function checksums(block: Uint8Array): { readonly unsigned: number; readonly signed: number } {
  const { offset, size } = fields.checksum
  let unsigned = size * space
  let signed = unsigned
  for (let i = 0; i < blockSize; i++) {
    if (i >= offset && i < offset + size) continue
    const byte = block[i] ?? 0
    unsigned += byte
    signed += byte < 0x80 ? byte : byte - 0x100
  }
  return { unsigned, signed }
}

function writeBytes(header: Uint8Array, field: Field, bytes: Uint8Array): void {
  header.set(bytes.subarray(0, field.size), field.offset)
}

/** Octal and a NUL if that fits, else base 256. */
function writeNumber(header: Uint8Array, field: Field, value: bigint): void {
  const digits = field.size - 1
  if (value >= 0n && value < 8n ** BigInt(digits)) {
    writeBytes(header, field, encodeText(`${value.toString(8).padStart(digits, '0')}\0`))
    return
  }
  let rest = value
  for (let i = digits; i > 0; i--) {
    header[field.offset + i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  if (rest !== 0n && rest !== -1n) throw new RangeError(`${value} does not fit into a tar header`)
  header[field.offset] = value < 0n ? 0xff : 0x80
}

function part(block: Uint8Array, { offset, size }: Field): Uint8Array {
  return block.subarray(offset, offset + size)
}

function smallNumber(block: Uint8Array, name: 'mode' | 'uid' | 'gid' | 'major' | 'minor'): number {
  return Number(readNumber(part(block, fields[name]), name))
}

function readText(block: Uint8Array, field: Field): string {
  return untilNul(part(block, field))
}

/** The text before the first NUL. */
export function untilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return decodeText(end < 0 ? bytes : bytes.subarray(0, end))
}
