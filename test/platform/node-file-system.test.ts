import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { nanoseconds } from '../../src/base/ids.ts'
import { decodeText, encodeText } from '../../src/base/text.ts'
import { splitDevice } from '../../src/platform/device-nodes.ts'
import type { FileSystem } from '../../src/platform/file-system.ts'
import { FolderChain } from '../../src/platform/folder-chain.ts'
import { openNodeFileSystem } from '../../src/platform/node-file-system.ts'
import { toStat } from '../../src/platform/node-files.ts'
import { makeNameLookup } from '../../src/platform/users.ts'
import { tempFolder } from '../support/temp-folder.ts'

const full = openNodeFileSystem()
const bare = openNodeFileSystem({ syscalls: false })
const isRoot = full.isRoot
const hasKoffi = !full.missing.includes('xattrs')
if (!hasKoffi) console.warn('SKIPPED: koffi is not installed, so attributes, flags and exact times are not tested')
if (!isRoot) console.warn('SKIPPED: devices, owners and immutable files need root')

const both: readonly [string, FileSystem][] = [
  ['with system calls', full],
  ['without koffi', bare],
]
const at = (...parts: readonly string[]): Uint8Array => encodeText(join(...parts))

describe.each(both)('%s', (_, files) => {
  test('kinds, sizes, links and nanoseconds of all sorts of files', () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'file'), '12345')
    linkSync(join(folder, 'file'), join(folder, 'other'))
    symlinkSync('file', join(folder, 'link'))
    files.createFifo(at(folder, 'fifo'))
    const real = statSync(join(folder, 'file'), { bigint: true })

    expect(files.lstat(at(folder, 'file'))).toMatchObject({
      kind: 'file',
      size: 5,
      links: 2,
      inode: real.ino,
      device: real.dev,
      modified: real.mtimeNs,
      changed: real.ctimeNs,
    })
    expect(files.lstat(at(folder, 'link')).kind).toBe('symlink')
    expect(files.stat(at(folder, 'link')).kind).toBe('file')
    expect(files.lstat(at(folder, 'fifo'))).toMatchObject({ kind: 'fifo' })
    expect(files.lstat(at(folder)).kind).toBe('directory')
    expect(files.lstat(at('/dev/null'))).toMatchObject({ kind: 'character', rawDevice: 0x103 })
  })

  test('a name in an open folder has the same record as by its path', () => {
    using devices = files.openForBackup(at('/dev'), { folder: true })
    for (const { name } of files.readFolder(devices)) {
      const path = at('/dev', decodeText(name))
      const [inside, byPath] = [
        files.lstat(files.pathInside(devices, name)),
        toStat(lstatSync(Buffer.from(path), { bigint: true })),
      ]
      // Terminals are being written to meanwhile.
      const still = { modified: 0n, changed: 0n, accessed: 0n, size: 0 }
      expect({ ...inside, ...still }).toEqual({ ...byPath, ...still })
    }
    const folder = tempFolder()
    writeFileSync(join(folder, 'file'), '12345')
    utimesSync(join(folder, 'file'), 1.25, -1.75)
    using open = files.openForBackup(at(folder), { folder: true })
    using file = files.openForBackup(files.pathInside(open, encodeText('file')))
    const wanted = toStat(lstatSync(join(folder, 'file'), { bigint: true }))
    expect(files.lstat(files.pathInside(open, encodeText('file')))).toEqual(wanted)
    expect(file.stat()).toEqual(wanted)
    expect(wanted.modified).not.toBe(0n)
  })

  test('folders list every name but the dots, whatever its bytes', () => {
    const folder = tempFolder()
    const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x0a, 0x80])])
    writeFileSync(odd, '')
    for (const name of ['...', '.hidden', 'x'.repeat(255)]) writeFileSync(join(folder, name), '')

    using open = files.openForBackup(at(folder), { folder: true })
    const names = files.readFolder(open).map(({ name }) => decodeText(name))
    const again = files.readFolder(at(folder)).map(({ name }) => decodeText(name))

    const wanted = ['...', '.hidden', 'x'.repeat(255), '\udcff\n\udc80']
    expect([...names].sort()).toEqual([...wanted].sort())
    expect([...again].sort()).toEqual([...wanted].sort())
  })

  test('a FIFO without writer does not block, a symlink is not followed unless asked', () => {
    const folder = tempFolder()
    files.createFifo(at(folder, 'fifo'))
    writeFileSync(join(folder, 'file'), 'x')
    symlinkSync('file', join(folder, 'link'))

    files.openForBackup(at(folder, 'fifo')).close()
    expect(() => files.openForBackup(at(folder, 'link'))).toThrow('ELOOP')
    files.openForBackup(at(folder, 'link'), { follow: true }).close()
    expect(() => files.openForBackup(at(folder, 'file'), { folder: true })).toThrow('ENOTDIR')
  })

  test('reading leaves the access time alone', () => {
    const file = join(tempFolder(), 'file')
    writeFileSync(file, 'content')
    utimesSync(file, 1000, 2_000_000_000)
    const before = statSync(file, { bigint: true }).atimeNs

    using open = files.openForBackup(at(file))
    expect(open.read(new Uint8Array(100))).toBe(7)
    expect(open.read(new Uint8Array(100))).toBe(0)

    expect(statSync(file, { bigint: true }).atimeNs).toBe(before)
  })

  test('a file of somebody else can be read, too, though its access time may not be kept', () => {
    // As root this is any file; as somebody else the first try with O_NOATIME is refused.
    using open = files.openForBackup(at('/etc/passwd'))
    expect(open.read(new Uint8Array(4))).toBe(4)
  })

  test('a folder held open is entered whatever has become of its path', () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'real'))
    writeFileSync(join(folder, 'real', 'name'), 'mine')
    mkdirSync(join(folder, 'trap'))
    writeFileSync(join(folder, 'trap', 'name'), 'theirs, longer')
    using open = files.openForBackup(at(folder, 'real'), { folder: true })

    renameSync(join(folder, 'real'), join(folder, 'moved'))
    symlinkSync('trap', join(folder, 'real'))

    if (process.platform === 'linux') expect(files.lstat(files.pathInside(open, encodeText('name'))).size).toBe(4)
  })

  test('new files are private, complete after finish, and never replace anything', () => {
    const folder = tempFolder()
    using output = files.createFile(at(folder, 'new'))
    output.write(encodeText('start'))
    output.skip(100_000)
    output.write(encodeText('middle'))
    output.skip(7)
    output.finish()

    const content = readFileSync(join(folder, 'new'))
    expect(content.length).toBe(100_018)
    expect(content.subarray(100_005, 100_011).toString()).toBe('middle')
    expect(content.subarray(5, 100_005).every((byte) => byte === 0)).toBe(true)
    expect(statSync(join(folder, 'new')).mode & 0o777).toBe(0o600)
    symlinkSync('nowhere', join(folder, 'link'))
    expect(() => files.createFile(at(folder, 'new'))).toThrow('EEXIST')
    expect(() => files.createFile(at(folder, 'link'))).toThrow('EEXIST')
    expect(existsSync(join(folder, 'nowhere'))).toBe(false)
  })

  test('modes reach FIFOs and files, never through a symlink', () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'file'), '')
    chmodSync(join(folder, 'file'), 0o600)
    symlinkSync('file', join(folder, 'link'))
    files.createFifo(at(folder, 'fifo'))

    files.setMode(at(folder, 'fifo'), 0o10751)
    files.setMode(at(folder, 'link'), 0o777)

    expect(statSync(join(folder, 'fifo')).mode & 0o7777).toBe(0o751)
    expect(statSync(join(folder, 'file')).mode & 0o7777).toBe(0o600)
  })

  test('times are set on files and on symlinks themselves', () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'file'), '')
    symlinkSync('file', join(folder, 'link'))
    const before = statSync(join(folder, 'file'), { bigint: true }).mtimeNs
    const [accessed, modified] = [nanoseconds(1_000_000_000_123_456_789n), nanoseconds(1_500_000_000_987_654_321n)]

    files.setTimes(at(folder, 'link'), accessed, modified)

    const link = lstatSync(join(folder, 'link'), { bigint: true })
    const exact = files.missing.includes('nanosecond-times') ? 2000n : 0n
    expect(distance(link.mtimeNs, modified)).toBeLessThanOrEqual(exact)
    expect(statSync(join(folder, 'file'), { bigint: true }).mtimeNs).toBe(before)
    using open = files.openForBackup(at(folder, 'file'))
    files.setTimes(open, nanoseconds(-1_500_000_001n), nanoseconds(-1n))
    expect(distance(files.lstat(at(folder, 'file')).accessed, -1_500_000_001n)).toBeLessThanOrEqual(exact)
  })

  test.runIf(isRoot)('device nodes carry type and number', () => {
    const folder = tempFolder()
    files.createDevice(at(folder, 'null'), 0o020666, 0x103)
    files.createDevice(at(folder, 'far'), 0o060660, 0xfff1ffff)

    expect(files.lstat(at(folder, 'null'))).toMatchObject({ kind: 'character', rawDevice: 0x103 })
    expect(files.lstat(at(folder, 'far'))).toMatchObject({ kind: 'block', rawDevice: 0xfff1ffff })
    expect(() => files.createDevice(at(folder, 'null'), 0o020666, 0x103)).toThrow('EEXIST')
  })

  test('names and numbers of users agree with the system', () => {
    expect(files.userName(0)).toBe('root')
    expect(files.groupId('root')).toBe(0)
    expect(files.userName(3_999_999_999)).toBeUndefined()
    expect(files.userId('no such user, surely')).toBeUndefined()
    expect(files.userId('root\0x')).toBeUndefined()
  })

  test('nothing is said to be missing that works, and the other way round', () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'f'), '')
    files.setExtendedAttribute(at(folder, 'f'), 'user.x', encodeText('y'))
    const found = files.readExtendedAttributes(at(folder, 'f'))
    expect(found.size).toBe(files.missing.includes('xattrs') ? 0 : 1)
  })
})

