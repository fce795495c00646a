/**
 * Tarballs to read and write, ours and those of other programs.
 */
import { spawnSync } from 'node:child_process'
import { decodeText, encodeText } from '../../src/base/text.ts'
import type { TarMember, TarType } from '../../src/tar/member.ts'
import { type ReadTarOptions, readTar } from '../../src/tar/tar-reader.ts'
import { TarWriter } from '../../src/tar/tar-writer.ts'

export type SomeMember = TarMember & { readonly type: TarType }

export interface Packed {
  readonly member: TarMember
  readonly content: Uint8Array
}

export function member(fields: Partial<SomeMember>): SomeMember {
  const names = { name: 'a', linkName: '', userName: '', groupName: '' }
  return {
    type: 'file',
    typeFlag: 0,
    mode: 0o644,
    uid: 0,
    gid: 0,
    modified: 0n,
    size: 0,
    major: 0,
    minor: 0,
    ...names,
    ...fields,
  }
}

export function file(name: string, content: string | Uint8Array, fields: Partial<SomeMember> = {}): Packed {
  const bytes = typeof content === 'string' ? encodeText(content) : content
  return { member: member({ name, size: bytes.length, ...fields }), content: bytes }
}

export async function written(members: readonly Packed[]): Promise<Buffer> {
  const parts: Uint8Array[] = []
  const tar = new TarWriter((bytes) => void parts.push(bytes))
  for (const { member, content } of members) await tar.add(member as SomeMember, oneByOne([content]))
  await tar.finish()
  return Buffer.concat(parts)
}

export async function* oneByOne(parts: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* parts
}

export function* slices(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export async function read(tarball: Uint8Array, options: ReadTarOptions = {}, sliceSize = 4096): Promise<Packed[]> {
  const found: Packed[] = []
  for await (const { member, content } of readTar(oneByOne(slices(tarball, sliceSize)), options)) {
    const parts: Uint8Array[] = []
    for await (const bytes of content) parts.push(bytes.slice())
    found.push({ member, content: Uint8Array.from(Buffer.concat(parts)) })
  }
  return found
}

/** Standard output of a Python script, which reads `input` as JSON into `given`. */
export function python(script: string, input: unknown): Buffer {
  const prelude = 'import io, json, sys, tarfile\ngiven = json.load(sys.stdin)\n'
  const run = spawnSync('python3', ['-c', prelude + script], { input: JSON.stringify(input), maxBuffer: 1 << 28 })
  if (run.status !== 0) throw new Error(`python3: ${run.stderr?.toString() ?? run.error?.message}`)
  return run.stdout
}

/** For JSON: Python reads lone surrogates as it writes them. */
export function toPython({ member, content }: Packed): Record<string, unknown> {
  const hex = (text: string): string => Buffer.from(encodeText(text)).toString('hex')
  return {
    ...member,
    name: hex(member.name),
    linkName: hex(member.linkName),
    userName: hex(member.userName),
    groupName: hex(member.groupName),
    modified: Number(member.modified / 1_000_000_000n),
    content: Buffer.from(content).toString('hex'),
  }
}

/** What Python's tarfile makes of `members` as a stream in the given format. */
export function pythonTarball(members: readonly Packed[], format: 'GNU' | 'PAX' | 'USTAR' = 'GNU'): Buffer {
  const script = `
def text(hex): return bytes.fromhex(hex).decode('utf-8', 'surrogateescape')
types = dict(file=b'0', link=b'1', symlink=b'2', character=b'3', block=b'4', directory=b'5', fifo=b'6')
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.${format}_FORMAT, encoding='utf-8') as tar:
    for m in given:
        info = tarfile.TarInfo(text(m['name']))
        info.type, info.linkname = types[m['type']], text(m['linkName'])
        info.mode, info.uid, info.gid, info.mtime = m['mode'], m['uid'], m['gid'], m['modified']
        info.uname, info.gname = text(m['userName']), text(m['groupName'])
        info.devmajor, info.devminor = m['major'], m['minor']
        content = bytes.fromhex(m['content'])
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
`
  return python(script, members.map(toPython))
}

export function bytesText(...bytes: readonly number[]): string {
  return decodeText(Uint8Array.from(bytes))
}
