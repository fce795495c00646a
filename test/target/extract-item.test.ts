import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { EngineEvent } from '../../src/base/events.ts'
import { type ItemPath, manifestId, nanoseconds } from '../../src/base/ids.ts'
import { encodeText } from '../../src/base/text.ts'
import type { Item } from '../../src/archive/item.ts'
import { fileWarning } from '../../src/base/errno.ts'
import type { NativePath } from '../../src/platform/file-system.ts'
import { openNodeFileSystem } from '../../src/platform/node-file-system.ts'
import { type ExtractTarget, openExtraction } from '../../src/target/extraction.ts'
import { extractItem, restoreFolder } from '../../src/target/extract-item.ts'
import { tempFolder } from '../support/temp-folder.ts'

const files = openNodeFileSystem()
const time = nanoseconds(1_500_000_000_123_456_789n)

function item(path: string, mode: number, more: Partial<Item> = {}): Item {
  return { path: path as ItemPath, mode, modified: time, ...more }
}
/** Without write permission: root still gets in, others could not clean up. */
const closed = files.isRoot ? 0o555 : 0o755
const file = (path: string, more: Partial<Item> = {}): Item => item(path, 0o100644, { hardlinkMaster: false, ...more })
const folder = (path: string, mode = 0o755): Item => item(path, 0o040000 | mode)
const symlink = (path: string, source: string): Item => item(path, 0o120777, { source })
const hardlink = (path: string, source: string): Item => item(path, 0o100644, { source })
const master = (path: string): Item => file(path, { hardlinkMaster: true })

async function* chunks(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? encodeText(part) : part
}

interface Told {
  /** Warnings by path. */
  readonly problems: readonly string[]
  readonly events: readonly EngineEvent[]
}

/** Extracts as the operation will: every item in order, folders' attributes last, deepest first. */
async function extractAll(
  root: string,
  items: readonly (Item | { readonly skip: Item })[],
  options: Partial<ExtractTarget> = {},
  contentOf: (item: Item) => AsyncIterable<Uint8Array> = (given) => chunks(`content of ${given.path}`),
): Promise<Told> {
  const problems: string[] = []
  const events: EngineEvent[] = []
  const note = (given: Item, error: unknown): void => {
    const warning = fileWarning(given.path, error)
    if (warning === undefined) throw error
    problems.push([warning.code, ...warning.args].join(': '))
  }
  const target = { files, root: encodeText(root), sparse: false, numericIds: false, ...options }
  using extraction = openExtraction(target, { onEvent: (event) => events.push(event) })
  const folders: Item[] = []
  for (const entry of items) {
    if ('skip' in entry) {
      extraction.links.passOver(entry.skip)
      continue
    }
    const resolved = extraction.links.resolve(entry)
    try {
      await extractItem(extraction, resolved, contentOf(resolved))
      if ((entry.mode & 0o170000) === 0o040000) folders.push(entry)
    } catch (error) {
      note(entry, error)
    }
  }
  for (const given of folders.reverse()) {
    try {
      restoreFolder(extraction, given)
    } catch (error) {
      note(given, error)
    }
  }
  return { problems, events }
}

/** The destination inside a folder with things that must stay as they are. */
function guarded(): { readonly inside: string; readonly outside: string } {
  const base = tempFolder()
  const inside = join(base, 'inside')
  const outside = join(base, 'outside')
  mkdirSync(inside)
  mkdirSync(outside)
  writeFileSync(join(outside, 'precious'), 'precious')
  return { inside, outside }
}

function untouched({ outside }: { readonly outside: string }): void {
  expect(readdirSync(outside)).toEqual(['precious'])
  expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('precious')
  expect(lstatSync(join(outside, 'precious')).nlink).toBe(1)
}