describe.runIf(hasKoffi)('extended attributes', () => {
  test('all bytes, empty values, by path and by descriptor', () => {
    const file = join(tempFolder(), 'file')
    writeFileSync(file, '')
    using open = full.openForBackup(at(file))
    const values: [string, Uint8Array][] = [
      ['user.empty', new Uint8Array()],
      ['user.bytes', Uint8Array.from({ length: 256 }, (_, i) => i)],
      ['user.\udcff', encodeText('odd name')],
    ]

    for (const [name, value] of values) full.setExtendedAttribute(open, name, value)

    expect(new Map(full.readExtendedAttributes(at(file)))).toEqual(new Map(values))
    expect(new Map(full.readExtendedAttributes(open))).toEqual(new Map(values))
    expect(() => full.setExtendedAttribute(open, 'user.a\0b', new Uint8Array())).toThrow('EINVAL')
    expect(() => full.setExtendedAttribute(open, 'nonsense', new Uint8Array())).toThrow(/EOPNOTSUPP|ENOTSUP/)
  })

  test('results do not share memory', () => {
    const file = join(tempFolder(), 'file')
    writeFileSync(file, '')
    full.setExtendedAttribute(at(file), 'user.a', encodeText('first'))
    const first = full.readExtendedAttributes(at(file)).get('user.a')
    full.setExtendedAttribute(at(file), 'user.a', encodeText('other'))
    full.readExtendedAttributes(at(file))
    expect(decodeText(first ?? new Uint8Array())).toBe('first')
  })
})

