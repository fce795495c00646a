import { spawnSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeText } from '../../src/base/text.ts'
import { encodeHeader, paddingOf } from '../../src/tar/header.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { bytesText, file, member, type Packed, python, pythonTarball, read, written } from './tarballs.ts'

const long = 'folder/'.repeat(30) + bytesText(0xff, 0xfe)

/** What every format can say. */
const plain: readonly Packed[] = [
  { member: member({ name: 'd', type: 'directory', mode: 0o2755, uid: 12, gid: 34 }), content: new Uint8Array(0) },
  file('d/f', 'content', { userName: 'ada', groupName: 'staff', modified: 1_700_000_000_000_000_000n }),
  { member: member({ name: 'd/l', type: 'link', linkName: 'd/f' }), content: new Uint8Array(0) },
  { member: member({ name: 'd/s', type: 'symlink', linkName: '../x' }), content: new Uint8Array(0) },
  { member: member({ name: 'd/p', type: 'fifo' }), content: new Uint8Array(0) },
  { member: member({ name: 'd/c', type: 'character', major: 5, minor: 1 }), content: new Uint8Array(0) },
  { member: member({ name: 'd/b', type: 'block', major: 8, minor: 300 }), content: new Uint8Array(0) },
  file('d/empty', ''),
  file('d/block', new Uint8Array(512).fill(7)),
]
const more: readonly Packed[] = [
  ...plain,
  file(long, 'long', { uid: 2 ** 31 + 5, gid: 2_000_000_000, modified: -5_000_000_000n }),
  { member: member({ name: 'ls', type: 'symlink', linkName: long }), content: new Uint8Array(0) },
  file(bytesText(0x80, 0x41), 'bytes'),
]

function comparable(members: readonly Packed[]): unknown[] {
  return members.map(({ member: { typeFlag: _, ...fields }, content }) => ({ ...fields, content: [...content] }))
}

test.each([
  ['GNU', more],
  ['PAX', more],
  ['USTAR', plain],
] as const)('what Python writes as %s is what it was given', async (format, members) => {
  expect(comparable(await read(pythonTarball(members, format)))).toEqual(comparable(members))
})

test('how the input is sliced does not matter', async () => {
  const tarball = await written(more)

  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3000 }), async (sliceSize) => {
      expect(comparable(await read(tarball, {}, sliceSize))).toEqual(comparable(more))
    }),
    { numRuns: 20 },
  )
})

test('content that nobody reads is passed over', async () => {
  const tarball = await written(more)
  const { readTar } = await import('../../src/tar/tar-reader.ts')
  const names: string[] = []
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield tarball
  }

  for await (const { member } of readTar(whole())) names.push(member.name)

  expect(names).toEqual(more.map(({ member }) => member.name))
})

describe('PAX', () => {
  test('headers say times to the nanosecond, and global ones hold for all that follow', async () => {
    const script = `
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.PAX_FORMAT, pax_headers={'uname': 'global', 'comment': 'x'}) as tar:
    for name, own in (('a', {'mtime': '1700000000.123456789', 'uname': 'own'}), ('b', {'mtime': '-1.5', 'SCHILY.xattr.user.a': 'b'})):
        info = tarfile.TarInfo(name); info.pax_headers = own
        tar.addfile(info)`

    const [a, b] = await read(python(script, null))

    expect(a?.member).toMatchObject({ modified: 1_700_000_000_123_456_789n, userName: 'own' })
    expect(b?.member).toMatchObject({ modified: -1_500_000_000n, userName: 'global' })
  })

  test.each([
    ['5 a=b', 'malformed extended header'],
    ['99 path=b\n', 'malformed extended header'],
    ['12 size=-12\n', 'size: not a number: -12'],
    ['13 mtime=now\n', 'mtime: not a time: now'],
    ['11 path=a\0b\n', 'malformed extended header'],
    ['12 path=a\0b\n', 'path: a NUL in a name'],
  ])('%j is refused', async (records, complaint) => {
    const header = withTypeFlag(member({ name: 'x', size: encodeText(records).length }), 'x')
    const padding = new Uint8Array(paddingOf(records.length))
    const tarball = Buffer.concat([header, Buffer.from(records), padding, await written([file('a', '')])])

    await expect(read(tarball)).rejects.toThrow(complaint)
  })
})

