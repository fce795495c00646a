import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeText, encodeText } from '../../src/base/text.ts'
import { aclText, aclTextOfMode, type NameLookup, packAcl } from '../../src/platform/acl.ts'
import { openNodeFileSystem } from '../../src/platform/node-file-system.ts'
import { tempFolder } from '../support/temp-folder.ts'

const names: NameLookup = {
  userName: (uid) => ({ 0: 'root', 1000: 'joe' })[uid],
  groupName: (gid) => ({ 0: 'root', 50: 'staff' })[gid],
  userId: (name) => ({ root: 0, joe: 1000 })[name],
  groupId: (name) => ({ root: 0, staff: 50 })[name],
}
const byName = { numericIds: false }
const byNumber = { numericIds: true }

function packed(text: string, options = byName): Uint8Array {
  return packAcl(encodeText(text), names, options) ?? new Uint8Array()
}

const extended =
  'user::rw-\nuser:joe:rw-:1000\nuser:4711:r--:4711\ngroup::r--\ngroup:staff:--x:50\nmask::rwx\nother::---'

describe('the text of an ACL', () => {
  test('survives the way to binary and back', () => {
    expect(decodeText(aclText(packed(extended), names, byName))).toBe(extended)
  })

  test('has numbers instead of names when asked', () => {
    expect(decodeText(aclText(packed(extended), names, byNumber))).toBe(
      extended.replace('joe', '1000').replace('staff', '50'),
    )
  })

  test('is understood in libacl spellings: comments, blanks, short types, any order', () => {
    const spelled = 'o::-\nu::rw\n g:staff:x:50 # effective\n\n#comment\nu:4711:r:4711\nm::rwx\nuser:joe:rw-:1000\ng::r'
    expect(packed(spelled)).toEqual(packed(extended))
  })

  test("prefers this machine's number for a name, and the stored one by number or for strangers", () => {
    const text = 'user::rw-\nuser:joe:r--:7\nuser:stranger:r--:8\ngroup::r--\nmask::r--\nother::r--'
    const ids = (options: { numericIds: boolean }): string =>
      decodeText(aclText(packed(text, options), names, byNumber))

    expect(ids(byName)).toContain('user:1000:r--:1000')
    expect(ids(byName)).toContain('user:8:r--:8')
    expect(ids(byNumber)).toContain('user:7:r--:7')
  })

  test.each(['user:joe', 'user:stranger:r--', 'nobody::r--', 'user::rwz', 'user:joe:r--w'])('%j is refused', (line) => {
    expect(() => packed(line)).toThrow('EINVAL')
  })

  test('without entries there is none', () => {
    expect(packAcl(encodeText('\n# none\n'), names, byName)).toBeUndefined()
  })

  test('of a mode says the same as the mode', () => {
    expect(decodeText(aclTextOfMode(0o100754))).toBe('user::rwx\ngroup::r-x\nother::r--')
  })

  test('damaged binary is refused, never misread', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          const text = aclText(bytes, names, byName)
          const again = packAcl(text, names, byName)
          return bytes.length === 4 ? again === undefined : again !== undefined
        } catch (error) {
          return String(error).includes('EINVAL')
        }
      }),
    )
  })
})

describe('on a real file system', () => {
  const files = openNodeFileSystem()
  const usable = !files.missing.includes('acls') && spawnSync('setfacl', ['--version']).status === 0
  if (!usable) console.warn('SKIPPED: ACL tests on files need koffi and setfacl')

  test.runIf(usable)('what setfacl set is read, and what we set getfacl shows', () => {
    const folder = tempFolder()
    const from = `${folder}/from`
    const to = `${folder}/to`
    mkdirSync(from)
    mkdirSync(to)
    spawnSync('setfacl', ['-m', 'u:daemon:rwx,g:4711:r', '-m', 'd:u:1:rx', from])
    const place = encodeText(from)

    const acl = files.readAcl(place, files.lstat(place), byName)
    files.setAcl(encodeText(to), acl ?? {}, byName)

    expect(decodeText(acl?.access ?? new Uint8Array())).toContain('user:daemon:rwx:1')
    expect(getfacl(to)).toBe(getfacl(from))
    expect(getfacl(to)).toContain('default:user:daemon:r-x')
  })

  test.runIf(usable)('an empty default removes the one that was there', () => {
    const folder = tempFolder()
    spawnSync('setfacl', ['-d', '-m', 'u:1:rx', folder])

    files.setAcl(encodeText(folder), { default: new Uint8Array() }, byName)

    expect(getfacl(folder)).not.toContain('default')
  })

  test.runIf(usable)('a file without an extended ACL has none', () => {
    const file = `${tempFolder()}/plain`
    writeFileSync(file, '')
    expect(files.readAcl(encodeText(file), files.lstat(encodeText(file)), byName)).toBeUndefined()
  })

  function getfacl(path: string): string {
    return spawnSync('getfacl', ['--omit-header', '--absolute-names', path], { encoding: 'utf8' }).stdout
  }
})