describe.runIf(hasKoffi && isRoot)('file flags', () => {
  test('the three that archives keep, leaving others alone', () => {
    const file = join(tempFolder(), 'file')
    writeFileSync(file, '')
    if (spawnSync('chattr', ['+A', file]).status !== 0) {
      console.warn('SKIPPED: no file flags on this file system')
      return
    }
    const stat = full.lstat(at(file))
    using open = full.openForBackup(at(file))

    for (const flags of [1, 2, 4, 7, 0]) {
      full.setFlags(open, flags)
      expect(full.readFlags(open, stat)).toBe(flags)
    }
    expect(spawnSync('lsattr', [file], { encoding: 'utf8' }).stdout).toMatch(/^[^ ]*A/)
  })
})

describe('a chain of folders', () => {
  test('goes deeper than paths and open files allow, and back', () => {
    // In memory where there is such a place: disks take ten times as long to remove deep folders.
    const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tsborg-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const depth = 3000
    const name = encodeText('d')
    using chain = new FolderChain(full, full.openForBackup(at(folder), { folder: true }), 16)
    for (let i = 0; i < depth; i++) {
      full.createFolder(chain.pathOf(name))
      chain.enter(name)
    }
    expect(chain.depth).toBe(depth)

    for (let i = 0; i < depth; i++) {
      chain.leave()
      full.removeFolder(chain.pathOf(name))
    }

    expect(chain.depth).toBe(0)
    expect(full.readFolder(at(folder))).toEqual([])
  })

  test('refuses a symlink, and notices a folder moved away from above it', () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'a/b/c/d'), { recursive: true })
    mkdirSync(join(folder, 'elsewhere'))
    symlinkSync('b', join(folder, 'a/link'))
    using chain = new FolderChain(full, full.openForBackup(at(folder), { folder: true }), 2)
    chain.enter(encodeText('a'))
    expect(() => chain.enter(encodeText('link'))).toThrow(/ELOOP|ENOTDIR/)
    for (const name of ['b', 'c', 'd']) chain.enter(encodeText(name))

    renameSync(join(folder, 'a/b/c'), join(folder, 'elsewhere/c'))

    chain.leave()
    expect(() => chain.leave()).toThrow('ESTALE')
  })

  test('closes every folder it opened', () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'a/b/c/d/e/f'), { recursive: true })
    const before = nextDescriptor()
    const chain = new FolderChain(full, full.openForBackup(at(folder), { folder: true }), 3)
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) chain.enter(encodeText(name))
    for (let i = 0; i < 4; i++) chain.leave()
    chain.close()
    expect(nextDescriptor()).toBe(before)
  })
})

test('without the C library, names come from the files in /etc, first line first', () => {
  const folder = tempFolder()
  writeFileSync(join(folder, 'passwd'), 'ada:x:1000:1000::/:\ntoor:x:0:0::/:\nroot:x:0:0::/:\nbroken\nbad:x:y:0\n')
  writeFileSync(join(folder, 'group'), 'staff:x:50:ada\n')
  const names = makeNameLookup(undefined, folder)

  expect([names.userName(1000), names.userName(0), names.userId('root')]).toEqual(['ada', 'toor', 0])
  expect([names.groupName(50), names.groupId('nobody'), names.userId('bad')]).toEqual(['staff', undefined, undefined])
})

test('device numbers come apart as glibc packs them', () => {
  expect(splitDevice(0x103)).toEqual({ major: 1, minor: 3 })
  expect(splitDevice(0xfff1ffff)).toEqual({ major: 511, minor: 1048575 })
})

function distance(a: bigint, b: bigint): bigint {
  return a > b ? a - b : b - a
}

/** The lowest free descriptor: the same before and after when nothing was left open. */
function nextDescriptor(): number {
  const descriptor = openSync('/', 'r')
  closeSync(descriptor)
  return descriptor
}
