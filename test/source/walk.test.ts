import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { nanoseconds } from '../../src/base/ids.ts'
import { encodeText } from '../../src/base/text.ts'
import { makeMatcher } from '../../src/patterns/matcher.ts'
import { parseExclude } from '../../src/patterns/parse.ts'
import { fileWarning } from '../../src/base/errno.ts'
import type { FileSystem, NativePath, Stat } from '../../src/platform/file-system.ts'
import { FolderChain } from '../../src/platform/folder-chain.ts'
import { openNodeFileSystem } from '../../src/platform/node-file-system.ts'
import { changedWhileRead } from '../../src/source/entry.ts'
import { FinishedRoots } from '../../src/source/finished-roots.ts'
import { walk } from '../../src/source/walk.ts'
import type { WalkStep } from '../../src/source/walk-step.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { everything, walkedItems } from './walked-items.ts'

const files = openNodeFileSystem()

/** Names of a walk in `folder`, which is cut from what is shown. */
function linesOf(folder: string, options: Parameters<typeof walkedItems>[1], fileSystem = files): readonly string[] {
  return walkedItems(fileSystem, options).lines.map((line) =>
    line.replaceAll(`${folder}/`, '').replaceAll(folder, 'ROOT'),
  )
}

describe('depth and width', () => {
  test('3000 levels, deeper than any path the system takes, and no more open folders than before', () => {
    const folder = fastFolder()
    deepen(folder, 3000)
    const before = nextDescriptor()

    const { items, lines } = walkedItems(files, { roots: [folder] })

    expect(items).toHaveLength(3001)
    expect(items.at(-1)?.path.length).toBeGreaterThan(6000)
    expect(lines.filter((line) => line.startsWith('d '))).toHaveLength(3001)
    expect(lines.at(-1)).toBe(`d ${folder}`)
    expect(nextDescriptor()).toBe(before)
  })

  test('100,000 names in a folder, in inode order', () => {
    const folder = fastFolder()
    for (let i = 0; i < 100_000; i++) closeSync(openSync(join(folder, `name-${i}`), 'w'))

    let previous = -1n
    let ordered = 0
    for (const step of walk(files, { roots: [folder], matcher: everything }, {})) {
      if (step.step !== 'entry' || step.entry.stat.kind !== 'file') continue
      if (step.entry.stat.inode > previous) ordered++
      previous = step.entry.stat.inode
    }

    expect(ordered).toBe(100_000)
  })
})

describe('what changes under the walk', () => {
  test('a file replaced between looking and opening is refused', () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'file'), 'honest')
    writeFileSync(join(folder, 'other'), 'secret')
    const [, entry] = entriesOf(folder, 'file')

    renameSync(join(folder, 'other'), join(folder, 'file'))

    expect(
      fileWarning(
        'file',
        failure(() => entry?.open?.()),
      ),
    ).toEqual({ code: 'BackupRaceConditionError', args: ['file'] })
  })

  test.each(['symlink', 'fifo'])('a file replaced by a %s is neither followed nor waited for', (kind) => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'file'), 'honest')
    const [, entry] = entriesOf(folder, 'file')

    unlinkSync(join(folder, 'file'))
    if (kind === 'symlink') symlinkSync('/etc/passwd', join(folder, 'file'))
    else files.createFifo(encodeText(join(folder, 'file')))

    const code = fileWarning(
      'file',
      failure(() => entry?.open?.()),
    )?.code
    expect(code).toBe(kind === 'fifo' ? 'BackupRaceConditionError' : 'BackupOSError')
  })

  test.runIf(process.platform === 'linux')(
    'a folder swapped for a symlink while we are in it does not lead elsewhere',
    () => {
      const folder = tempFolder()
      mkdirSync(join(folder, 'home'))
      writeFileSync(join(folder, 'home', 'a'), 'mine')
      mkdirSync(join(folder, 'root-only'))
      writeFileSync(join(folder, 'root-only', 'a'), 'somebody else, and longer')
      const sizes: number[] = []

      for (const step of walk(files, { roots: [join(folder, 'home')], matcher: everything }, {})) {
        if (step.step !== 'entry') continue
        if (step.entry.stat.kind === 'directory') {
          renameSync(join(folder, 'home'), join(folder, 'moved'))
          symlinkSync('root-only', join(folder, 'home'))
        } else sizes.push(step.entry.stat.size)
      }

      expect(sizes).toEqual([4])
    },
  )

  test('a folder that vanished is a warning, and the walk goes on', () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'a'))
    const told: string[] = []

    for (const step of walk(files, { roots: [folder], matcher: everything }, {})) {
      if (step.step === 'entry' && step.entry.path.endsWith(folder.slice(1)))
        rmSync(join(folder, 'a'), { recursive: true })
      if (step.step === 'warning') told.push(step.code)
      if (step.step === 'status') told.push(`${step.status} ${step.path.slice(folder.length)}`)
    }

    // Whether the name is still listed depends on when the folder is read; if it is, it must not stop anything.
    expect(told.at(-1)).toBe('d ')
  })
})

describe('roots', () => {
  test('the same file given twice is stored once, its other hard-linked name is not lost', () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'f'), 'x')
    linkSync(join(folder, 'f'), join(folder, 'g'))
    const roots = ['f', 'f', 'g', '.'].map((name) => join(folder, name))

    expect(linesOf(folder, { roots })).toEqual(['A f', 'h g', 'd ROOT'])
  })

  test('finished roots are remembered from walk to walk', () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'a'))
    const finished = new FinishedRoots()
    expect(linesOf(folder, { roots: [join(folder, 'a')], finished })).toEqual(['d a'])
    expect(linesOf(folder, { roots: [folder], finished })).toEqual(['d ROOT'])
  })

  test('folders on the skip list are passed over in silence', () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'repository/data'), { recursive: true })
    const skip = [files.lstat(encodeText(join(folder, 'repository')))]
    expect(linesOf(folder, { roots: [folder], skip })).toEqual(['d ROOT'])
  })
})