describe('hostile archives', () => {
  test.each(['../outside/precious', 'a/../../outside/precious', '..', 'a/..', '/etc/tsborg-was-here', '//x'])(
    'the path %j is refused',
    async (path) => {
      const place = guarded()
      const { problems } = await extractAll(place.inside, [file(path), folder(path), symlink(path, 'x')])

      expect(problems).toEqual(Array(3).fill(`BackupPathTraversalError: ${path}`))
      untouched(place)
      expect(readdirSync(place.inside)).toEqual([])
      expect(existsSync('/etc/tsborg-was-here')).toBe(false)
    },
  )

  test('a symlink planted by the archive is not written through', async () => {
    const place = guarded()
    const { problems } = await extractAll(place.inside, [
      symlink('door', '../outside'),
      file('door/precious'),
      folder('door/new'),
      file('door/deep/er/new'),
      hardlink('door/link', 'door/precious'),
    ])

    expect(problems.slice(0, 3).map((line) => line.split(':')[0])).toEqual(Array(3).fill('BackupSymlinkParentError'))
    expect(problems).toHaveLength(4)
    untouched(place)
  })

  test('a folder exchanged for a symlink by a later item is not written through', async () => {
    const place = guarded()
    const { problems } = await extractAll(place.inside, [
      folder('door'),
      file('door/one'),
      folder('empty'),
      symlink('empty', '../outside'),
      file('empty/precious'),
      symlink('door', '../outside'),
      file('door/two'),
    ])

    untouched(place)
    // The folder with content stays a folder; so the file after it is a good one.
    expect(readdirSync(join(place.inside, 'door')).sort()).toEqual(['one', 'two'])
    expect(problems).toEqual([
      'BackupSymlinkParentError: empty/precious',
      expect.stringMatching(/^BackupOSError: door: symlink: \[Errno 17\] File exists/),
      // Its attributes would land where the symlink leads.
      expect.stringMatching(/^BackupSymlinkParentError: empty/),
    ])
  })

  test('a symlink that stood there before is not written through either', async () => {
    const place = guarded()
    symlinkSync('../outside', join(place.inside, 'door'))
    const { problems } = await extractAll(place.inside, [file('door/precious')])

    expect(problems).toEqual(['BackupSymlinkParentError: door/precious'])
    untouched(place)
  })

  test('a symlink that comes between looking at a folder and entering it is not written through', async () => {
    const place = guarded()
    mkdirSync(join(place.inside, 'door'))
    const racing = new Proxy(files, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (key !== 'lstat') return typeof value === 'function' ? value.bind(target) : value
        return (path: NativePath) => {
          const found = target.lstat(path)
          if (found.kind === 'directory') {
            rmSync(join(place.inside, 'door'), { recursive: true, force: true })
            symlinkSync('../outside', join(place.inside, 'door'))
          }
          return found
        }
      },
    })

    const { problems } = await extractAll(place.inside, [file('door/precious')], { files: racing })

    expect(problems).toEqual([expect.stringMatching(/^BackupOSError: door\/precious: makedirs: /)])
    untouched(place)
  })

  test('a symlink at the target is replaced, not followed, by every kind of item', async () => {
    const place = guarded()
    const kinds: readonly Item[] = [file('x'), folder('x'), symlink('x', 'elsewhere'), item('x', 0o010644)]
    for (const given of kinds) {
      rmSync(join(place.inside, 'x'), { recursive: true, force: true })
      symlinkSync('../outside/precious', join(place.inside, 'x'))
      const { problems } = await extractAll(place.inside, [given])
      expect(problems).toEqual([])
      untouched(place)
    }
  })

  test.each(['../outside/precious', '/etc/passwd', 'door/precious', 'there-before', 'a/../../outside/precious'])(
    'a hard link to %j, which the archive did not bring, is refused',
    async (source) => {
      const place = guarded()
      symlinkSync('../outside', join(place.inside, 'door'))
      writeFileSync(join(place.inside, 'there-before'), 'mine')
      const passwordLinks = statSync('/etc/passwd').nlink

      const { problems } = await extractAll(place.inside, [hardlink('name', source)])

      expect(problems).toEqual(['BackupHardlinkSourceError: name'])
      expect(existsSync(join(place.inside, 'name'))).toBe(false)
      expect(statSync('/etc/passwd').nlink).toBe(passwordLinks)
      untouched(place)
    },
  )

  test('a first name exchanged for a symlink, or moved behind one, is not linked to', async () => {
    const place = guarded()
    const { problems } = await extractAll(place.inside, [
      master('first'),
      symlink('first', '../outside/precious'),
      hardlink('second', 'first'),
      master('d/third'),
      folder('d'),
      hardlink('fourth', 'd/third'),
    ])
    expect(problems).toEqual(['BackupHardlinkSourceError: second'])
    expect(statSync(join(place.inside, 'fourth')).nlink).toBe(2)
    untouched(place)

    const target = { files, root: encodeText(place.inside), sparse: false, numericIds: false }
    using extraction = openExtraction(target)
    const first = extraction.links.resolve(master('e/precious'))
    await extractItem(extraction, first, chunks(''))
    extraction.folders.goTo([], { create: false, shown: '' })
    renameSync(join(place.inside, 'e'), join(place.inside, 'f'))
    symlinkSync('../outside', join(place.inside, 'e'))
    const linked = extractItem(extraction, hardlink('fifth', 'e/precious'), chunks())
    await expect(linked).rejects.toMatchObject({ code: 'BackupHardlinkSourceError' })
    untouched(place)
  })

  test('null bytes and unknown types are refused', async () => {
    const place = guarded()
    const { problems } = await extractAll(place.inside, [file('a\0b'), symlink('c', 'd\0e'), item('f', 0o140644)])
    expect(problems.map((line) => line.split(':')[0])).toEqual(['BackupError', 'BackupError', 'BackupError'])
    expect(readdirSync(place.inside)).toEqual([])
  })
})

