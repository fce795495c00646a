import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import { CachingStore } from '../../src/store/caching-store.ts'
import { LocalStore } from '../../src/store/local-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { bytesOf, contentsOf, idOf, logOf, newStore, open, session } from '../repository/world.ts'
import { RecordingStore } from '../support/recording-store.ts'
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts'

const root = makeTempFolder()
afterAll(() => removeTempFolder(root))

let made = 0
function newFolder(): string {
  made += 1
  return join(root, String(made), 'cache')
}

interface Look {
  readonly folder: string
  readonly bytesMax?: number
  readonly cache?: Store
}

/** Opens `far` through the cache and reads all of it: what it found, what was asked of `far`, what was said. */
async function look(far: Store, { folder, bytesMax, cache = new LocalStore(folder) }: Look) {
  const { run, lines } = logOf()
  const line = new RecordingStore(far)
  const store = new CachingStore(line, { folder: cache, bytesMax, run })
  const contents = await session(store, contentsOf, { access: 'read' }, run)
  const downloads = line.calls.flatMap(({ verb, path }) => (verb === 'read' ? [String(path).split('.')[0]] : []))
  return { contents, downloads, warnings: lines().filter((text) => text.startsWith('warning')) }
}

async function put(store: Store, ...names: readonly string[]): Promise<void> {
  await using repository = await open(store)
  for (const name of names) await repository.put(idOf(name), bytesOf(name))
  await repository.commit()
}

async function ledgerPaths(far: Store): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of far.list(storePath(''))) if (/^(index|hints)/.test(path)) paths.push(path)
  return paths.sort()
}

async function truth(far: Store): Promise<Map<string, string>> {
  return session(far, contentsOf, { access: 'read' })
}

describe('a repository opened again', () => {
  test('downloads neither index nor hints', async () => {
    const [far, folder] = [await newStore(), newFolder()]
    await put(far, 'a', 'b')
    const first = await look(far, { folder })
    expect(first.downloads).toContain('index')
    expect(readdirSync(folder).sort()).toEqual(['hints.1', 'index.1'].slice(first.downloads.includes('hints') ? 0 : 1))
    const second = await look(far, { folder })
    expect(second.contents).toEqual(first.contents)
    expect(second.downloads).not.toContain('index')
    expect(second.downloads).not.toContain('hints')
    expect(second.downloads).toContain('integrity')
    expect(second.warnings).toEqual([])
  })

  test('downloads nothing that it wrote itself, and keeps one of each', async () => {
    const [far, folder] = [await newStore(), newFolder()]
    for (const name of ['a', 'b', 'c']) {
      await put(new CachingStore(far, { folder: new LocalStore(folder) }), name)
      expect(readdirSync(folder).sort()).toEqual(await ledgerPaths(far))
    }
    expect((await look(far, { folder })).downloads).not.toContain('index')
    for (const name of readdirSync(folder)) {
      expect(new Uint8Array(readFileSync(join(folder, name)))).toEqual(await far.read(storePath(name)))
    }
  })

  test('sees what another client did meanwhile', async () => {
    const [far, folder] = [await newStore(), newFolder()]
    await put(far, 'a', 'b')
    await look(far, { folder })
    await put(far, 'c')
    const again = await look(far, { folder })
    expect(again.contents).toEqual(await truth(far))
    expect(again.contents.size).toBe(3)
    expect(again.downloads).toContain('index')
  })

  test('sees another repository in the same place, whose transaction has the same number', async () => {
    const folder = newFolder()
    const [before, now] = [await newStore(), await newStore()]
    await put(before, 'a', 'b')
    await look(before, { folder })
    await put(now, 'c', 'd')
    expect(await ledgerPaths(now)).toEqual(await ledgerPaths(before))
    const again = await look(now, { folder })
    expect(again.contents).toEqual(await truth(now))
    expect(again.warnings).toEqual([])
  })
})