describe('one file system', () => {
  test('a mount point is stored, what is mounted is not', () => {
    // Devices differ in a wrapper: mounting needs privileges that test machines may not give.
    const folder = tempFolder()
    mkdirSync(join(folder, 'mounted/below'), { recursive: true })
    writeFileSync(join(folder, 'mounted/file'), '')
    const split: FileSystem = withStat(files, (stat) => (stat.inode === mounted ? { ...stat, device: 99n } : stat))
    const mounted = files.lstat(encodeText(join(folder, 'mounted'))).inode

    expect(linesOf(folder, { roots: [folder], oneFileSystem: true }, split)).toEqual(['d mounted', 'd ROOT'])
    expect(linesOf(folder, { roots: [folder] }, split)).toContain('d mounted/below')
    expect(linesOf(folder, { roots: [join(folder, 'mounted')], oneFileSystem: true }, split)).toContain('d mounted')
  })
})

describe('what is excluded', () => {
  test('is not even looked at when its folder is not to be entered', () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'dead-mount'))
    const looked: string[] = []
    const watched = withStat(files, (stat, path) => {
      looked.push(path)
      return stat
    })

    const matcher = makeMatcher([parseExclude(`${folder}/dead-mount`)], 'include')
    const lines = linesOf(folder, { roots: [folder], matcher }, watched)

    expect(lines).toEqual(['x dead-mount', 'd ROOT'])
    expect(looked.some((path) => path.endsWith('dead-mount'))).toBe(false)
  })
})

test('a folder whose item could not be stored still has its children walked, and ends in E', () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'a'))
  writeFileSync(join(folder, 'a/b'), '')
  const steps: string[] = []
  for (const step of walk(files, { roots: [join(folder, 'a')], matcher: everything }, {})) {
    if (step.step === 'entry') {
      steps.push(step.entry.fileName)
      if (step.entry.stat.kind === 'directory') step.entry.markFailed()
    } else if (step.step === 'status') steps.push(step.status)
  }
  expect(steps).toEqual([join(folder, 'a'), 'b', 'E'])
})

test('stopping early or aborting closes every folder', () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'a/b/c/d'), { recursive: true })
  const before = nextDescriptor()
  for (const step of walk(files, { roots: [folder], matcher: everything }, {})) {
    if (step.step === 'entry' && step.entry.fileName === 'c') break
  }
  expect(nextDescriptor()).toBe(before)

  const controller = new AbortController()
  const aborted = (): void => {
    for (const step of walk(files, { roots: [folder], matcher: everything }, { signal: controller.signal })) {
      if (step.step === 'entry' && step.entry.fileName === 'b') controller.abort()
    }
  }
  expect(aborted).toThrow('aborted')
  expect(nextDescriptor()).toBe(before)
})

test('works the same without system calls, order included', () => {
  const folder = tempFolder()
  for (const name of ['z', 'a', 'm', 'k']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'z', 'in z'), '')
  const bare = openNodeFileSystem({ syscalls: false })
  expect(linesOf(folder, { roots: [folder] }, bare)).toEqual(linesOf(folder, { roots: [folder] }))
})

test('a change while reading is told by the chosen time, or not at all', () => {
  const before = { changed: nanoseconds(1n), modified: nanoseconds(1n) } as Stat
  const touched = { ...before, changed: nanoseconds(2n) }
  expect(changedWhileRead(before, touched, 'ctime')).toBe(true)
  expect(changedWhileRead(before, touched, 'mtime')).toBe(false)
  expect(changedWhileRead(before, { ...before, modified: nanoseconds(2n) }, 'mtime')).toBe(true)
  expect(changedWhileRead(before, touched, 'disabled')).toBe(false)
})

function entriesOf(folder: string, last: string): readonly (WalkStep & { step: 'entry' })['entry'][] {
  const entries: (WalkStep & { step: 'entry' })['entry'][] = []
  const steps = walk(files, { roots: [folder], matcher: everything }, {})
  // Left where it stands: an entry can be opened until the walk goes on.
  for (let next = steps.next(); !next.done; next = steps.next()) {
    if (next.value.step !== 'entry') continue
    const { entry } = next.value
    entries[entry.stat.kind === 'directory' ? 0 : 1] = entry
    if (entry.fileName === last) break
  }
  onTestFinished(() => void steps.return())
  return entries
}

function withStat(inner: FileSystem, change: (stat: Stat, path: string) => Stat): FileSystem {
  return new Proxy(inner, {
    get(target, key) {
      if (key === 'lstat')
        return (path: NativePath) =>
          change(target.lstat(path), Buffer.from(path instanceof Uint8Array ? path : path.name).toString())
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function failure(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('did not fail')
}

/** In memory where there is such a place: disks are slow with deep and wide folders. */
function fastFolder(): string {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tsborg-test-'))
  // Node's rm gives up on paths this long.
  onTestFinished(() => void execFileSync('rm', ['-rf', folder]))
  return folder
}

function deepen(folder: string, levels: number): void {
  const name = encodeText('d')
  using chain = new FolderChain(files, files.openForBackup(encodeText(folder), { folder: true }))
  for (let i = 0; i < levels; i++) {
    files.createFolder(chain.pathOf(name))
    chain.enter(name)
  }
}

function nextDescriptor(): number {
  const descriptor = openSync('/', 'r')
  closeSync(descriptor)
  return descriptor
}