describe('what is there already', () => {
  test('files and links go, folders with content stay and are merged', async () => {
    const root = tempFolder()
    writeFileSync(join(root, 'old'), 'old content, longer than the new')
    linkSync(join(root, 'old'), join(root, 'bystander'))
    mkdirSync(join(root, 'full/kept'), { recursive: true })
    mkdirSync(join(root, 'hollow'))
    writeFileSync(join(root, 'was-file'), '')
    const { problems } = await extractAll(root, [
      file('old'),
      folder('full'),
      file('full/new'),
      file('hollow'),
      folder('was-file'),
      file('was-file/in'),
    ])

    expect(problems).toEqual([])
    expect(readFileSync(join(root, 'old'), 'utf8')).toBe('content of old')
    // The other name of the old file keeps the old content: a new file was made, not the old one overwritten.
    expect(readFileSync(join(root, 'bystander'), 'utf8')).toBe('old content, longer than the new')
    expect(readdirSync(join(root, 'full')).sort()).toEqual(['kept', 'new'])
    expect(statSync(join(root, 'hollow')).isFile()).toBe(true)
    expect(readdirSync(join(root, 'was-file'))).toEqual(['in'])
  })

  test("a folder with content in the way of a file is told in borg's words", async () => {
    const root = tempFolder()
    mkdirSync(join(root, 'na/sub'), { recursive: true })
    writeFileSync(join(root, 'flat'), '')
    const { problems } = await extractAll(root, [file('na'), file('flat/below')])
    expect(problems).toEqual([
      `BackupOSError: na: open: [Errno 21] Is a directory: '${root}/na'`,
      `BackupOSError: flat/below: makedirs: [Errno 20] Not a directory: '${root}/flat/below'`,
    ])
  })

  test('extracting twice gives the same', async () => {
    const root = tempFolder()
    const items = [
      folder('d', closed),
      master('d/a'),
      hardlink('d/b', 'd/a'),
      symlink('d/s', 'a'),
      item('d/p', 0o010640),
    ]
    expect((await extractAll(root, items)).problems).toEqual([])
    expect((await extractAll(root, items)).problems).toEqual([])
    expect(readdirSync(join(root, 'd')).sort()).toEqual(['a', 'b', 'p', 's'])
    expect(statSync(join(root, 'd/a')).ino).toBe(statSync(join(root, 'd/b')).ino)
  })
})