describe('copies that prove nothing', () => {
  const damages: readonly [string, (bytes: Uint8Array) => Uint8Array][] = [
    ['rotten', (bytes) => bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte))],
    ['cut', (bytes) => bytes.subarray(0, -1)],
    ['empty', () => new Uint8Array(0)],
    ['longer', (bytes) => new Uint8Array([...bytes, 0])],
    ['garbage', () => bytesOf('garbage')],
  ]
  test.each(damages)('are fetched again when they are %s', async (_, damage) => {
    const [far, folder] = [await newStore(), newFolder()]
    await put(new CachingStore(far, { folder: new LocalStore(folder) }), 'a', 'b')
    const index = join(folder, (await ledgerPaths(far)).at(-1) ?? '')
    const whole = new Uint8Array(readFileSync(index))
    writeFileSync(index, damage(whole))
    const found = await look(far, { folder })
    expect(found.contents).toEqual(await truth(far))
    expect(found.warnings).toEqual([])
    expect(found.downloads).toContain('index')
    expect(new Uint8Array(readFileSync(index))).toEqual(whole)
  })

  test('are not used without integrity.N, nor when it cannot be read, nor with an algorithm we do not know', async () => {
    const integrities: readonly (Uint8Array | undefined)[] = [undefined, bytesOf('garbage'), new Uint8Array(0)]
    for (const integrity of integrities) {
      const [far, folder] = [await newStore(), newFolder()]
      await put(new CachingStore(far, { folder: new LocalStore(folder) }), 'a')
      const index = storePath((await ledgerPaths(far)).at(-1) ?? '')
      const path = storePath(index.replace('index', 'integrity'))
      await far.remove(path)
      if (integrity !== undefined) await far.write(path, integrity)
      // Told apart from the far one: a copy of it is as good as garbage.
      writeFileSync(join(folder, index), bytesOf('garbage'))
      const store = new CachingStore(far, { folder: new LocalStore(folder) })
      expect(await store.read(index)).toEqual(await far.read(index))
    }
  })

  test('do not hide a far file that is missing or was cut', async () => {
    const [far, folder] = [await newStore(), newFolder()]
    await put(new CachingStore(far, { folder: new LocalStore(folder) }), 'a')
    const index = storePath((await ledgerPaths(far)).at(-1) ?? '')
    const store = new CachingStore(far, { folder: new LocalStore(folder) })
    const whole = await far.read(index)
    await far.write(index, whole.subarray(0, 100))
    expect((await store.read(index)).length).toBe(100)
    await far.remove(index)
    await expect(store.read(index)).rejects.toThrow('no file')
  })

  test('are not made of a far file that is damaged', async () => {
    const [far, folder] = [await newStore(), newFolder()]
    await put(far, 'a')
    const index = storePath((await ledgerPaths(far)).at(-1) ?? '')
    await far.write(
      index,
      (await far.read(index)).map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
    )
    await new CachingStore(far, { folder: new LocalStore(folder) }).read(index)
    expect(() => readFileSync(join(folder, index))).toThrow('ENOENT')
  })
})

describe('a local folder that cannot be used', () => {
  test.each(['ENOSPC', 'EROFS', 'EACCES', 'EIO'])('(%s) fails nothing, and is said once', async (code) => {
    const far = await newStore()
    await put(far, 'a', 'b')
    const refusing = new RecordingStore(new MemoryStore(), ({ verb }) => {
      if (verb !== 'dispose') throw Object.assign(new Error(`${code}: refused`), { code })
    })
    const found = await look(far, { folder: '', cache: refusing })
    expect(found.contents).toEqual(await truth(far))
    expect(found.warnings).toHaveLength(1)
    expect(found.warnings[0]).toContain(code)
    expect(refusing.calls.filter(({ verb }) => verb !== 'dispose')).toHaveLength(1)
  })

  test('that is full in the middle of a commit fails nothing', async () => {
    const far = await newStore()
    const { run, lines } = logOf()
    const full = new RecordingStore(new MemoryStore(), ({ verb }) => {
      if (verb === 'write') throw Object.assign(new Error('ENOSPC: full'), { code: 'ENOSPC' })
    })
    await put(new CachingStore(far, { folder: full, run }), 'a')
    expect((await truth(far)).size).toBe(1)
    expect(lines().filter((text) => text.includes('ENOSPC'))).toHaveLength(1)
  })

  test('because something else has its name fails nothing', async () => {
    const far = await newStore()
    await put(far, 'a')
    const folder = join(root, 'a file')
    writeFileSync(folder, 'x')
    expect((await look(far, { folder })).contents).toEqual(await truth(far))
  })
})

test('nothing larger than what may be kept is kept', async () => {
  const [far, folder] = [await newStore(), newFolder()]
  await put(far, 'a')
  const index = (await ledgerPaths(far)).at(-1) ?? ''
  await look(far, { folder, bytesMax: 1000 })
  expect(() => readFileSync(join(folder, index))).toThrow('ENOENT')
})

test('what a crash left half written goes with its transaction', async () => {
  const [far, folder] = [await newStore(), newFolder()]
  const cached = (): Store => new CachingStore(far, { folder: new LocalStore(folder) })
  await put(cached(), 'a')
  writeFileSync(join(folder, 'index.1-abcd_123'), 'half')
  await put(cached(), 'b')
  expect(readdirSync(folder).sort()).toEqual(await ledgerPaths(far))
})

test('locks, config, segments and everything else are never kept', async () => {
  const [far, folder] = [await newStore(), newFolder()]
  await put(new CachingStore(far, { folder: new LocalStore(folder) }), 'a')
  await look(far, { folder })
  await look(far, { folder })
  expect(readdirSync(folder).every((name) => /^(index|hints)\.\d+$/.test(name))).toBe(true)
})

test('many that share the folder do not disturb each other', async () => {
  const [far, folder] = [await newStore(), newFolder()]
  await put(far, 'a', 'b')
  const index = storePath((await ledgerPaths(far)).at(-1) ?? '')
  const { run, lines } = logOf()
  const stores = Array.from({ length: 8 }, () => new CachingStore(far, { folder: new LocalStore(folder), run }))
  const found = await Promise.all(stores.map((store) => store.read(index)))
  for (const bytes of found) expect(bytes).toEqual(await far.read(index))
  expect(readdirSync(folder)).toEqual([index])
  expect(lines()).toEqual([])
})

test('removing everything removes the copies', async () => {
  const [far, folder] = [await newStore(), newFolder()]
  const store = new CachingStore(far, { folder: new LocalStore(folder) })
  await put(store, 'a')
  await store.removeAll()
  expect(readdirSync(folder)).toEqual([])
})
