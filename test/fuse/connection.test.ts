import { describe, expect, test } from 'vitest'
import type { Item } from '../../src/archive/item.ts'
import { archiveTree, type ReadOnlyTree } from '../../src/archive/tree.ts'
import type { EngineEvent } from '../../src/base/events.ts'
import { encodeText } from '../../src/base/text.ts'
import { FuseConnection } from '../../src/fuse/connection.ts'
import { type ServeOptions, TreeFileSystem } from '../../src/fuse/file-system.ts'
import { folder, item, MemoryArchives, treeOptions } from '../archive/memory-archive.ts'
import { FakeDevice, type Reply } from './fake-device.ts'

const op = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  unlink: 10,
  open: 14,
  read: 15,
  statfs: 17,
  release: 18,
  getxattr: 22,
  listxattr: 23,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  access: 34,
  interrupt: 36,
  destroy: 38,
  readdirplus: 44,
} as const
const errno = { ENOENT: 2, EINTR: 4, EIO: 5, EROFS: 30, ERANGE: 34, ENAMETOOLONG: 36, ENOSYS: 38, ENODATA: 61 } as const

interface World {
  readonly device: FakeDevice
  readonly connection: FuseConnection
  readonly archives: MemoryArchives
  readonly events: EngineEvent[]
}

async function serving(
  items: (archives: MemoryArchives) => readonly Item[],
  options: ServeOptions & { tree?: (tree: ReadOnlyTree) => ReadOnlyTree } = {},
): Promise<World> {
  const archives = new MemoryArchives()
  const made = await archiveTree(archives, archives.archive('a', items(archives)), treeOptions())
  const tree = options.tree?.(made) ?? made
  const events: EngineEvent[] = []
  const device = new FakeDevice()
  const files = new TreeFileSystem(tree, options, { onEvent: (event) => events.push(event) })
  return { device, connection: new FuseConnection(device, files), archives, events }
}

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)
const name = (text: string): Uint8Array => encodeText(`${text}\0`)
const read = (offset: number, size: number): Uint8Array => words(0, 0, offset, 0, size, 0, 0, 0, 0, 0)
const number = (reply: Reply, at: number): number => Buffer.from(reply.body).readUInt32LE(at)

async function find(device: FakeDevice, path: string): Promise<number> {
  let node = 1
  for (const part of path.split('/')) node = number(await device.ask(op.lookup, node, name(part)), 0)
  return node
}

/** Names and positions of a page. */
function entries({ body }: Reply, start = 0): { name: string; position: number }[] {
  const found: { name: string; position: number }[] = []
  const bytes = Buffer.from(body)
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + start + 16)
    const begin = at + start + 24
    found.push({
      name: bytes.toString('utf8', begin, begin + length),
      position: Number(bytes.readBigUInt64LE(at + start + 8)),
    })
    at += start + Math.ceil((24 + length) / 8) * 8
  }
  return found
}

describe('agreeing on a version', () => {
  test('ours with a newer kernel, the kernel’s with an older one', async () => {
    const { device, connection } = await serving(() => [])

    const newer = await device.ask(op.init, 0, words(7, 40, 65536, 0xffffffff))
    expect([number(newer, 0), number(newer, 4), number(newer, 8)]).toEqual([7, 31, 65536])
    const older = await device.ask(op.init, 0, words(7, 20, 4096, 1))
    expect([number(older, 4), number(older, 12)]).toEqual([20, 1])
    await connection.started()
  })

  test('a kernel of another age is refused', async () => {
    const { device } = await serving(() => [])

    expect((await device.ask(op.init, 0, words(6, 9, 0, 0))).error).toBe(71)
  })
})