describe('hard links', () => {
  const names = (root: string): readonly (readonly string[])[] => {
    const groups = new Map<number, string[]>()
    for (const name of readdirSync(root).sort()) {
      const { ino } = lstatSync(join(root, name))
      groups.set(ino, [...(groups.get(ino) ?? []), name])
    }
    return [...groups.values()]
  }
  const chunk = { id: manifestId, size: 3, storedSize: 5 }

  test('are names of one file', async () => {
    const root = tempFolder()
    await extractAll(root, [master('a'), hardlink('b', 'a'), hardlink('c', 'a')])
    expect(names(root)).toEqual([['a', 'b', 'c']])
  })

  test('without the first name, the first selected one gets its content and the others link to that', async () => {
    const root = tempFolder()
    const first = { ...master('a'), chunks: [chunk], size: 3 }
    const asked: Item[] = []
    const { problems } = await extractAll(
      root,
      [{ skip: first }, { skip: hardlink('b', 'a') }, hardlink('c', 'a'), hardlink('d', 'a')],
      {},
      (given) => {
        asked.push(given)
        return chunks('abc')
      },
    )

    expect(problems).toEqual([])
    expect(asked[0]?.chunks).toEqual([chunk])
    expect(names(root)).toEqual([['c', 'd']])
    expect(readFileSync(join(root, 'd'), 'utf8')).toBe('abc')
  })

  test('work for FIFOs, and for devices whose number only the first name has', async () => {
    const root = tempFolder()
    const { problems } = await extractAll(root, [
      item('p', 0o010600, { hardlinkMaster: true }),
      item('q', 0o010600, { source: 'p' }),
      { skip: item('null', 0o020666, { hardlinkMaster: true, rawDevice: 0x103 }) },
      ...(files.isRoot ? [item('zero', 0o020666, { source: 'null' })] : []),
    ])
    expect(problems).toEqual([])
    expect(names(root)[0]).toEqual(['p', 'q'])
    if (files.isRoot) expect(lstatSync(join(root, 'zero')).rdev).toBe(0x103)
  })

  test('of a file with damaged content are made: what there is of it is there', async () => {
    const root = tempFolder()
    const { problems } = await extractAll(root, [{ ...master('a'), chunksHealthy: [] }, hardlink('b', 'a')])
    expect(problems).toHaveLength(1)
    expect(names(root)).toEqual([['a', 'b']])
  })

  test('of a first name that failed fail, too, and do not pick up what stood there', async () => {
    const root = tempFolder()
    mkdirSync(join(root, 'a/full'), { recursive: true })
    const { problems } = await extractAll(root, [master('a'), hardlink('b', 'a')])
    expect(problems[1]).toBe(`BackupFileNotFoundError: b: link: [Errno 2] No such file or directory: '${root}/b'`)
    expect(existsSync(join(root, 'b'))).toBe(false)
  })

  test('to themselves, as create writes them for a root given twice, change nothing', async () => {
    const root = tempFolder()
    const { problems } = await extractAll(root, [master('a'), hardlink('a', 'a')])
    expect(problems).toEqual([])
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('content of a')
  })
})

