/**
 * POSIX ACLs: the kernel's binary form <-> the text form of archives. No libacl.
 *
 * Binary (the extended attributes system.posix_acl_access and _default), little-endian:
 *   version (u32, 2) | entries of: tag (u16) | permissions (u16) | id (u32, all ones where the tag has none)
 * Text: lines `type:name:rwx`, joined by newlines, in the order owner, users, group, groups, mask, other; named entries
 * carry the number as fourth field: `user:joe:rw-:1000`.
 * Sources: format/objects.md §7, linux/posix_acl_xattr.h, acl(5).
 */
import { concatBytes, dataView } from '../base/bytes.ts'
import { decodeText, encodeText } from '../base/text.ts'
import { makeSystemErrorNamed } from '../base/errno.ts'

/** Names for numbers and back; `users.ts` has the real ones. */
export interface NameLookup {
  userName(uid: number): string | undefined
  groupName(gid: number): string | undefined
  userId(name: string): number | undefined
  groupId(name: string): number | undefined
}

interface AclEntry {
  readonly tag: number
  readonly permissions: number
  /** Meaningful for named entries only. */
  readonly id: number
}

const tags = { owner: 0x01, user: 0x02, owningGroup: 0x04, group: 0x08, mask: 0x10, other: 0x20 } as const
const version = 2
const noId = 0xffff_ffff

/** The text for binary `packed`. @throws EINVAL when it is not a version 2 ACL. */
export function aclText(packed: Uint8Array, names: NameLookup, options: { readonly numericIds: boolean }): Uint8Array {
  const lines = sorted(decodeAcl(packed)).map((entry) => entryText(entry, names, options.numericIds))
  return encodeText(lines.join('\n'))
}

/** The text of an ACL that says no more than the mode does. */
export function aclTextOfMode(mode: number): Uint8Array {
  const line = (type: string, shift: number): string => `${type}::${permissionText((mode >> shift) & 7)}`
  return encodeText([line('user', 6), line('group', 3), line('other', 0)].join('\n'))
}

/**
 * Binary for text out of an archive; undefined for text without entries. Names become this machine's numbers, else the
 * fourth field counts; with `numericIds` only the fourth field (or a numeric name).
 * @throws EINVAL on malformed lines and names without a number
 */
export function packAcl(
  text: Uint8Array,
  names: NameLookup,
  options: { readonly numericIds: boolean },
): Uint8Array | undefined {
  const entries: AclEntry[] = []
  for (const line of decodeText(text).split('\n')) {
    const content = (line.split('#')[0] ?? '').trim()
    if (content !== '') entries.push(parseEntry(content, names, options.numericIds))
  }
  return entries.length === 0 ? undefined : encodeAcl(sorted(entries))
}

function decodeAcl(packed: Uint8Array): readonly AclEntry[] {
  if (packed.length < 4 || packed.length % 8 !== 4) throw makeSystemErrorNamed('EINVAL', 'acl')
  const view = dataView(packed)
  if (view.getUint32(0, true) !== version) throw makeSystemErrorNamed('EINVAL', 'acl')
  const entries: AclEntry[] = []
  for (let offset = 4; offset < packed.length; offset += 8) {
    entries.push({
      tag: view.getUint16(offset, true),
      permissions: view.getUint16(offset + 2, true),
      id: view.getUint32(offset + 4, true),
    })
  }
  return entries
}

function encodeAcl(entries: readonly AclEntry[]): Uint8Array {
  const header = new Uint8Array(4)
  dataView(header).setUint32(0, version, true)
  return concatBytes(header, ...entries.map(encodeEntry))
}

function encodeEntry(entry: AclEntry): Uint8Array {
  const packed = new Uint8Array(8)
  const view = dataView(packed)
  view.setUint16(0, entry.tag, true)
  view.setUint16(2, entry.permissions, true)
  view.setUint32(4, isNamed(entry.tag) ? entry.id : noId, true)
  return packed
}

/** The kernel refuses other orders of tags; ids within a tag as libacl sorts them. */
function sorted(entries: readonly AclEntry[]): readonly AclEntry[] {
  return [...entries].sort((a, b) => a.tag - b.tag || (isNamed(a.tag) ? a.id - b.id : 0))
}

function isNamed(tag: number): boolean {
  return tag === tags.user || tag === tags.group
}

function entryText(entry: AclEntry, names: NameLookup, numericIds: boolean): string {
  const permissions = permissionText(entry.permissions)
  switch (entry.tag) {
    case tags.owner:
      return `user::${permissions}`
    case tags.owningGroup:
      return `group::${permissions}`
    case tags.mask:
      return `mask::${permissions}`
    case tags.other:
      return `other::${permissions}`
    case tags.user:
    case tags.group: {
      const isUser = entry.tag === tags.user
      const known = numericIds ? undefined : isUser ? names.userName(entry.id) : names.groupName(entry.id)
      return `${isUser ? 'user' : 'group'}:${known ?? entry.id}:${permissions}:${entry.id}`
    }
    default:
      throw makeSystemErrorNamed('EINVAL', 'acl')
  }
}

function permissionText(bits: number): string {
  return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`
}

function parsePermissions(text: string): number {
  if (!/^[rwx-]{1,3}$/.test(text)) throw makeSystemErrorNamed('EINVAL', 'acl')
  return (text.includes('r') ? 4 : 0) | (text.includes('w') ? 2 : 0) | (text.includes('x') ? 1 : 0)
}

/** `type:name:rwx` or `type:name:rwx:number`; types may be shortened to their first letter (acl(5)). */
function parseEntry(line: string, names: NameLookup, numericIds: boolean): AclEntry {
  const [type = '', name = '', permissionField = '', number] = line.split(':').map((field) => field.trim())
  const permissions = parsePermissions(permissionField)
  const plain = (tag: number): AclEntry => ({ tag, permissions, id: noId })
  switch (type) {
    case 'u':
    case 'user':
      return name === '' ? plain(tags.owner) : { tag: tags.user, permissions, id: idOf(name, number, true) }
    case 'g':
    case 'group':
      return name === '' ? plain(tags.owningGroup) : { tag: tags.group, permissions, id: idOf(name, number, false) }
    case 'm':
    case 'mask':
      return plain(tags.mask)
    case 'o':
    case 'other':
      return plain(tags.other)
    default:
      throw makeSystemErrorNamed('EINVAL', 'acl')
  }

  function idOf(wanted: string, stored: string | undefined, isUser: boolean): number {
    const local = numericIds ? undefined : isUser ? names.userId(wanted) : names.groupId(wanted)
    const id = local ?? numberIn(stored) ?? numberIn(wanted)
    if (id === undefined) throw makeSystemErrorNamed('EINVAL', 'acl')
    return id
  }
}

function numberIn(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const value = Number(text)
  return value < noId ? value : undefined
}
