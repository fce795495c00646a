import { describe, expect, test } from 'vitest'
import { parseMountWords } from '../../src/cli/mount-words.ts'

const nothing = {
  versions: false,
  allowDamagedFiles: false,
  ignorePermissions: false,
  uid: undefined,
  gid: undefined,
  umask: undefined,
  mountOptions: [],
}

describe('words of mount -o', () => {
  test('borg’s own are taken out, the others are for FUSE', () => {
    expect(parseMountWords(undefined)).toEqual(nothing)
    expect(parseMountWords('versions,allow_other,allow_damaged_files,umask=0277,uid=7,gid=8,fsname=x')).toEqual({
      ...nothing,
      versions: true,
      allowDamagedFiles: true,
      uid: 7,
      gid: 8,
      umask: 0o277,
      mountOptions: ['allow_other', 'fsname=x'],
    })
  })

  test.each([
    ['ignore_permissions=yes', true],
    ['ignore_permissions=TRUE', true],
    ['ignore_permissions=0', false],
    ['ignore_permissions', true],
    ['', false],
  ])('%s', (words, wanted) => {
    expect(parseMountWords(words).ignorePermissions).toBe(wanted)
  })

  test.each(['uid=x', 'uid', 'gid=-1', 'umask=9', 'umask=', 'versions=maybe'])('%s is refused', (word) => {
    expect(() => parseMountWords(`allow_other,${word}`)).toThrow(`Error: unsupported value in option: ${word}`)
  })
})
