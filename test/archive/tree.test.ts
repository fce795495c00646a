import { describe, expect, test } from 'vitest'
import { archiveTree, type ReadOnlyTree, repositoryTree, versionsTree } from '../../src/archive/tree.ts'
import { versionedName } from '../../src/archive/versioned-name.ts'
import { isBorgError } from '../../src/base/errors.ts'
import { nanoseconds } from '../../src/base/ids.ts'
import { decodeText, encodeText } from '../../src/base/text.ts'
import { folder, item, MemoryArchives, noon, treeOptions } from './memory-archive.ts'

/** The node at a path below the root. */
async function at(tree: ReadOnlyTree, path: string): Promise<number> {
  let node: number | undefined = tree.root
  for (const name of path.split('/')) {
    node = node === undefined ? undefined : await tree.lookup(node, encodeText(name))
  }
  if (node === undefined) throw new Error(`no ${path}`)
  return node
}

async function namesIn(tree: ReadOnlyTree, path: string): Promise<string[]> {
  const listed = await tree.list(path === '' ? tree.root : await at(tree, path))
  return [...listed].map(({ name }) => decodeText(name))
}

async function text(tree: ReadOnlyTree, path: string): Promise<string> {
  const node = await at(tree, path)
  return new TextDecoder().decode(await tree.read(node, 0, 1000))
}

