import { describe, expect, test } from 'vitest'
import { kernelMount } from '../../src/fuse/mount-options.ts'

const [readOnly, noSuid, noDev, noExec] = [1, 2, 4, 8]

describe('words of -o', () => {
  test('nothing said: read-only, no set-id programs, no devices, called borgfs', () => {
    expect(kernelMount([])).toEqual({
      source: 'borgfs',
      type: 'fuse',
      flags: readOnly | noSuid | noDev,
      data: [],
      words: ['fsname=borgfs', 'ro'],
    })
  })

  test('the kernel’s own go to the kernel, switches become bits, names are names', () => {
    const words = [
      'default_permissions',
      'allow_other',
      'suid',
      'noexec',
      'fsname=mine',
      'subtype=borg',
      'max_read=4096',
    ]

    expect(kernelMount(words)).toEqual({
      source: 'mine',
      type: 'fuse.borg',
      flags: readOnly | noDev | noExec,
      data: ['default_permissions', 'allow_other', 'max_read=4096'],
      words: [
        'fsname=mine',
        'ro',
        'default_permissions',
        'allow_other',
        'suid',
        'noexec',
        'subtype=borg',
        'max_read=4096',
      ],
    })
  })

  test('what fstab says to others is left out, and nothing makes it writable', () => {
    const words = ['rw', 'defaults', 'noauto', 'user', '_netdev', 'x-systemd.automount', 'comment=a', 'nonempty']

    expect(kernelMount(words)).toEqual(kernelMount([]))
  })

  test('unknown words are refused by name', () => {
    expect(() => kernelMount(['allow_other', 'blah', 'fd=3'])).toThrow('fuse: unknown option(s): `-o blah,fd=3')
  })
})
