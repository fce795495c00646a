/**
 * What LocalStore leaves on disk beyond the contract: modes, leftovers, links, descriptors; and what it does in trouble.
 */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import { removeFile } from '../../src/store/local-files.ts'
import { LocalHandles } from '../../src/store/local-handles.ts'
import { LocalStore } from '../../src/store/local-store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { tempFolder } from '../support/temp-folder.ts'

const config = storePath('config')
const segment = storePath('data/0/1')

describe('modes', () => {
  test('are for the owner only, by default', async () => {
    const folder = join(tempFolder(), 'repository')
    const store = new LocalStore(folder)
    await store.createRoot()
    await fill(store)

    expect(modes(folder)).toEqual({
      '': '700',
      config: '600',
      data: '700',
      'data/0': '700',
      'data/0/1': '600',
      index: '600',
    })
  })

  test('follow the umask given', async () => {
    const before = process.umask(0)
    onTestFinished(() => void process.umask(before))
    const folder = join(tempFolder(), 'repository')
    const store = new LocalStore(folder, { umask: 0o027 })
    await store.createRoot()
    await fill(store)

    expect(modes(folder)).toEqual({
      '': '750',
      config: '640',
      data: '750',
      'data/0': '750',
      'data/0/1': '640',
      index: '640',
    })
  })

  async function fill(store: LocalStore): Promise<void> {
    await store.write(config, text('x'))
    await store.writeInOrder([{ path: storePath('index'), content: text('x') }])
    const file = await store.append(segment)
    await file.seal()
  }

  function modes(folder: string): Record<string, string> {
    const names = ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })].sort()
    return Object.fromEntries(names.map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]))
  }
})

describe('the root', () => {
  test('is told apart: missing, without parent, a file, empty, occupied', async () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'file'), '')
    mkdirSync(join(folder, 'empty'))
    const states = ['missing', 'a/b', 'file', 'file/below', 'empty', '.'].map((name) =>
      new LocalStore(join(folder, name)).root(),
    )

    expect(await Promise.all(states)).toEqual([
      'missing',
      'parent-missing',
      'not-a-folder',
      'parent-missing',
      'empty',
      'occupied',
    ])
  })

  test('is made with its parents only when asked to', async () => {
    const store = new LocalStore(join(tempFolder(), 'a', 'b'))

    await expect(store.createRoot()).rejects.toMatchObject({ code: 'ENOENT' })
    await store.createRoot({ parents: true })
    expect(await store.root()).toBe('empty')
  })

  test('is never made by writing: a disk that is not mounted must not be filled from below', async () => {
    const folder = join(tempFolder(), 'unmounted')
    const store = new LocalStore(folder)

    await expect(store.write(config, text('x'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(store.append(segment)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(store.claim(storePath('lock.exclusive'), 'x')).rejects.toMatchObject({ code: 'ENOENT' })
    expect(existsSync(folder)).toBe(false)
  })

  test('has one place under all its names', async () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'real'))
    symlinkSync('real', join(folder, 'link'))

    expect(new LocalStore(join(folder, 'link')).place).toBe(new LocalStore(join(folder, 'x', '..', 'real')).place)
    expect(new LocalStore(join(folder, 'link')).name).toBe(join(folder, 'link'))
  })

  test('has a parent, up to the top', () => {
    const folder = tempFolder()
    expect(new LocalStore(join(folder, 'a')).parent()?.name).toBe(folder)
    expect(new LocalStore('/').parent()).toBeUndefined()
  })
})