describe('stripped components', () => {
  test('are cut from paths and from hard link sources, and short paths vanish', async () => {
    const root = tempFolder()
    const { problems } = await extractAll(
      root,
      [
        folder('a'),
        master('a/top'),
        folder('a/b'),
        master('a/b/one'),
        hardlink('a/b/two', 'a/b/one'),
        hardlink('a/b/x', 'a/top'),
      ],
      { stripComponents: 2 },
    )
    expect(problems).toEqual([])
    expect(readdirSync(root).sort()).toEqual(['one', 'two', 'x'])
    expect(statSync(join(root, 'one')).ino).toBe(statSync(join(root, 'two')).ino)
  })
})

describe('content', () => {
  test('that is zeros becomes holes only when sparse', async () => {
    const root = tempFolder()
    const zeros = new Uint8Array(1 << 20)
    const content = (): AsyncIterable<Uint8Array> => chunks('start', zeros, 'end', zeros, zeros)
    await extractAll(root, [file('sparse')], { sparse: true }, content)
    await extractAll(root, [file('full')], { sparse: false }, content)

    expect(readFileSync(join(root, 'sparse')).equals(readFileSync(join(root, 'full')))).toBe(true)
    expect(statSync(join(root, 'sparse')).size).toBe(5 + 3 + 3 * (1 << 20))
    expect(statSync(join(root, 'sparse')).blocks).toBeLessThan(statSync(join(root, 'full')).blocks / 10)
  })

  test('that a repair replaced, or of the wrong size, is written and told', async () => {
    const root = tempFolder()
    const { problems } = await extractAll(root, [
      file('damaged', { chunksHealthy: [] }),
      file('short', { size: 999 }),
      file('fine', { size: 15 }),
    ])
    expect(problems).toEqual([
      'BackupError: damaged: File has damaged (all-zero) chunks. Try running borg check --repair.',
      'BackupError: short: Size inconsistency detected: size 999, chunks size 16',
    ])
    expect(readdirSync(root).sort()).toEqual(['damaged', 'fine', 'short'])
  })

  test('that the repository cannot give ends the extraction with its own error', async () => {
    const root = tempFolder()
    const broken = Object.assign(new Error('ENOSPC of the repository'), { code: 'ENOSPC' })
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield encodeText('part')
      throw broken
    }
    await expect(extractAll(root, [file('f')], {}, failing)).rejects.toBe(broken)
  })

  test('is not asked for by anything but files', async () => {
    const root = tempFolder()
    const refuse = (): AsyncIterable<Uint8Array> => ({
      [Symbol.asyncIterator]: () => {
        throw new Error('read')
      },
    })
    const { problems } = await extractAll(root, [folder('d'), symlink('s', 'd'), item('p', 0o010600)], {}, refuse)
    expect(problems).toEqual([])
  })
})