describe('looking', () => {
  test('names are found, and that there is none is an answer to remember', async () => {
    const { device } = await serving(() => [folder('d', { mode: 0o40711 }), item('d/f')])

    const found = await device.ask(op.lookup, 1, name('d'))
    expect(found.error).toBe(0)
    expect(number(found, 40 + 60)).toBe(0o40711)
    const missing = await device.ask(op.lookup, 1, name('nope'))
    expect([missing.error, number(missing, 0), number(missing, 16)]).toEqual([0, 0, 86400])
  })

  test("'.' and '..' are found", async () => {
    const { device } = await serving(() => [item('d/e/f')])
    const [outer, inner] = [await find(device, 'd'), await find(device, 'd/e')]

    expect(number(await device.ask(op.lookup, inner, name('.')), 0)).toBe(inner)
    expect(number(await device.ask(op.lookup, inner, name('..')), 0)).toBe(outer)
    expect(number(await device.ask(op.lookup, 1, name('..')), 0)).toBe(1)
  })

  test('a link target larger than the kernel takes is refused', async () => {
    const link = (size: number) => item(`l${size}`, { mode: 0o120777, source: 't'.repeat(size) })
    const { device } = await serving(() => [link(4095), link(4096)])

    expect((await device.ask(op.readlink, await find(device, 'l4095'))).body).toHaveLength(4095)
    expect((await device.ask(op.readlink, await find(device, 'l4096'))).error).toBe(errno.ENAMETOOLONG)
  })

  test('link targets and extended attributes', async () => {
    const xattrs = new Map([
      ['user.a', encodeText('value')],
      ['user.\udcff', new Uint8Array(0)],
    ])
    const { device } = await serving(() => [item('l', { mode: 0o120777, source: 't\udcff' }), item('x', { xattrs })])
    const [link, file] = [await find(device, 'l'), await find(device, 'x')]

    expect((await device.ask(op.readlink, link)).body).toEqual(encodeText('t\udcff'))
    const ask = (attribute: string, size: number): Promise<Reply> =>
      device.ask(op.getxattr, file, Buffer.concat([words(size, 0), name(attribute)]))
    expect(number(await ask('user.a', 0), 0)).toBe(5)
    expect((await ask('user.a', 5)).body).toEqual(encodeText('value'))
    expect((await ask('user.a', 4)).error).toBe(errno.ERANGE)
    expect(await ask('user.\udcff', 64)).toEqual({ error: 0, body: new Uint8Array(0) })
    expect((await ask('user.b', 64)).error).toBe(errno.ENODATA)
    expect((await device.ask(op.listxattr, file, words(64, 0))).body).toEqual(encodeText('user.a\0user.\udcff\0'))
    expect(number(await device.ask(op.listxattr, file, words(0, 0)), 0)).toBe(14)
    expect((await device.ask(op.listxattr, link, words(64, 0))).body).toHaveLength(0)
  })

  test.each([
    ['readdir', 0],
    ['readdirplus', 128],
  ] as const)('a folder is listed page by page (%s)', async (kind, start) => {
    const paths = Array.from({ length: 50 }, (_, index) => `file-${index}`)
    const { device } = await serving(() => paths.map((path) => item(path)))

    const found: string[] = []
    for (let position = 0; ; ) {
      const page = entries(await device.ask(op[kind], 1, read(position, 1000)), start)
      if (page.length === 0) break
      found.push(...page.map((entry) => entry.name))
      position = page.at(-1)?.position ?? 0
    }

    expect(found).toEqual(['.', '..', ...paths])
  })

  test('a listing goes on after either of the dots', async () => {
    const { device } = await serving(() => [item('f')])

    expect(entries(await device.ask(op.readdir, 1, read(1, 1000))).map((entry) => entry.name)).toEqual(['..', 'f'])
    expect(entries(await device.ask(op.readdir, 1, read(2, 1000))).map((entry) => entry.name)).toEqual(['f'])
  })
})

describe('reading', () => {
  test('parts of a file, and nothing behind its end', async () => {
    const { device } = await serving((archives) => [
      item('f', { chunks: [archives.chunk('hello '), archives.chunk('world')] }),
    ])
    const file = await find(device, 'f')

    expect(number(await device.ask(op.open, file, words(0, 0)), 8)).toBe(2)
    expect((await device.ask(op.read, file, read(4, 4))).body).toEqual(encodeText('o wo'))
    expect((await device.ask(op.read, file, read(9, 100))).body).toEqual(encodeText('ld'))
    expect((await device.ask(op.read, file, read(11, 100))).body).toHaveLength(0)
  })

  test('damaged files cannot be opened unless allowed', async () => {
    const items = (archives: MemoryArchives): Item[] => {
      const chunks = [archives.chunk('zeros')]
      return [item('f', { chunks, chunksHealthy: chunks })]
    }
    const strict = await serving(items)
    const lenient = await serving(items, { allowDamagedFiles: true })

    const refused = await strict.device.ask(op.open, await find(strict.device, 'f'), words(0, 0))
    expect(refused.error).toBe(errno.EIO)
    expect(strict.events).toEqual([expect.objectContaining({ type: 'log', level: 'warning' })])
    expect((await lenient.device.ask(op.open, await find(lenient.device, 'f'), words(0, 0))).error).toBe(0)
  })

  test('lost content is an input/output error and a warning, and the mount goes on', async () => {
    const { device, archives, events } = await serving((made) => [
      item('lost', { chunks: [made.chunk('lost')] }),
      item('good', { chunks: [made.chunk('good')] }),
    ])
    archives.lose(archives.chunk('lost'))

    expect((await device.ask(op.read, await find(device, 'lost'), read(0, 10))).error).toBe(errno.EIO)
    expect(events).toEqual([expect.objectContaining({ type: 'log', level: 'warning' })])
    expect((await device.ask(op.read, await find(device, 'good'), read(0, 10))).body).toEqual(encodeText('good'))
  })

  test('what changes something is refused, what is unknown is not there', async () => {
    const { device } = await serving(() => [item('f')])
    const file = await find(device, 'f')

    expect((await device.ask(op.unlink, 1, name('f'))).error).toBe(errno.EROFS)
    expect((await device.ask(op.setattr, file, new Uint8Array(88))).error).toBe(errno.EROFS)
    expect((await device.ask(op.open, file, words(1, 0))).error).toBe(errno.EROFS)
    expect((await device.ask(op.access, file, words(2, 0))).error).toBe(errno.EROFS)
    expect((await device.ask(op.access, file, words(4, 0))).error).toBe(0)
    expect((await device.ask(op.flush, file, new Uint8Array(24))).error).toBe(errno.ENOSYS)
    expect((await device.ask(99, file)).error).toBe(errno.ENOSYS)
    expect((await device.ask(op.getattr, 12345, new Uint8Array(16))).error).toBe(errno.EIO)
  })
})

