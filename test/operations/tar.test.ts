import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { BorgError } from '../../src/base/errors.ts'
import type { EngineEvent } from '../../src/base/events.ts'
import type { Item } from '../../src/archive/item.ts'
import { checkArchives } from '../../src/operations/check.ts'
import { exportTar } from '../../src/operations/export-tar.ts'
import { type ImportTarOptions, importTar } from '../../src/operations/import-tar.ts'
import { initRepository } from '../../src/operations/init.ts'
import { listArchives, listItems } from '../../src/operations/list.ts'
import { connectRepository } from '../../src/session/connect.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import type { WriteSession } from '../../src/session/session.ts'
import { parsePathArgument } from '../../src/patterns/parse.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { file, member, oneByOne, type Packed, python, read, written } from '../tar/tarballs.ts'

let open: () => Promise<WriteSession>
let repair: () => Promise<void>
let events: EngineEvent[]
const run = { onEvent: (event: EngineEvent) => void events.push(event) }

beforeEach(async () => {
  const folder = tempFolder()
  const directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)
  const options = { passphrase: 'secret', directories }
  await initRepository(join(folder, 'repository'), { ...options, encryption: 'repokey' })
  open = () => openRepository(join(folder, 'repository'), { ...options, access: 'write' })
  repair = async () => {
    await using connected = await connectRepository(join(folder, 'repository'), { access: 'write' })
    await checkArchives(connected, { ...options, access: 'write' }, { repair: true })
  }
  events = []
})

async function importOf(
  session: WriteSession,
  tarball: Uint8Array,
  more: Partial<ImportTarOptions> = {},
): Promise<void> {
  await importTar(session, { name: 'a', input: oneByOne([tarball]), inputName: 'x.tar', ...more }, run)
}

async function itemsOf(session: WriteSession): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of listItems(session, 'a')) items.push(item)
  return items
}

async function exported(session: WriteSession, more: Partial<Parameters<typeof exportTar>[2]> = {}): Promise<Packed[]> {
  const parts: Uint8Array[] = []
  await exportTar(session, 'a', { write: (bytes) => void parts.push(bytes), ...more }, run)
  return await read(Buffer.concat(parts))
}

const empty = new Uint8Array(0)
const link = (name: string, linkName: string): Packed => ({
  member: member({ type: 'link', name, linkName }),
  content: empty,
})
const symlink: Packed = { member: member({ type: 'symlink', name: 's', linkName: './to/../x' }), content: empty }
const linked = [file('d/x/first', 'content'), link('d/x/second', 'd/x/first'), link('d/y/third', 'd/x/first')]

describe('import-tar', () => {
  test('makes names relative and normal, those links lead to as well, but not what symlinks hold', async () => {
    const names = ['./d/a', '/abs/b', '../../up/../c', 'p/./q//r', '..', '/']
    await using session = await open()
    await importOf(session, await written([...names.map((name) => file(name, '')), link('./l', '././d/a'), symlink]))

    const items = await itemsOf(session)

    expect(items.map((item) => item.path)).toEqual(['d/a', 'abs/b', 'c', 'p/q/r', '.', '.', 'l', 's'])
    expect(items.slice(-2).map((item) => item.source)).toEqual(['d/a', './to/../x'])
  })

  test('keeps times to the nanosecond, and moves those that archives cannot hold', async () => {
    const script = `
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.PAX_FORMAT) as tar:
    for time in given:
        info = tarfile.TarInfo('f'); info.pax_headers = {'mtime': time}
        tar.addfile(info)`
    await using session = await open()
    await importOf(session, python(script, ['1700000000.123456789', '-5', '99999999999']))

    const times = (await itemsOf(session)).map((item) => item.modified)

    expect(times).toEqual([1_700_000_000_123_456_789n, 0n, 2_147_310_847_000_000_000n])
  })

  test('makes no archive when what feeds it failed, or when the tarball is cut off', async () => {
    const tarball = await written([file('a', new Uint8Array(5000).fill(1)), file('b', 'b')])
    const failing = { beforeSaving: () => Promise.reject(new BorgError('Error', ['filter gzip -d failed, rc=1'])) }
    await using session = await open()

    await expect(importOf(session, tarball, failing)).rejects.toThrow('filter gzip -d failed, rc=1')
    const cut = importOf(session, tarball.subarray(0, 3000))
    await expect(cut).rejects.toThrow('Error: x.tar: cut off within the content of "a", which begins at byte 512')

    expect(listArchives(session)).toEqual([])
  })

  test('says where reading failed, and makes no archive', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield (await written([file('a', new Uint8Array(5000))])).subarray(0, 2000)
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5 })
    }
    await using session = await open()

    await expect(importOf(session, empty, { input: failing() })).rejects.toThrow('EIO: i/o error, read')
    expect(listArchives(session)).toEqual([])
  })

  test('warns of a tarball without its end, and of what lies behind it', async () => {
    const [one, two] = [await written([file('a', '')]), await written([file('b', '')])]
    await using session = await open()
    await importOf(session, one.subarray(0, 512))
    await importOf(session, Buffer.concat([one, two]), { name: 'b' })

    const said = events.filter(
      (event) => event.type === 'warning' || (event.type === 'log' && event.level === 'warning'),
    )
    expect(said).toMatchObject([
      { type: 'warning', args: ['x.tar: ends without an end mark, it may have been cut off, at byte 512'] },
      { message: 'x.tar: there is more behind the end of the tarball (--ignore-zeros reads on) at byte 10240' },
    ])
  })

  test('counts every file once', async () => {
    await using session = await open()
    const result = await importTar(session, { name: 'a', input: oneByOne([await written([...linked, symlink])]) })

    expect(result.statistics.files).toBe(1)
  })
})