describe('symbolic links', () => {
  test('to segment folders are followed: people move them to other disks', async () => {
    const folder = tempFolder()
    const store = new LocalStore(join(folder, 'repository'))
    await store.createRoot()
    const file = await store.append(segment)
    await file.write(text('content'))
    await file.seal()
    renameSync(join(folder, 'repository/data'), join(folder, 'elsewhere'))
    symlinkSync('../elsewhere', join(folder, 'repository/data'))

    expect(await store.read(segment)).toEqual(text('content'))
    expect(await store.stat(storePath('data'))).toMatchObject({ kind: 'folder' })
    await store.removeEmptyFolders(storePath(''))
    expect(existsSync(join(folder, 'repository/data'))).toBe(true)
  })

  test('are replaced by write and removed by remove, never written through', async () => {
    const folder = tempFolder()
    const store = new LocalStore(join(folder, 'repository'))
    await store.createRoot()
    writeFileSync(join(folder, 'precious'), 'precious')
    for (const options of [{}, { secret: true }, { transient: true }]) {
      symlinkSync(join(folder, 'precious'), join(folder, 'repository/config'))
      await store.write(config, text('new'), options)
      await store.remove(config)
    }
    symlinkSync(join(folder, 'precious'), join(folder, 'repository/config.old'))
    await store.write(config, text('new'), { secret: true })
    symlinkSync(join(folder, 'nowhere'), join(folder, 'repository/link'))
    await expect(store.append(storePath('link'))).rejects.toMatchObject({ code: 'EEXIST' })

    expect(readFileSync(join(folder, 'precious'), 'utf8')).toBe('precious')
    expect(existsSync(join(folder, 'nowhere'))).toBe(false)
  })

  test('are not followed by removeAll, and a root that is one keeps its link', async () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'precious'))
    writeFileSync(join(folder, 'precious/file'), 'precious')
    mkdirSync(join(folder, 'real'))
    symlinkSync('real', join(folder, 'repository'))
    const store = new LocalStore(join(folder, 'repository'))
    await store.write(segment, text('x'))
    symlinkSync(join(folder, 'precious'), join(folder, 'real/data/0/link'))

    await store.removeAll()

    expect(readFileSync(join(folder, 'precious/file'), 'utf8')).toBe('precious')
    expect(await store.root()).toBe('empty')
  })
})

describe('secrets', () => {
  test('are overwritten on the disk when replaced', async () => {
    const folder = tempFolder()
    const store = new LocalStore(folder)
    await store.write(config, text('the old secret'))
    const old = watchInode(join(folder, 'config'))

    await store.write(config, text('the new secret'), { secret: true })

    expect(old()).toHaveLength(14)
    expect(old().toString()).not.toContain('secret')
    expect(readdirSync(folder)).toEqual(['config'])
  })

  test('that another link still shows are left to it', async () => {
    const folder = tempFolder()
    const store = new LocalStore(folder)
    await store.write(config, text('the old secret'))
    linkSync(join(folder, 'config'), join(folder, 'snapshot'))

    await store.write(config, text('the new secret'), { secret: true })

    expect(readFileSync(join(folder, 'snapshot'), 'utf8')).toBe('the old secret')
  })

  test('left in config.old by a crash are erased first', async () => {
    const folder = tempFolder()
    const store = new LocalStore(folder)
    await store.write(config, text('current'))
    writeFileSync(join(folder, 'config.old'), 'a forgotten secret')
    const old = watchInode(join(folder, 'config.old'))

    await store.write(config, text('new'), { secret: true })

    expect(old().toString()).not.toContain('secret')
    expect(readdirSync(folder)).toEqual(['config'])
  })

  test('are not damaged when a crash left config.old as a second link of config', async () => {
    const folder = tempFolder()
    const store = new LocalStore(folder)
    await store.write(config, text('current'))
    linkSync(join(folder, 'config'), join(folder, 'config.old'))
    async function* never(): AsyncGenerator<Uint8Array> {
      yield text('ne')
      throw new Error('stopped')
    }

    await expect(store.write(config, never(), { secret: true })).rejects.toThrow('stopped')

    expect(readFileSync(join(folder, 'config'), 'utf8')).toBe('current')
    expect(readdirSync(folder)).toEqual(['config'])
  })
})

