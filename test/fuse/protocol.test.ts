import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { nanoseconds } from '../../src/base/ids.ts'
import {
  decodeRequest,
  encodeAttributes,
  encodeEntry,
  encodeError,
  encodeInit,
  encodeOpen,
  encodeReplyHeader,
  encodeStatfs,
  encodeXattrSize,
  FolderPage,
} from '../../src/fuse/protocol.ts'
import { replies, requests } from './kernel-vectors.ts'

const unique = 0x1122334455667788n
const attributes = {
  node: 6,
  mode: 0o104755,
  links: 3,
  uid: 1000,
  gid: 100,
  size: 1000,
  rawDevice: 0x801,
  accessed: nanoseconds(1_700_000_000_123_456_789n),
  modified: nanoseconds(1_700_000_001_000_000_001n),
  changed: nanoseconds(-1_000_000_001n),
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('requests as the kernel lays them out', () => {
  test.each([
    ['init', { kind: 'init', node: 0, major: 7, minor: 38, readAhead: 0x20000, flags: 0x73fffffb }],
    ['lookup', { kind: 'lookup', node: 5, name: Uint8Array.of(...bytes('name'), 0xff) }],
    ['getattr', { kind: 'getattr', node: 7 }],
    ['open', { kind: 'open', node: 9, flags: 0x8000 }],
    ['read', { kind: 'read', node: 9, offset: 0x123456789a, size: 131072 }],
    ['readdirplus', { kind: 'readdirplus', node: 1, offset: 0x123456789a, size: 131072 }],
    ['getxattr', { kind: 'getxattr', node: 4, size: 64, name: bytes('user.a') }],
    ['listxattr', { kind: 'listxattr', node: 4, size: 64 }],
    ['interrupt', { kind: 'interrupt', node: 0, interrupted: 0x42n }],
    ['access', { kind: 'access', node: 4, mask: 6 }],
    ['forget', { kind: 'forget', node: 4 }],
    ['unlink', { kind: 'writing', node: 4, opcode: 10 }],
    ['lseek', { kind: 'unknown', node: 4, opcode: 46 }],
  ] as const)('%s', (name, wanted) => {
    expect(decodeRequest(fromHex(requests[name]))).toEqual({ unique, ...wanted })
  })

  test('a name is a copy: the buffer it came in is used again', () => {
    const buffer = fromHex(requests.lookup)
    const request = decodeRequest(buffer)
    buffer.fill(0)

    expect(request).toMatchObject({ name: Uint8Array.of(...bytes('name'), 0xff) })
  })

  test.each(Object.entries(requests))('%s cut short is no request', (_, hex) => {
    const whole = fromHex(hex)
    for (let size = 0; size < whole.length; size++) expect(decodeRequest(whole.subarray(0, size))).toBeUndefined()
  })

  test.each(['open', 'read', 'getxattr', 'interrupt', 'init'] as const)('%s without its body is no request', (name) => {
    const header = fromHex(requests[name]).slice(0, 40)
    header[0] = 40

    expect(decodeRequest(header)).toBeUndefined()
  })
})

describe('replies as the kernel wants them', () => {
  test.each([
    ['out-error', encodeError(unique, 2)],
    ['out-attr', encodeReplyHeader(unique, 104)],
    ['init_out', encodeInit({ minor: 31, readAhead: 0x20000, flags: 1 })],
    ['attr_out', encodeAttributes(attributes)],
    ['entry_out', encodeEntry(attributes)],
    ['negative', encodeEntry(undefined)],
    ['open_out', encodeOpen(2)],
    ['statfs_out', encodeStatfs()],
    ['getxattr_out', encodeXattrSize(77)],
    ['dirent', page(false).bytes],
    ['direntplus', page(true).bytes],
  ] as const)('%s', (name, encoded) => {
    expect(toHex(encoded)).toBe(replies[name])
  })

  test('an entry that does not fit leaves the page as it was', () => {
    const full = new FolderPage(60, { plus: false })
    const entry = { name: bytes('hello'), node: 6, position: 9, mode: 0o100644 }

    expect(full.add(entry, undefined)).toBe(true)
    expect(full.add(entry, undefined)).toBe(false)
    expect(toHex(full.bytes)).toBe(replies.dirent)
  })
})

function page(plus: boolean): FolderPage {
  const made = new FolderPage(4096, { plus })
  made.add({ name: bytes('hello'), node: 6, position: 9, mode: attributes.mode }, attributes)
  return made
}