describe('one archive', () => {
  test('items of every kind are found, with what stat tells of them, however the metadata is cut', async () => {
    for (const chunkSize of [7, 64, 100_000]) {
      const archives = new MemoryArchives()
      const chunks = [archives.chunk('hello '), archives.chunk('world')]
      const times = { accessed: nanoseconds(1n), changed: nanoseconds(2n) }
      const entry = archives.archive(
        'a',
        [
          folder('home', { mode: 0o41777 }),
          item('home/file', {
            mode: 0o104755,
            chunks,
            size: 11,
            ...times,
            xattrs: new Map([['user.x', Uint8Array.of(1)]]),
          }),
          item('home/link', { mode: 0o120777, source: 'fil\udce9' }),
          item('home/pipe', { mode: 0o10600 }),
          item('home/disk', { mode: 0o60660, rawDevice: 0x801 }),
          item('home/n\udcff', { chunks: [] }),
        ],
        chunkSize,
      )

      const tree = await archiveTree(archives, entry, treeOptions())

      expect(await namesIn(tree, 'home')).toEqual(['file', 'link', 'pipe', 'disk', 'n\udcff'])
      expect(tree.attributes(await at(tree, 'home')).mode).toBe(0o41777)
      const file = await at(tree, 'home/file')
      expect(tree.attributes(file)).toEqual({
        node: file,
        mode: 0o104755,
        uid: 5,
        gid: 6,
        links: 1,
        size: 11,
        rawDevice: 0,
        modified: noon,
        ...times,
        damaged: false,
        hasXattrs: true,
      })
      expect(await text(tree, 'home/file')).toBe('hello world')
      expect(await tree.xattrs(file)).toEqual(new Map([['user.x', Uint8Array.of(1)]]))
      expect(await tree.linkTarget(await at(tree, 'home/link'))).toEqual(encodeText('fil\udce9'))
      expect(tree.attributes(await at(tree, 'home/link')).size).toBe(4)
      expect(tree.attributes(await at(tree, 'home/disk')).rawDevice).toBe(0x801)
      expect(await text(tree, 'home/n\udcff')).toBe('')
      expect(tree.parent(await at(tree, 'home'))).toBe(tree.root)
    }
  })

  test('folders nobody archived are made up, and get their attributes when their item comes late', async () => {
    const archives = new MemoryArchives()
    const entry = archives.archive('a', [item('x/y/file'), folder('x', { mode: 0o40700, uid: 77 })])

    const tree = await archiveTree(archives, entry, treeOptions())

    expect(tree.attributes(await at(tree, 'x'))).toMatchObject({ mode: 0o40700, uid: 77 })
    expect(tree.attributes(await at(tree, 'x/y'))).toMatchObject({ mode: 0o40755, uid: 1, gid: 2, links: 1 })
    expect(await namesIn(tree, 'x/y')).toEqual(['file'])
  })

  test('names of one file share a node, and are counted', async () => {
    const archives = new MemoryArchives()
    const chunks = [archives.chunk('content')]
    const items = [
      item('a', { chunks, hardlinkMaster: true }),
      item('d/b', { source: 'a' }),
      item('p', { mode: 0o10600, hardlinkMaster: true }),
      item('d/p', { mode: 0o10600, source: 'p' }),
    ]

    const tree = await archiveTree(archives, archives.archive('x', items), treeOptions())

    expect(await at(tree, 'd/b')).toBe(await at(tree, 'a'))
    expect(tree.attributes(await at(tree, 'a')).links).toBe(2)
    expect(tree.attributes(await at(tree, 'd/p')).links).toBe(2)
    expect(await text(tree, 'd/b')).toBe('content')
  })

  test('the same root given twice counts no name twice', async () => {
    const archives = new MemoryArchives()
    const once = [item('a/h', { chunks: [], hardlinkMaster: true }), item('b/h', { source: 'a/h', chunks: [] })]

    const tree = await archiveTree(archives, archives.archive('x', [...once, ...once]), treeOptions())

    expect(await at(tree, 'b/h')).toBe(await at(tree, 'a/h'))
    expect(tree.attributes(await at(tree, 'a/h')).links).toBe(2)

    const linkTwice = await archiveTree(archives, archives.archive('y', [...once, ...once.slice(1)]), treeOptions())
    expect(linkTwice.attributes(await at(linkTwice, 'a/h')).links).toBe(2)
  })

  test('when the first name is not selected, the next gets the content and the rest are names of it', async () => {
    const archives = new MemoryArchives()
    const chunks = [archives.chunk('content')]
    const items = [
      item('out/a', { chunks, size: 7, hardlinkMaster: true }),
      item('in/b', { mode: 0o100600, source: 'out/a' }),
      item('in/c', { source: 'out/a' }),
      item('in/d', { source: 'out/never' }),
    ]
    const problems: string[] = []
    const select = ({ path }: { path: string }): boolean => path.startsWith('in/')

    const tree = await archiveTree(archives, archives.archive('x', items), treeOptions({ select, strip: 1, problems }))

    expect(await namesIn(tree, '')).toEqual(['b', 'c'])
    expect(await at(tree, 'c')).toBe(await at(tree, 'b'))
    expect(tree.attributes(await at(tree, 'b'))).toMatchObject({ mode: 0o100600, links: 2, size: 7 })
    expect(await text(tree, 'c')).toBe('content')
    expect(problems).toEqual(['Skipping broken hard link: in/d -> out/never'])
  })

  test('paths that lead out of the archive, or through a file, are not shown', async () => {
    const archives = new MemoryArchives()
    const problems: string[] = []
    const items = [item('a/../b'), item('file'), item('file/below'), item('.'), item('./c'), item('d//e')]

    const tree = await archiveTree(archives, archives.archive('x', items), treeOptions({ problems }))

    expect(await namesIn(tree, '')).toEqual(['file', 'c', 'd'])
    expect(problems).toEqual([
      'Skipping unsafe path: a/../b',
      'Skipping file/below: a file of the archive is where its folder should be',
    ])
  })

  test('the umask takes bits from everything', async () => {
    const archives = new MemoryArchives()

    const tree = await archiveTree(archives, archives.archive('x', [item('f')]), treeOptions({ umask: 0o077 }))

    expect(tree.attributes(await at(tree, 'f')).mode).toBe(0o100600)
  })

  test('a listing goes on where it stopped', async () => {
    const archives = new MemoryArchives()
    const tree = await archiveTree(
      archives,
      archives.archive(
        'x',
        ['a', 'b', 'c'].map((path) => item(path)),
      ),
      treeOptions(),
    )
    const [first] = await tree.list(tree.root)

    const rest = await tree.list(tree.root, first?.position)

    expect([...rest].map(({ name }) => decodeText(name))).toEqual(['b', 'c'])
  })

  test('thousands of names are all found again', async () => {
    const archives = new MemoryArchives()
    const paths = Array.from({ length: 5000 }, (_, number) => `${number % 7}/${number}`)
    const tree = await archiveTree(
      archives,
      archives.archive(
        'x',
        paths.map((path) => item(path)),
        10_000,
      ),
      treeOptions(),
    )

    const found = new Set<number>()
    for (const path of paths) found.add(await at(tree, path))
    expect(found.size).toBe(5000)
    expect(await namesIn(tree, '3')).toHaveLength(714)
  })
})