describe('errors', () => {
  test('name the file, also those of descriptors', async () => {
    const folder = tempFolder()
    const store = new LocalStore(folder)
    mkdirSync(join(folder, 'folder'))

    await expect(store.read(storePath('folder'))).rejects.toMatchObject({
      code: 'EISDIR',
      path: join(folder, 'folder'),
    })
    await expect(store.read(storePath('folder'), { offset: 0, length: 5 })).rejects.toThrow(
      `'${join(folder, 'folder')}'`,
    )
    await expect(store.write(storePath('folder'), text('x'))).rejects.toThrow(join(folder, 'folder'))
    expect(readdirSync(folder)).toEqual(['folder'])
  })

  test('StoreNotFound carries the path and the system error', async () => {
    const store = new LocalStore(tempFolder())

    await expect(store.read(segment)).rejects.toMatchObject({
      name: 'StoreNotFound',
      path: 'data/0/1',
      cause: { code: 'ENOENT' },
    })
  })
})

describe('reading', () => {
  test('a file replaced by write is read anew', async () => {
    const store = new LocalStore(tempFolder())
    await store.write(config, text('one'))
    expect(await store.read(config, { offset: 0, length: 9 })).toEqual(text('one'))
    await store.writeInOrder([{ path: config, content: text('two') }])
    expect(await store.read(config, { offset: 0, length: 9 })).toEqual(text('two'))
  })

  test('gives plain arrays that own their memory', async () => {
    const store = new LocalStore(tempFolder())
    await store.write(config, text('content'))
    for (const bytes of [await store.read(config), await store.read(config, { offset: 1, length: 3 })]) {
      expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
      expect(bytes.buffer.byteLength).toBe(bytes.length)
    }
  })

  test('keeps at most 90 files open, and none for longer than 240 s unused', async () => {
    const folder = tempFolder()
    const host = new FakeHost()
    const handles = new LocalHandles(() => host.monotonicMs())
    onTestFinished(() => handles.forgetAll())
    for (let i = 0; i < 120; i++) {
      writeFileSync(join(folder, `${i}`), `${i}`)
      expect(await handles.read(join(folder, `${i}`), 0, 9)).toEqual(text(`${i}`))
      expect(handles.count).toBeLessThanOrEqual(90)
    }
    expect(openDescriptors(folder)).toBe(90)

    host.advanceSeconds(200)
    await handles.read(join(folder, '119'), 0, 1)
    host.advanceSeconds(100)
    await handles.read(join(folder, '118'), 0, 1)

    expect(handles.count).toBe(2)
    expect(openDescriptors(folder)).toBe(2)
  })

  test('a file forgotten while it is being read is closed after that', async () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'big'), Buffer.alloc(8 * 1024 * 1024, 1))
    const handles = new LocalHandles(() => 0)

    const reading = handles.read(join(folder, 'big'), 0, 8 * 1024 * 1024)
    handles.forget(join(folder, 'big'))
    expect(openDescriptors(folder)).toBe(1)

    expect((await reading).every((byte) => byte === 1)).toBe(true)
    expect(openDescriptors(folder)).toBe(0)
  })

  test('disposal closes everything', async () => {
    const folder = tempFolder()
    {
      await using store = new LocalStore(folder)
      await store.write(config, text('x'))
      await store.read(config, { offset: 0, length: 1 })
      expect(openDescriptors(folder)).toBe(1)
    }
    expect(openDescriptors(folder)).toBe(0)
  })
})