describe('export-tar', () => {
  test('gives the content to the first name that is selected, and links the others to it', async () => {
    await using session = await open()
    await importOf(session, await written(linked))
    const shape = async (...args: Parameters<typeof exported>): Promise<unknown[]> =>
      (await exported(...args)).map(({ member, content }) => [member.name, member.linkName, content.length])
    const excluded = { ...parsePathArgument('d/x/first'), verdict: 'exclude', isPathArgument: false } as const

    expect(await shape(session)).toEqual([
      ['d/x/first', '', 7],
      ['d/x/second', 'd/x/first', 0],
      ['d/y/third', 'd/x/first', 0],
    ])
    expect(await shape(session, { patterns: [excluded], stripComponents: 1 })).toEqual([
      ['x/second', '', 7],
      ['y/third', 'x/second', 0],
    ])
  })

  test('of content that is lost ends with an error, and the tarball does not pass for a whole one', async () => {
    const parts: Uint8Array[] = []
    await using session = await open()
    await importOf(session, await written([file('a', 'content')]))
    for (const item of await itemsOf(session)) {
      for (const { id } of item.chunks ?? []) await session.repository.delete(id)
    }
    await session.commit()

    const exporting = exportTar(session, 'a', { write: (bytes) => void parts.push(bytes) })

    await expect(exporting).rejects.toThrow(/^Object with key [0-9a-f]{64} not found/)
    await expect(read(Buffer.concat(parts))).rejects.toThrow('the tarball is empty')
  })

  test('of content that a repair has replaced by zeros warns', async () => {
    await using session = await open()
    await importOf(session, await written([file('a', 'content')]))
    for (const item of await itemsOf(session)) {
      for (const { id } of item.chunks ?? []) await session.repository.delete(id)
    }
    await session.commit()
    await session[Symbol.asyncDispose]()
    await repair()
    await using repaired = await open()
    events = []

    expect((await exported(repaired)).map(({ content }) => [...content])).toEqual([Array(7).fill(0)])
    expect(events.filter(({ type }) => type === 'warning')).toMatchObject([
      { code: 'BackupError', args: ['a', expect.anything()] },
    ])
  })

  test('ends when nobody takes the tarball any more', async () => {
    await using session = await open()
    await importOf(session, await written([file('a', 'content')]))

    const exporting = exportTar(session, 'a', { write: () => Promise.reject(new Error('EPIPE')) })

    await expect(exporting).rejects.toThrow('EPIPE')
  })

  test('names the arguments that matched nothing', async () => {
    await using session = await open()
    await importOf(session, await written([file('a', '')]))

    expect(await exported(session, { patterns: [parsePathArgument('nothing')] })).toEqual([])
    expect(events.at(-1)).toEqual({ type: 'warning', code: 'IncludePatternNeverMatchedWarning', args: ['nothing'] })
  })
})