describe('metadata', () => {
  test('times are exact, on links too; folders keep theirs although filled later', async () => {
    const root = tempFolder()
    const accessed = nanoseconds(1_400_000_000_000_000_001n)
    await extractAll(root, [
      { ...folder('d', closed), accessed },
      { ...folder('d/e', closed), accessed },
      file('d/e/f', { accessed }),
      symlink('d/s', 'e'),
    ])

    for (const name of ['d', 'd/e', 'd/e/f', 'd/s']) {
      const found = lstatSync(join(root, name), { bigint: true })
      expect([name, found.mtimeNs]).toEqual([name, time])
    }
    expect(lstatSync(join(root, 'd/e/f'), { bigint: true }).atimeNs).toBe(accessed)
    expect(lstatSync(join(root, 'd/s'), { bigint: true }).atimeNs).toBe(time)
    expect(statSync(join(root, 'd')).mode & 0o7777).toBe(closed)
    expect(readlinkSync(join(root, 'd/s'))).toBe('e')
  })

  test.runIf(files.isRoot)('owners come by name, by number when asked or unknown; set-id bits survive', async () => {
    const root = tempFolder()
    const owner = { user: 'daemon', group: 'daemon', uid: 4711, gid: 4712 }
    const daemon = files.userId('daemon')
    await extractAll(root, [item('named', 0o106755, { ...owner, hardlinkMaster: false })])
    await extractAll(root, [file('numbered', owner)], { numericIds: true })
    await extractAll(root, [
      file('unknown', { ...owner, user: 'nobody here', group: null }),
      { ...symlink('l', 'x'), ...owner },
    ])

    expect(statSync(join(root, 'named'))).toMatchObject({ uid: daemon, mode: 0o106755 })
    expect(statSync(join(root, 'numbered'))).toMatchObject({ uid: 4711, gid: 4712 })
    expect(statSync(join(root, 'unknown'))).toMatchObject({ uid: 4711, gid: 4712 })
    expect(lstatSync(join(root, 'l')).uid).toBe(daemon)
  })

  test("an attribute that cannot be set is a warning in borg's words, and the file is extracted", async () => {
    const root = tempFolder()
    const big = new Uint8Array(60_000)
    const xattrs = new Map([
      ['nonsense', encodeText('x')],
      ['user.good', encodeText('y')],
      ['user.big', big],
    ])
    const { problems, events } = await extractAll(root, [file('f', { xattrs })])

    expect(problems).toEqual([])
    const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.args.join()] : []))
    expect(warnings[0]).toBe("when setting extended attribute nonsense: [Errno 95] Operation not supported: 'f'")
    // Not every file system is too small for it.
    for (const warning of warnings.slice(1)) {
      expect(warning).toMatch(
        /^when setting extended attribute user\.big: (too big for this filesystem|fs full or xattr too big\? \[xattr len = 60000\]) \(/,
      )
    }
    expect(files.readExtendedAttributes(encodeText(join(root, 'f'))).has('user.good')).toBe(true)
  })

  test('options leave attributes, ACLs and flags out', async () => {
    const root = tempFolder()
    const given = file('f', {
      xattrs: new Map([['user.x', encodeText('y')]]),
      aclAccess: encodeText('user::rw-\nuser:0:r--:0\ngroup::r--\nmask::r--\nother::r--'),
      bsdflags: 1,
    })
    await extractAll(root, [given], { noXattrs: true, noAcls: true, noFlags: true })
    const place = encodeText(join(root, 'f'))
    using open = files.openForBackup(place)
    const stat = files.lstat(place)
    expect(files.readExtendedAttributes(place).size).toBe(0)
    expect(files.readAcl(place, stat, { numericIds: true })).toBeUndefined()
    expect(files.readFlags(open, stat)).toBe(0)
  })

  test('the destination itself takes the attributes of the item "."', async () => {
    const root = tempFolder()
    await extractAll(root, [folder('.', 0o751), file('./a')])
    expect(statSync(root).mode & 0o7777).toBe(0o751)
    expect(statSync(root, { bigint: true }).mtimeNs).toBe(time)
    expect(readdirSync(root)).toEqual(['a'])
  })
})

test('3000 levels deep', async () => {
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tsborg-test-'))
  onTestFinished(() => void execFileSync('rm', ['-rf', root]))
  const items: Item[] = []
  for (let path = 'd', depth = 0; depth < 3000; path += '/d', depth++) items.push(folder(path, 0o750))

  const { problems } = await extractAll(root, [...items, file(`${items.at(-1)?.path}/leaf`)])

  expect(problems).toEqual([])
  const found = spawnSync('find', [root, '-perm', '750', '-type', 'd'], { encoding: 'utf8', maxBuffer: 1 << 26 })
  expect(found.stdout.trim().split('\n')).toHaveLength(3000)
})

test('leaves nothing open', async () => {
  const root = tempFolder()
  const openFiles = (): number => readdirSync('/proc/self/fd').length
  const before = openFiles()
  await extractAll(root, [
    folder('a'),
    file('a/b/c/d'),
    symlink('l', 'a'),
    file('l/x'),
    master('m'),
    hardlink('n', 'm'),
  ])
  expect(openFiles()).toBe(before)
})