describe('the conversation', () => {
  /** A tree whose reads wait until they are let go. */
  function slow(): { tree: (tree: ReadOnlyTree) => ReadOnlyTree; letGo: () => void; started: Promise<void> } {
    let letGo = (): void => {}
    let onStart = (): void => {}
    const gate = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const started = new Promise<void>((resolve) => {
      onStart = resolve
    })
    const tree = (inner: ReadOnlyTree): ReadOnlyTree => ({
      root: inner.root,
      attributes: (node) => inner.attributes(node),
      parent: (node) => inner.parent(node),
      lookup: (node, part) => inner.lookup(node, part),
      list: (node, position) => inner.list(node, position),
      linkTarget: (node) => inner.linkTarget(node),
      xattrs: (node) => inner.xattrs(node),
      async read(...args) {
        onStart()
        await gate
        return await inner.read(...args)
      },
    })
    return { tree, letGo, started }
  }

  test('a slow request holds up no other', async () => {
    const { tree, letGo } = slow()
    const { device } = await serving((archives) => [item('f', { chunks: [archives.chunk('x')] })], { tree })
    const file = await find(device, 'f')

    const waiting = device.send(op.read, file, read(0, 1))
    expect((await device.ask(op.getattr, file, new Uint8Array(16))).error).toBe(0)
    expect(device.isAnswered(waiting)).toBe(false)
    letGo()
    expect((await device.answerTo(waiting)).body).toEqual(encodeText('x'))
  })

  test('who gives up is answered at once, and only once', async () => {
    const { tree, letGo, started } = slow()
    const { device } = await serving((archives) => [item('f', { chunks: [archives.chunk('x')] })], { tree })
    const file = await find(device, 'f')

    const waiting = device.send(op.read, file, read(0, 1))
    await started
    device.send(op.interrupt, 0, new Uint8Array(BigUint64Array.of(waiting).buffer))
    expect((await device.answerTo(waiting)).error).toBe(errno.EINTR)
    letGo()
    expect((await device.ask(op.statfs, 1)).error).toBe(0)
  })

  test('requests that want no answer get none', async () => {
    const { device } = await serving(() => [])

    const forgotten = device.send(op.forget, 1, words(1, 0))
    await device.ask(op.statfs, 1)
    expect(device.isAnswered(forgotten)).toBe(false)
  })

  test('ends when it is unmounted, and closes the device', async () => {
    const { device, connection } = await serving(() => [])
    await device.ask(op.statfs, 1)

    device.unmount()
    await connection.done
    expect(device.closed).toBe(true)
  })

  test('ends when we stop it', async () => {
    const { device, connection } = await serving(() => [])

    await connection.stop()
    expect(device.closed).toBe(true)
  })

  test('a read that was interrupted, or whose asker is gone, is no end', async () => {
    const { device } = await serving(() => [])

    for (const error of ['EINTR', 'ENOENT']) {
      device.readError = error
      expect((await device.ask(op.statfs, 1)).error).toBe(0)
    }
  })

  test('an answer that is not taken is an error for its asker only', async () => {
    const { device } = await serving((archives) => [item('f', { chunks: [archives.chunk('x'.repeat(100))] })])
    const file = await find(device, 'f')
    device.replySizeMax = 64

    expect((await device.ask(op.read, file, read(0, 100))).error).toBe(errno.EIO)
    expect((await device.ask(op.read, file, read(0, 10))).body).toHaveLength(10)
  })

  test('another failure of the device ends it, and is told', async () => {
    const { device, connection } = await serving(() => [])
    device.readError = 'EBADF'
    device.wake()

    await expect(connection.done).rejects.toMatchObject({ code: 'EBADF' })
    expect(device.closed).toBe(true)
  })
})