describe('content', () => {
  test('any part of a file is what it is', async () => {
    const archives = new MemoryArchives()
    const parts = ['abc', 'defgh', 'i', 'jklmnop']
    const chunks = parts.map((part) => archives.chunk(part))
    const tree = await archiveTree(archives, archives.archive('x', [item('f', { chunks })]), treeOptions())
    const node = await at(tree, 'f')
    const whole = parts.join('')

    for (let offset = 0; offset < 18; offset++) {
      for (let length = 0; length < 18; length++) {
        const read = new TextDecoder().decode(await tree.read(node, offset, length))
        expect(read).toBe(whole.slice(offset, offset + length))
      }
    }
  })

  test('reading on reads each chunk once, and the next ahead', async () => {
    const archives = new MemoryArchives()
    const chunks = ['aaaa', 'bbbb', 'cccc', 'dddd'].map((part) => archives.chunk(part))
    const tree = await archiveTree(archives, archives.archive('x', [item('f', { chunks })], 10_000), treeOptions())
    const node = await at(tree, 'f')
    await tree.read(node, 0, 1)
    archives.reads.length = 0

    await tree.read(node, 1, 1)
    expect(archives.reads).toHaveLength(1)

    for (let offset = 2; offset < 16; offset += 2) await tree.read(node, offset, 2)
    expect(archives.reads).toHaveLength(3)
  })

  test('a lost chunk fails, and only where it is', async () => {
    const archives = new MemoryArchives()
    const chunks = ['good', 'lost'].map((part) => archives.chunk(part))
    const tree = await archiveTree(archives, archives.archive('x', [item('f', { chunks })]), treeOptions())
    archives.lose(chunks[1] as (typeof chunks)[0])
    const node = await at(tree, 'f')

    expect(await text(tree, 'f').catch((error) => isBorgError(error, 'Repository.ObjectNotFound'))).toBe(true)
    expect(await tree.read(node, 0, 4)).toEqual(new TextEncoder().encode('good'))
  })

  test('a chunk of another size than the file says is damage', async () => {
    const archives = new MemoryArchives()
    const chunks = [{ ...archives.chunk('good'), size: 5 }]
    const tree = await archiveTree(archives, archives.archive('x', [item('f', { chunks })]), treeOptions())

    await expect(text(tree, 'f')).rejects.toSatisfy((error) => isBorgError(error, 'IntegrityError'))
  })

  test('damaged files are marked', async () => {
    const archives = new MemoryArchives()
    const chunks = [archives.chunk('good')]
    const tree = await archiveTree(
      archives,
      archives.archive('x', [item('f', { chunks, chunksHealthy: chunks })]),
      treeOptions(),
    )

    expect(tree.attributes(await at(tree, 'f')).damaged).toBe(true)
  })
})

describe('a repository', () => {
  test('shows archives in the order given, and reads one when somebody looks into it', async () => {
    const archives = new MemoryArchives()
    const entries = [archives.archive('second', [item('f2')]), archives.archive('first', [item('f1')])]
    const tree = repositoryTree(archives, entries, treeOptions())

    expect(await namesIn(tree, '')).toEqual(['second', 'first'])
    expect(tree.attributes(await at(tree, 'first')).modified).toBe(noon)
    expect(archives.opened).toEqual([])

    const first = await at(tree, 'first')
    const both = await Promise.all([tree.list(first), tree.lookup(first, encodeText('f1'))])
    expect([...both[0]]).toHaveLength(1)
    expect(both[1]).toBeDefined()
    expect(archives.opened).toEqual(['first'])
  })

  test('hard links are looked for in their own archive', async () => {
    const archives = new MemoryArchives()
    const linked = [item('a', { chunks: [], hardlinkMaster: true }), item('b', { source: 'a' })]
    const tree = repositoryTree(archives, [archives.archive('x', linked), archives.archive('y', linked)], treeOptions())

    expect(await at(tree, 'x/b')).toBe(await at(tree, 'x/a'))
    expect(await at(tree, 'y/b')).toBe(await at(tree, 'y/a'))
    expect(await at(tree, 'y/a')).not.toBe(await at(tree, 'x/a'))
  })

  test('an archive that cannot be read fails each time, and is read once', async () => {
    const archives = new MemoryArchives()
    const problems: string[] = []
    const entry = archives.archive('x', [item('a', { chunks: [] })])
    archives
      .openArchive(entry)
      .then(({ metadata }) => archives.lose({ id: metadata.itemChunks[0] as never, size: 0, storedSize: 0 }))
    await Promise.resolve()
    const tree = repositoryTree(archives, [entry], treeOptions({ problems }))
    archives.opened.length = 0

    for (let time = 0; time < 2; time++) await expect(at(tree, 'x/a')).rejects.toSatisfy((error) => isBorgError(error))
    expect(archives.opened).toEqual(['x'])
    expect(problems).toHaveLength(1)
  })

  test('an archive that no folder can be named after is told of', async () => {
    const archives = new MemoryArchives()
    const problems: string[] = []
    const tree = repositoryTree(
      archives,
      [archives.archive('..', []), archives.archive('ok', [])],
      treeOptions({ problems }),
    )

    expect(await namesIn(tree, '')).toEqual(['ok'])
    expect(problems).toHaveLength(1)
  })
})

