/**
 * Restored as found: borg reads a tree and our copy of it, and sees no difference.
 */
import { mkdirSync, openSync, readSync, closeSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeText } from '../../src/base/text.ts'
import type { Item } from '../../src/archive/item.ts'
import { openNodeFileSystem } from '../../src/platform/node-file-system.ts'
import { openExtraction } from '../../src/target/extraction.ts'
import { extractItem, restoreFolder } from '../../src/target/extract-item.ts'
import { makeOddTree } from '../source/odd-tree.ts'
import { walkedItems } from '../source/walked-items.ts'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'

const files = openNodeFileSystem()

for (const borg of findBorgs()) {
  describe(`borg ${borg.version}`, () => {
    const world = new BorgWorld()
    const home = process.cwd()
    const releases: (() => void)[] = []

    beforeAll(async () => {
      releases.push((await makeOddTree(world.path('tree'))).release)
      mkdirSync(world.path('copy'))
      world.must(borg.command, ['init', '-e', 'none', 'repo'])
      process.chdir(world.path('tree'))
    })
    afterAll(() => {
      process.chdir(home)
      for (const release of releases) release()
      world.run('chattr', ['-i', '-a', '-d', 'copy/immutable', 'copy/append-only', 'copy/nodump'])
      world.remove()
    })

    test.each([false, true])('every item of an odd tree comes back (sparse: %s)', async (sparse) => {
      const copy = world.path(`copy/${sparse ? 'sparse' : 'full'}`)
      mkdirSync(copy)
      const { items } = walkedItems(files, { roots: ['.'] }, { atime: true })
      const events: unknown[] = []
      const target = { files, root: encodeText(copy), sparse, numericIds: false }
      using extraction = openExtraction(target, { onEvent: (event) => events.push(event) })
      for (const item of items) await extractItem(extraction, extraction.links.resolve(item), contentOf(item))
      for (const item of [...items].reverse()) if (isFolder(item)) restoreFolder(extraction, item)

      expect(events).toEqual([])
      for (const folder of ['tree', copy]) {
        const archive =
          folder === 'tree' ? `${world.path('repo')}::tree-${sparse}` : `${world.path('repo')}::copy-${sparse}`
        const cwd = folder === 'tree' ? 'tree' : `copy/${sparse ? 'sparse' : 'full'}`
        world.must(borg.command, ['create', '--noctime', '--files-cache=disabled', archive, '.'], { cwd })
      }
      const [original, restored] = ['tree', 'copy'].map((name) =>
        itemsByPath(world.must(borg.command, ['debug', 'dump-archive', `repo::${name}-${sparse}`, '-']).stdout),
      )
      expect(restored).toEqual(original)
      expect(Object.keys(original ?? {}).length).toBeGreaterThan(items.length - 5)
      world.run('chattr', ['-i', '-a', `${copy}/immutable`, `${copy}/append-only`])
    })
  })
}

function isFolder(item: Item): boolean {
  return (item.mode & 0o170000) === 0o040000
}

async function* contentOf(item: Item): AsyncGenerator<Uint8Array> {
  const descriptor = openSync(Buffer.from(encodeText(item.path)), 'r')
  try {
    for (;;) {
      const chunk = new Uint8Array(1 << 20)
      const count = readSync(descriptor, chunk)
      if (count === 0) return
      yield chunk.subarray(0, count)
    }
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Items by path: inode numbers, and with them the order and who is the first of several names, are the copy's own. Names
 * of one file are compared as a group.
 */
function itemsByPath(json: string): Readonly<Record<string, unknown>> {
  const exact = json.replace(/^(\s+"\w+": )(-?\d+)(,?)$/gm, '$1"$2"$3')
  const dump = JSON.parse(exact) as { _items: readonly Record<string, unknown>[] }
  const firstOf = (item: Record<string, unknown>): unknown =>
    item['hardlink_master'] === true ? item['path'] : item['mode'] !== '41471' ? item['source'] : undefined
  const groups = new Map<unknown, unknown[]>()
  for (const item of dump._items) {
    const first = firstOf(item)
    if (first !== undefined) groups.set(first, [...(groups.get(first) ?? []), item['path']])
  }
  const contents = new Map(dump._items.map((item) => [item['path'], item['chunks']]))
  return Object.fromEntries(
    dump._items
      .map((item): [string, unknown] => {
        const first = firstOf(item)
        if (first === undefined) return [String(item['path']), item]
        const { source: _source, hardlink_master: _master, size: _size, chunks: _chunks, ...own } = item
        return [String(item['path']), { ...own, names: groups.get(first)?.sort(), chunks: contents.get(first) }]
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
