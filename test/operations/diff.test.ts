import { linkSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { ArchiveReader } from '../../src/archive/archive-reader.ts'
import type { Item } from '../../src/archive/item.ts'
import type { EngineEvent, RunOptions } from '../../src/base/events.ts'
import { itemPath, type Nanoseconds, objectId } from '../../src/base/ids.ts'
import { createArchive } from '../../src/operations/create.ts'
import { type DiffOptions, diffArchives, type PathDifference } from '../../src/operations/diff.ts'
import { compareByBytes } from '../../src/operations/diff-content.ts'
import { type DiffSortKey, sortDifferences } from '../../src/operations/diff-sort.ts'
import { exportTar } from '../../src/operations/export-tar.ts'
import { importTar } from '../../src/operations/import-tar.ts'
import { initRepository } from '../../src/operations/init.ts'
import { parseExclude, parsePathArgument } from '../../src/patterns/parse.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import type { WriteSession } from '../../src/session/session.ts'
import { FakeHost } from '../support/fake-host.ts'
import { tempFolder } from '../support/temp-folder.ts'

const blocks = { algorithm: 'fixed', blockSize: 4096, headerSize: 0 } as const
const otherBlocks = { ...blocks, blockSize: 8192 }

let tree: string
let host: FakeHost
let open: () => Promise<WriteSession>
let events: EngineEvent[]

beforeEach(async () => {
  const folder = tempFolder()
  tree = join(folder, 'tree')
  mkdirSync(tree)
  host = new FakeHost()
  events = []
  const directories = defaultDirectories({ BORG_BASE_DIR: join(folder, 'base') }, folder)
  await initRepository(join(folder, 'repository'), { encryption: 'none', directories, host })
  const ask = async (): Promise<boolean> => true
  open = () => openRepository(join(folder, 'repository'), { access: 'write', directories, host }, { ask })
})

const file = (name: string, content: string | Uint8Array): void => writeFileSync(join(tree, name), content)
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

async function backUp(session: WriteSession, name: string, chunkerParams: typeof otherBlocks | typeof blocks = blocks) {
  await createArchive(session, { name, roots: [tree], chunkerParams })
}

async function differences(
  session: WriteSession,
  archives: readonly [string, string],
  options: DiffOptions = {},
  run: RunOptions = {},
): Promise<PathDifference[]> {
  const all: PathDifference[] = []
  const heard = { onEvent: (event: EngineEvent) => void events.push(event), ...run }
  for await (const one of diffArchives(session, ...archives, options, heard)) all.push(one)
  return all
}

describe('two archives', () => {
  test('differ first in what both have, then in what was added, then in what was removed', async () => {
    await using session = await open()
    for (const name of ['a', 'gone', 'same', 'z']) file(name, name)
    await backUp(session, 'before')
    file('z', 'other')
    file('a', 'longer')
    file('new', 'new')
    rmSync(join(tree, 'gone'))
    await backUp(session, 'after')

    const found = await differences(session, ['before', 'after'], { contentOnly: true })

    const shown = found.map(({ path, changes }) => [nameOf(path), ...changes])
    expect(shown.slice(0, 2).sort()).toEqual([
      ['a', { change: 'content', bytes: { added: 6, removed: 1 } }],
      ['z', { change: 'content', bytes: { added: 5, removed: 1 } }],
    ])
    expect(shown.slice(2)).toEqual([
      ['new', { change: 'added', what: 'file', size: 3 }],
      ['gone', { change: 'removed', what: 'file', size: 4 }],
    ])
  })

  test('an archive does not differ from itself', async () => {
    await using session = await open()
    file('a', 'content')
    await backUp(session, 'one')

    expect(await differences(session, ['one', 'one'])).toEqual([])
  })

  test('that were cut otherwise are read, and what is equal is not mentioned', async () => {
    await using session = await open()
    const noise = host.randomBytes(20_000)
    file('same', noise)
    file('end', noise)
    await backUp(session, 'before')
    noise[19_999] = (noise[19_999] ?? 0) ^ 1
    file('end', noise)
    await backUp(session, 'after', otherBlocks)

    const found = await differences(session, ['before', 'after'], { contentOnly: true })

    expect(found).toMatchObject([{ changes: [{ change: 'content', bytes: undefined }] }])
    expect(nameOf(found[0]?.path ?? '')).toBe('end')
    expect(events).toContainEqual(
      expect.objectContaining({ message: '--chunker-params are different between archives, diff will be slow.' }),
    )
  })

  test('stops when told to, with the reason', async () => {
    await using session = await open()
    for (let i = 0; i < 50; i++) file(`f${i}`, 'x')
    await backUp(session, 'before')
    for (let i = 0; i < 50; i++) file(`f${i}`, 'y')
    await backUp(session, 'after')
    const controller = new AbortController()
    const seen: PathDifference[] = []

    const stopping = (async () => {
      for await (const one of diffArchives(session, 'before', 'after', {}, { signal: controller.signal })) {
        seen.push(one)
        controller.abort(new Error('enough'))
      }
    })()

    await expect(stopping).rejects.toThrow('enough')
    expect(seen).toHaveLength(1)
  })

  test('a PATH that is in neither is a warning, and so is a name whose first name was left out', async () => {
    await using session = await open()
    file('first', 'linked')
    linkSync(join(tree, 'first'), join(tree, 'second'))
    await backUp(session, 'one')
    const paths = (await differencesOfAdded(session)).map(({ path }) => path)
    const source = paths[0] ?? ''

    await differences(session, ['one', 'one'], { patterns: [parsePathArgument('no/such')] })
    await differences(session, ['one', 'one'], { patterns: [parseExclude(`pf:${source}`)] })

    const warnings = events.filter((event) => event.type === 'warning')
    expect(warnings).toEqual([
      { type: 'warning', code: 'IncludePatternNeverMatchedWarning', args: ['no/such'] },
      {
        type: 'warning',
        code: 'GenericWarning',
        args: [`cannot find hardlink source for ${paths[1]} (${source}), skipping compare.`],
      },
    ])
  })

  test('a name that only one has is shown also when its first name was left out', async () => {
    await using session = await open()
    file('first', 'linked')
    linkSync(join(tree, 'first'), join(tree, 'second'))
    await backUp(session, 'one')
    const [first, second] = await differencesOfAdded(session)
    expect(second?.changes).toEqual([{ change: 'added', what: 'file', size: 6 }])

    const found = await differences(session, ['nothing', 'one'], { patterns: [parseExclude(`pf:${first?.path}`)] })

    const shown = found.filter(({ path }) => nameOf(path) !== 'tree')
    expect(shown).toMatchObject([{ path: second?.path, changes: [] }])
    expect(events.filter((event) => event.type === 'warning')).toEqual([])
  })

  test('that were cut otherwise differ where a file was only touched, too', async () => {
    await using session = await open()
    file('touched', 'same')
    await backUp(session, 'before')
    utimesSync(join(tree, 'touched'), 1, 1)
    await backUp(session, 'after', otherBlocks)

    const changesOf = async (options: DiffOptions) =>
      (await differences(session, ['before', 'after'], options)).map(({ changes }) => changes.map((one) => one.change))

    expect(await changesOf({})).toEqual([['content', 'ctime', 'mtime']])
    expect(await changesOf({ sameChunkerParams: true })).toEqual([['ctime', 'mtime']])
    expect(await changesOf({ contentOnly: true })).toEqual([])
  })

  test('names of one file that came by a tarball find each other', async () => {
    await using session = await open()
    file('first', 'linked')
    linkSync(join(tree, 'first'), join(tree, 'second'))
    await backUp(session, 'before')
    await throughTar(session, 'before')
    file('first', 'linked, and more')
    await backUp(session, 'after')
    await throughTar(session, 'after')

    const found = await differences(session, ['before-tar', 'after-tar'], { contentOnly: true })

    const change = [{ change: 'content', bytes: { added: 16, removed: 6 } }]
    expect(found).toMatchObject([{ changes: change }, { changes: change }])
    expect(events.filter((event) => event.type === 'warning')).toEqual([])
  })
})

/** Names of the archive 'one', in its order. */
async function differencesOfAdded(session: WriteSession): Promise<PathDifference[]> {
  await createArchive(session, { name: 'nothing', roots: [], chunkerParams: blocks })
  return (await differences(session, ['nothing', 'one'])).filter(({ path }) => nameOf(path) !== 'tree')
}

/** Such archives do not say of an item that others may refer to it. */
async function throughTar(session: WriteSession, name: string): Promise<void> {
  const parts: Uint8Array[] = []
  await exportTar(session, name, { write: (bytes) => void parts.push(Uint8Array.from(bytes)) })
  const input = (async function* () {
    yield* parts
  })()
  await importTar(session, { name: `${name}-tar`, input, inputName: 'x.tar', chunkerParams: blocks })
}

describe('contents that are cut otherwise', () => {
  let pulled: number
  /** An archive whose chunks are what the item's ids say: 8 bytes of the first byte of the id. */
  const archive = {
    async *content(one: Item) {
      for (const chunk of one.chunks ?? []) {
        pulled += 1
        yield new Uint8Array(chunk.size).fill(chunk.id[0] ?? 0)
      }
    },
  } as unknown as ArchiveReader
  const cut = (...chunks: readonly (readonly [byte: number, size: number])[]): Item =>
    item('f', {
      chunks: chunks.map(([byte, size]) => ({
        id: objectId(new Uint8Array(32).fill(byte).fill(size, 1, 2)),
        size,
        storedSize: size,
      })),
    })
  const reading = compareByBytes(archive, archive, async () => {})
  const compare = (before: Item, after: Item) => reading(before, after, { differs: false })

  beforeEach(() => {
    pulled = 0
  })

  test('are equal wherever the cuts are', async () => {
    expect(await compare(cut([1, 5], [1, 3], [2, 4]), cut([1, 8], [2, 1], [2, 3]))).toBe('equal')
    expect(await compare(cut(), cut())).toBe('equal')
  })

  test('are read no further than to the first difference', async () => {
    const long = Array.from({ length: 100 }, () => [1, 2] as const)
    const other = [[1, 1], [3, 1], ...Array.from({ length: 198 }, () => [1, 1] as const)] as const

    expect(await compare(cut(...long), cut(...other))).toEqual([{ change: 'content', bytes: undefined }])
    expect(pulled).toBe(3)
  })

  test('are not read at all when their sizes or ids tell', async () => {
    expect(await compare(cut([1, 5]), cut([1, 6]))).toEqual([{ change: 'content', bytes: undefined }])
    expect(await compare(cut([1, 5], [2, 5]), cut([1, 5], [2, 5]))).toBe('equal')
    expect(pulled).toBe(0)
  })

  test('are not read, and called modified, where the path is shown for another reason', async () => {
    const modified = [{ change: 'content', bytes: undefined }]

    expect(await reading(cut([1, 5], [1, 3]), cut([1, 8]), { differs: true })).toEqual(modified)
    expect(await reading(cut([1, 5]), cut([1, 5]), { differs: true })).toEqual(modified)
    expect(pulled).toBe(0)
  })

  test('can be left in the middle', async () => {
    const stopping = compareByBytes(archive, archive, async () => {
      if (pulled > 2) throw new Error('enough')
    })

    const comparing = stopping(cut([1, 4], [1, 4], [1, 4]), cut([1, 6], [1, 6]), { differs: false })
    await expect(comparing).rejects.toThrow('enough')
    expect(pulled).toBeLessThan(5)
  })
})

describe('sorting', () => {
  const sorted = (list: readonly PathDifference[], ...keys: readonly DiffSortKey[]): string =>
    sortDifferences(list, keys)
      .map(({ path }) => path)
      .join('')
  const by = (field: DiffSortKey['field'], descending = false): DiffSortKey => ({ field, descending })
  const difference = (path: string, more: Partial<PathDifference>): PathDifference => ({
    path,
    changes: [],
    before: undefined,
    after: undefined,
    ...more,
  })

  const sized = [
    difference('c', { changes: [{ change: 'content', bytes: { added: 5, removed: 9 } }] }),
    difference('a', { changes: [{ change: 'added', what: 'file', size: 7 }] }),
    difference('b', { changes: [{ change: 'removed', what: 'file', size: 3 }] }),
    difference('d', { changes: [{ change: 'added', what: 'directory' }] }),
  ]

  test.each([
    ['path', 'abcd', 'dcba'],
    ['size_added', 'bdca', 'acbd'],
    ['size_removed', 'adbc', 'cbad'],
    ['size_diff', 'cbda', 'adbc'],
  ] as const)('by %s', (field, ascending, descending) => {
    expect(sorted(sized, by(field))).toBe(ascending)
    expect(sorted(sized, by(field, true))).toBe(descending)
  })

  const time = (seconds: number): Nanoseconds => (BigInt(seconds) * 1_000_000_000n) as Nanoseconds
  const pair = (path: string, before: Partial<Item> | undefined, after: Partial<Item> | undefined): PathDifference =>
    difference(path, { before: before && item(path, before), after: after && item(path, after) })
  const chunk = (size: number) => ({ id: objectId(new Uint8Array(32)), size, storedSize: 1 })
  const owned = [
    pair('a', { user: 'x' }, { user: 'm', group: 'n', uid: 7, gid: 30, size: 5, changed: time(9), modified: time(9) }),
    pair('b', { user: 'k', group: 'z', uid: 900, gid: 4, size: 9, changed: time(20), modified: time(1) }, undefined),
    // Old archives keep no size of their own.
    pair('c', undefined, { user: 'z', group: null, uid: 80, gid: 500, chunks: [chunk(6), chunk(1)] }),
  ]

  test.each([
    ['user', 'bac'],
    ['group', 'cab'],
    ['uid', 'acb'],
    ['gid', 'bac'],
    ['ctime', 'cab'],
    ['mtime', 'cba'],
  ] as const)('by %s of the newer side, of the older one where there is no newer', (field, ascending) => {
    expect(sorted(owned, by(field))).toBe(ascending)
    expect(sorted(owned, by(field, true))).toBe([...ascending].reverse().join(''))
  })

  test('by size of the second archive, where what it no longer has is nothing', () => {
    expect(sorted(owned, by('size'))).toBe('bac')
    expect(sorted(owned, by('size', true))).toBe('cab')
  })

  test.each(['ctime_diff', 'mtime_diff'] as const)('by %s: what went back, what stayed, what went on', (field) => {
    const key = field === 'ctime_diff' ? 'changed' : 'modified'
    const moved = [
      pair('a', { [key]: time(10) }, { [key]: time(15) }),
      pair('b', { [key]: time(10) }, { [key]: time(7) }),
      pair('c', undefined, { [key]: time(100) }),
    ]

    expect(sorted(moved, by(field))).toBe('bca')
    expect(sorted(moved, by(field, true))).toBe('acb')
  })

  test('the first field decides, the next among equals, and what is equal in all keeps its order', () => {
    const list = [pair('c', {}, { uid: 1 }), pair('b', {}, { uid: 2 }), pair('a', {}, { uid: 1 })]

    expect(sorted(list, by('uid'))).toBe('cab')
    expect(sorted(list, by('uid', true))).toBe('bca')
    expect(sorted(list, by('uid'), by('path'))).toBe('acb')
    expect(sorted(list, by('uid', true), by('path'))).toBe('bac')
  })

  test('paths are compared by code point, as borg does', () => {
    const odd = ['\u{1f600}', '\uffee', '\udcff', 'a'].map((path) => difference(path, {}))

    expect(sorted(odd, by('path'))).toBe('a\udcff\uffee\u{1f600}')
  })
})

function item(path: string, more: Partial<Item>): Item {
  return { path: itemPath(path), mode: 0o100644, modified: 0n as Nanoseconds, ...more }
}