describe('a full disk', () => {
  test('leaves the old file when writing, and nothing half', async (context) => {
    const folder = smallDisk(256) ?? context.skip('no small disk: needs root and mount')
    const store = new LocalStore(folder)
    await store.write(config, text('old'))

    const big = new Uint8Array(1024 * 1024)
    await expect(store.write(config, big)).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(store.write(config, big)).rejects.toThrow(join(folder, 'config'))
    const files = [
      { path: config, content: text('new') },
      { path: storePath('big'), content: big },
    ]
    await expect(store.writeInOrder(files)).rejects.toMatchObject({ code: 'ENOSPC' })

    expect(readdirSync(folder)).toEqual(['config'])
    expect(readFileSync(join(folder, 'config'), 'utf8')).toBe('old')
  })

  test('lets an append be repeated once there is room, or sealed as it was', async (context) => {
    const folder = smallDisk(256) ?? context.skip('no small disk: needs root and mount')
    const store = new LocalStore(folder)
    await store.write(storePath('ballast'), new Uint8Array(100 * 1024))
    const [first, second] = [await store.append(segment), await store.append(storePath('data/0/2'))]
    await first.write(new Uint8Array(50_000).fill(1))
    await second.write(new Uint8Array(10_000).fill(1))
    const more = new Uint8Array(120_000).fill(2)

    await expect(second.write(more)).rejects.toMatchObject({ code: 'ENOSPC', path: join(folder, 'data/0/2') })
    expect(second.size).toBe(10_000)
    await second.seal()
    expect((await store.read(storePath('data/0/2'))).length).toBe(10_000)
    await expect(first.write(more)).rejects.toMatchObject({ code: 'ENOSPC' })
    await store.remove(storePath('ballast'))
    await first.write(more)
    await first.seal()

    const content = await store.read(segment)
    expect(content.length).toBe(170_000)
    expect(content.every((byte, i) => byte === (i < 50_000 ? 1 : 2))).toBe(true)
  })

  test('that cannot even forget a file forgets its content first', () => {
    const path = join(tempFolder(), 'file')
    writeFileSync(path, 'content')
    const sizes: number[] = []
    const unlink = (file: string | Buffer): void => {
      sizes.push(statSync(file).size)
      if (sizes.length === 1) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
      unlinkSync(file)
    }

    removeFile(path, unlink)

    expect(sizes).toEqual([7, 0])
    expect(existsSync(path)).toBe(false)
  })

  test('does not cost the content of a file that has another link', () => {
    const path = join(tempFolder(), 'file')
    writeFileSync(path, 'content')
    linkSync(path, `${path}.link`)
    const unlink = (): void => {
      throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
    }

    expect(() => removeFile(path, unlink)).toThrow('ENOSPC')
    expect(readFileSync(`${path}.link`, 'utf8')).toBe('content')
  })

  test('tells how much room there is', async (context) => {
    const folder = smallDisk(256) ?? context.skip('no small disk: needs root and mount')
    const store = new LocalStore(folder)

    const free = (await store.freeBytes()) ?? 0
    await store.write(config, new Uint8Array(65_536))

    expect(free).toBeLessThanOrEqual(256 * 1024)
    expect(free - ((await store.freeBytes()) ?? 0)).toBe(65_536)
  })
})

test('temporary files are named so that people and borg see what they are', async () => {
  const folder = tempFolder()
  const store = new LocalStore(folder)
  const seen: string[] = []
  async function* looking(): AsyncGenerator<Uint8Array> {
    seen.push(...readdirSync(folder))
    yield text('x')
  }

  await store.write(config, looking())
  await store.remove(config)
  await store.writeInOrder([{ path: storePath('index.5'), content: looking() }])

  expect(seen[0]).toMatch(/^config-[a-z0-9_]{8}\.tmp$/)
  expect(seen[1]).toBe('index.5.tmp')
})

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

/** The bytes of the file that has this name now, whatever becomes of the name. */
function watchInode(path: string): () => Buffer {
  const descriptor = openSync(path, 'r')
  onTestFinished(() => closeSync(descriptor))
  return () => {
    const bytes = Buffer.alloc(fstatSync(descriptor).size)
    readSync(descriptor, bytes, 0, bytes.length, 0)
    return bytes
  }
}

/** A file system of its own with this many KiB; undefined where we may not mount one. */
function smallDisk(kib: number): string | undefined {
  const folder = tempFolder()
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tsborg-test', folder])
  if (status !== 0) return undefined
  onTestFinished(() => void spawnSync('umount', [folder]))
  return folder
}

/** Open descriptors of this process that lead into `folder`. */
function openDescriptors(folder: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return dirname(readlinkSync(`/proc/self/fd/${fd}`)).startsWith(folder)
    } catch {
      return false
    }
  }).length
}
