import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeText } from '../../src/base/text.ts'
import { encodeHeader, recordSize } from '../../src/tar/header.ts'
import { TarWriter } from '../../src/tar/tar-writer.ts'
import { bytesText, file, member, oneByOne, type Packed, python, pythonTarball, written } from './tarballs.ts'

const nameOf = (length: number): string => 'n'.repeat(length)

/** Any bytes but those a name on disk cannot have. */
const anyName = (lengthMax: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ min: 1, minLength: 1, maxLength: lengthMax })
    .map((bytes) => decodeText(bytes.map((byte) => (byte === 0x2f ? 0x5f : byte))))

const anyMember: fc.Arbitrary<Packed> = fc
  .record({
    type: fc.constantFrom('file', 'link', 'symlink', 'character', 'block', 'directory', 'fifo'),
    name: anyName(300),
    linkName: anyName(300),
    mode: fc.nat(0o7777),
    uid: fc.integer({ min: -3, max: 2 ** 48 }),
    gid: fc.nat(),
    userName: anyName(40),
    groupName: anyName(40),
    modified: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }).map((seconds) => BigInt(seconds) * 1_000_000_000n),
    major: fc.nat(2 ** 20),
    minor: fc.nat(2 ** 24),
    content: fc.uint8Array({ maxLength: 2000 }),
  } as const)
  .map(({ content, ...fields }) => {
    const bytes = fields.type === 'file' ? content : new Uint8Array(0)
    const linkName = fields.type === 'link' || fields.type === 'symlink' ? fields.linkName : ''
    return { member: member({ ...fields, linkName, size: bytes.length }), content: bytes }
  })

test('tarballs are byte for byte those of Python, whatever the members', async () => {
  const cases = fc.sample(fc.array(anyMember, { maxLength: 12 }), { numRuns: 60, seed: 1, path: '0' })
  const members = cases.flat()

  expect(members.length).toBeGreaterThan(100)
  expect(Buffer.compare(await written(members), pythonTarball(members))).toBe(0)
})

test('names and link targets around the limits of the fields are written as Python does', async () => {
  const members = [99, 100, 101, 155, 256, 3000].flatMap((length) => {
    const odd = bytesText(0xff, 0xc3, 0x28) + nameOf(length - 3)
    return [
      file(nameOf(length), 'content'),
      { ...file(odd, ''), member: member({ name: nameOf(length), type: 'symlink', linkName: odd }) },
      { ...file(odd, ''), member: member({ name: odd, type: 'directory' }) },
    ]
  })

  expect(Buffer.compare(await written(members), pythonTarball(members))).toBe(0)
})

test('headers of large files are those Python writes', () => {
  const sizes = [8 ** 11 - 1, 8 ** 11, 2 ** 52]
  const script = `
for size in given:
    info = tarfile.TarInfo('big'); info.size = size
    sys.stdout.buffer.write(info.tobuf(tarfile.GNU_FORMAT))`

  const headers = sizes.map((size) => encodeHeader(member({ name: 'big', size })))

  expect(Buffer.concat(headers)).toEqual(python(script, sizes))
})

test.each([0, 1, 18, 19, 20, 21, 300])('%i members end at a whole record behind two blocks of zeros', async (count) => {
  const tarball = await written(Array.from({ length: count }, (_, i) => file(`f${i}`, '')))

  expect(tarball.length).toBe(Math.ceil((count + 2) / 20) * recordSize)
  expect(tarball.subarray(count * 512).every((byte) => byte === 0)).toBe(true)
})

test.each([2, 4])('content of another length than its header says is refused', async (size) => {
  const tar = new TarWriter(() => {})

  const adding = tar.add(member({ size: 3 }), oneByOne([new Uint8Array(size)]))

  await expect(adding).rejects.toThrow(`content of a has ${size} bytes, not 3`)
})

test('what was handed out is not written to again', async () => {
  const parts: Uint8Array[] = []
  const copies: Uint8Array[] = []
  const tar = new TarWriter((bytes) => {
    parts.push(bytes)
    copies.push(bytes.slice())
  })
  for (let i = 0; i < 1000; i++) await tar.add(member({ name: `f${i}` }))
  await tar.finish()

  expect(parts.length).toBeGreaterThan(2)
  expect(parts.every((part, i) => Buffer.compare(part, copies[i] ?? part.subarray(1)) === 0)).toBe(true)
})