describe('a damaged tarball', () => {
  test('is never read as one with fewer members, wherever it is cut off', async () => {
    const tarball = await written(more)
    const end = tarball.length - 10_240

    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: end }), async (length) => {
        let marked = true
        const onOddity = (what: string): void => {
          marked = what !== 'no-end-mark'
        }
        const outcome = await read(tarball.subarray(0, length), { onOddity }).catch((error: Error) => error.message)
        expect(typeof outcome === 'string' ? /cut off|empty|without its member/.test(outcome) : !marked).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('with a changed bit in a header is refused, or says the same', async () => {
    const tarball = await written([file('name', 'content', { userName: 'ada' }), file('next', '')])
    const good = comparable(await read(tarball))

    await fc.assert(
      fc.asyncProperty(fc.nat(511), fc.nat(7), async (at, bit) => {
        const damaged = Buffer.from(tarball)
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
        const outcome = await read(damaged).catch((error: Error) => error.message)
        if (typeof outcome === 'string') expect(outcome).toMatch(/at byte 0$/)
        else expect(comparable(outcome)).toEqual(good)
      }),
      { numRuns: 300 },
    )
  })

  test('names the place of the header that is none', async () => {
    const tarball = await written([file('a', 'content'), file('b', '')])
    tarball.fill(0x41, 1024, 1100)

    await expect(read(tarball)).rejects.toThrow('not a tar header (checksum) at byte 1024')
  })

  test('with a block of zeros among its members ends with an error', async () => {
    const tarball = Buffer.concat([
      (await written([file('a', '')])).subarray(0, 512),
      new Uint8Array(512),
      await written([file('b', '')]),
    ])

    await expect(read(tarball)).rejects.toThrow(
      'a block of zeros among the members (--ignore-zeros reads on) at byte 512',
    )
    expect((await read(tarball, { ignoreZeros: true })).map(({ member }) => member.name)).toEqual(['a', 'b'])
  })

  test.each(['L', 'K', 'x', 'g'])('cannot make us hold a header "%s" larger than reason', async (typeFlag) => {
    const header = withTypeFlag(member({ size: 2 ** 40 }), typeFlag)

    await expect(read(Buffer.concat([header, new Uint8Array(512)]))).rejects.toThrow('a header of 1099511627776 bytes')
  })

  test.each([
    ['x', 'a name without its member'],
    ['L', 'a name without its member'],
  ])('that ends behind a header "%s" is refused', async (typeFlag, complaint) => {
    const tarball = Buffer.concat([withTypeFlag(member({ size: 0 }), typeFlag), new Uint8Array(1024)])

    await expect(read(tarball)).rejects.toThrow(complaint)
  })
})

describe('several tarballs in one', () => {
  test('are one with ignoreZeros, and else the first, with a word about the rest', async () => {
    const [one, two] = [await written([file('a', '1')]), await written([file('b', '2')])]
    const oddities: unknown[] = []
    const onOddity = (...what: unknown[]): void => void oddities.push(what)

    expect((await read(Buffer.concat([one, two]), { ignoreZeros: true, onOddity })).map((m) => m.member.name)).toEqual([
      'a',
      'b',
    ])
    expect(oddities).toEqual([])
    expect((await read(Buffer.concat([one, two]), { onOddity })).map((m) => m.member.name)).toEqual(['a'])
    expect(oddities).toEqual([['more-behind-end', expect.any(Number)]])
  })

  test.each([512, 1024, 10_240, 700])('%i bytes of zeros are a tarball of nothing', async (size) => {
    expect(await read(new Uint8Array(size < 700 || size > 700 ? size : 1212))).toEqual([])
  })
})

test('a hard link that says the size of its file has no content, except in PAX', async () => {
  const link = member({ name: 'l', type: 'link', linkName: 'a' })
  const next = await written([file('b', 'next')])
  const sized = encodeHeader({ ...link, size: 5 })
  const body = Buffer.concat([Buffer.from('hello'), new Uint8Array(507)])
  const records = Buffer.from('13 comment=x\n')
  const pax = Buffer.concat([withTypeFlag(member({ size: 13 }), 'x'), records, new Uint8Array(499)])

  expect((await read(Buffer.concat([sized, next]))).map((m) => m.member.name)).toEqual(['l', 'b'])
  expect((await read(Buffer.concat([pax, sized, body, next]))).map((m) => m.member.name)).toEqual(['l', 'b'])
})

test('types that are no file are told apart, and their content passed over', async () => {
  const label = withTypeFlag(member({ name: 'label', size: 5 }), 'V')
  const body = Buffer.concat([Buffer.from('hello'), new Uint8Array(507)])

  const members = await read(Buffer.concat([label, body, await written([file('b', '')])]))

  expect(members.map(({ member }) => [member.name, member.type, member.typeFlag])).toEqual([
    ['label', 'unsupported', 0x56],
    ['b', 'file', 0x30],
  ])
})

describe('GNU tar', () => {
  test.each(['v7', 'oldgnu', 'gnu', 'ustar', 'pax'])('%s tarballs hold what was put into them', async (format) => {
    const folder = tempFolder()
    mkdirSync(join(folder, 't'))
    writeFileSync(join(folder, 't', 'file'), 'content')
    linkSync(join(folder, 't', 'file'), join(folder, 't', 'link'))
    symlinkSync('file', join(folder, 't', 'symlink'))
    const members = await read(tar(folder, [`--format=${format}`, '--sort=name', '-c', 't']))

    expect(members.map(({ member, content }) => [member.type, member.name, member.linkName, content.length])).toEqual([
      ['directory', 't', '', 0],
      ['file', 't/file', '', 7],
      ['link', 't/link', 't/file', 0],
      ['symlink', 't/symlink', 'file', 0],
    ])
    expect(members[1]?.member.userName).toBe(format === 'v7' ? '' : tarUser(folder))
  })

  test.each([
    ['gnu', []],
    ['oldgnu', []],
    ['pax', ['--sparse-version=0.0']],
    ['pax', ['--sparse-version=0.1']],
    ['pax', ['--sparse-version=1.0']],
  ])('sparse files in %s %j have their zeros back', async (format, options) => {
    const folder = tempFolder()
    const sparse = openSync(join(folder, 'sparse'), 'w')
    for (let i = 0; i < 60; i++) writeSync(sparse, `piece ${i}`, i * 100_000)
    ftruncateSync(sparse, 7_000_000)
    closeSync(sparse)
    writeFileSync(join(folder, 'zz'), 'next')

    const tarball = tar(folder, [`--format=${format}`, ...options, '-S', '-c', 'sparse', 'zz'])
    const members = await read(tarball)

    expect(tarball.length).toBeLessThan(1_000_000)
    expect(members.map(({ member }) => [member.name, member.size])).toEqual([
      ['sparse', 7_000_000],
      ['zz', 4],
    ])
    expect(Buffer.compare(members[0]?.content ?? Buffer.alloc(0), readFileSync(join(folder, 'sparse')))).toBe(0)
    await expect(read(tarball.subarray(0, 200_000))).rejects.toThrow('cut off within the content of "sparse"')
  })
})

function tar(folder: string, args: readonly string[]): Buffer {
  const run = spawnSync('tar', ['-C', folder, ...args], { maxBuffer: 1 << 28 })
  if (run.status !== 0) throw new Error(`tar: ${run.stderr}`)
  return run.stdout
}

function tarUser(folder: string): string {
  return spawnSync('stat', ['-c', '%U', folder], { encoding: 'utf8' }).stdout.trim()
}

/** A header of another type, with the right checksum. */
function withTypeFlag(fields: Parameters<typeof encodeHeader>[0], typeFlag: string): Buffer {
  const header = Buffer.from(encodeHeader(fields))
  const sum = Number.parseInt(header.toString('latin1', 148, 154), 8) - (header[156] ?? 0) + typeFlag.charCodeAt(0)
  header.write(typeFlag, 156)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}