describe('versions', () => {
  const versioned = async (
    archives: MemoryArchives,
    entries: ReturnType<MemoryArchives['archive']>[],
    options: Parameters<typeof treeOptions>[0] = {},
  ): Promise<ReadOnlyTree> => await versionsTree(archives, entries, treeOptions(options))

  test('a file is a folder of its versions; unchanged content is no new one, and gets the newest attributes', async () => {
    const archives = new MemoryArchives()
    const file = (content: string, mode = 0o100644) =>
      item('dir/f.txt', { mode, chunks: [archives.chunk(content)], size: content.length })
    const entries = [
      archives.archive('1', [file('one')]),
      archives.archive('2', [file('one', 0o100600)]),
      archives.archive('3', [file('three')]),
      archives.archive('4', [file('one')]),
    ]

    const tree = await versioned(archives, entries)

    expect(await namesIn(tree, 'dir/f.txt')).toEqual(['f.00001.txt', 'f.00002.txt', 'f.00003.txt'])
    expect(tree.attributes(await at(tree, 'dir/f.txt/f.00001.txt')).mode).toBe(0o100600)
    expect(await text(tree, 'dir/f.txt/f.00002.txt')).toBe('three')
    expect(await text(tree, 'dir/f.txt/f.00003.txt')).toBe('one')
  })

  test('what has no content is in the folder under its own name', async () => {
    const archives = new MemoryArchives()
    const tree = await versioned(archives, [archives.archive('1', [item('s', { mode: 0o120777, source: 't' })])])

    expect(await namesIn(tree, 's')).toEqual(['s'])
    expect(await tree.linkTarget(await at(tree, 's/s'))).toEqual(encodeText('t'))
  })

  test('names of one file share the node of its version, in every archive', async () => {
    const archives = new MemoryArchives()
    const linked = () => [
      item('a', { chunks: [archives.chunk('x')], hardlinkMaster: true }),
      item('b', { source: 'a' }),
      item('c', { source: 'a' }),
    ]
    const tree = await versioned(archives, [archives.archive('1', linked()), archives.archive('2', linked())])

    expect(await namesIn(tree, 'b')).toEqual(['b.00001'])
    const node = await at(tree, 'a/a.00001')
    expect([await at(tree, 'b/b.00001'), await at(tree, 'c/c.00001')]).toEqual([node, node])
    expect(tree.attributes(node).links).toBe(3)
  })

  test('without the first name the others still share one', async () => {
    const archives = new MemoryArchives()
    const linked = [
      item('a', { chunks: [archives.chunk('x')], hardlinkMaster: true }),
      item('b', { source: 'a' }),
      item('c', { source: 'a' }),
    ]
    const tree = await versioned(archives, [archives.archive('1', linked)], { select: ({ path }) => path !== 'a' })

    expect(await at(tree, 'c/c.00001')).toBe(await at(tree, 'b/b.00001'))
    expect(await text(tree, 'c/c.00001')).toBe('x')
  })

  test('a link is not to a file of an older archive', async () => {
    const archives = new MemoryArchives()
    const problems: string[] = []
    const entries = [
      archives.archive('1', [item('a', { chunks: [archives.chunk('old')], hardlinkMaster: true })]),
      archives.archive('2', [item('b', { source: 'a' })]),
    ]

    await versioned(archives, entries, { problems })

    expect(problems).toEqual(['Skipping broken hard link: b -> a'])
  })

  test.each([
    ['report.txt', 'report.00002.txt'],
    ['archive.tar.gz', 'archive.tar.00002.gz'],
    ['README', 'README.00002'],
    ['.bashrc', '.bashrc.00002'],
    ['..a.b', '..a.00002.b'],
    ['...', '....00002'],
    ['trailing.', 'trailing.00002.'],
    ['n\udcff.x', 'n\udcff.00002.x'],
  ])('version 2 of %j is %j', (name, wanted) => {
    expect(decodeText(versionedName(encodeText(name), 2))).toBe(wanted)
  })
})
