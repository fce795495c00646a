/**
 * What we read from a tree is what real borg reads from it: same items, same fields, same order, same list lines.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { encodeText, printableText } from '../../src/base/text.ts'
import type { Item } from '../../src/archive/item.ts'
import { makeMatcher, type Matcher } from '../../src/patterns/matcher.ts'
import { parseExclude, parsePatternLine } from '../../src/patterns/parse.ts'
import { openNodeFileSystem } from '../../src/platform/node-file-system.ts'
import type { MetadataOptions } from '../../src/source/metadata.ts'
import type { WalkOptions } from '../../src/source/walk-step.ts'
import { makeOddTree } from '../source/odd-tree.ts'
import { walkedItems } from '../source/walked-items.ts'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'

const files = openNodeFileSystem()

interface Case {
  readonly title: string
  readonly flags: readonly string[]
  readonly roots: readonly string[]
  readonly walk?: Partial<Omit<WalkOptions, 'roots'>>
  readonly metadata?: MetadataOptions
  /** Borg 1.2 does it otherwise. */
  readonly from14?: boolean
}

const rules = (...lines: readonly string[]): { readonly matcher: Matcher } => ({
  matcher: makeMatcher(
    lines.map((line) => {
      const parsed = parsePatternLine(line, 'sh')
      if (parsed.kind !== 'rule') throw new Error(line)
      return parsed.pattern
    }),
    'include',
  ),
})

const cases: readonly Case[] = [
  { title: 'everything there is', flags: [], roots: ['tree'] },
  { title: 'access times', flags: ['--atime'], roots: ['tree'], metadata: { atime: true } },
  {
    title: 'numbers only, and nothing optional',
    flags: ['--numeric-ids', '--noctime', '--noacls', '--noxattrs', '--noflags'],
    roots: ['tree'],
    metadata: { numericIds: true, noCtime: true, noAcls: true, noXattrs: true, noFlags: true },
  },
  { title: 'ACLs by number', flags: ['--numeric-ids'], roots: ['tree'], metadata: { numericIds: true } },
  { title: 'roots in odd spelling', flags: [], roots: ['./tree/../tree//folder/.', 'tree/plain', 'rules/one/'] },
  {
    title: 'a root twice, and a root below another',
    flags: [],
    roots: ['rules/one', 'rules/one', 'rules', 'rules/two'],
  },
  {
    title: 'roots that are not there',
    flags: [],
    roots: ['nothing', 'rules/one', 'rules/none', 'nowhere/at/all'],
    from14: true,
  },
  {
    title: 'a stripped prefix',
    flags: [],
    roots: ['rules/./one/sub', 'rules/two/./d', 'rules/./marked'],
    from14: true,
  },
  { title: 'no nodump', flags: ['--exclude-nodump'], roots: ['tree'], walk: { excludeNodump: true } },
  {
    title: 'an excluded folder with something included below',
    flags: ['--pattern', '+ rules/one/sub/keep', '--pattern', '- rules/one', '--pattern', '! rules/two'],
    roots: ['rules'],
    walk: rules('+ rules/one/sub/keep', '- rules/one', '! rules/two'),
  },
  {
    title: 'an excluded root',
    flags: ['-e', 'rules/one', '-e', '*.tmp'],
    roots: ['rules/one', 'rules'],
    walk: { matcher: makeMatcher([parseExclude('rules/one'), parseExclude('*.tmp')], 'include') },
  },
  {
    title: 'tagged folders left out',
    flags: ['--exclude-caches', '--exclude-if-present', '.nobackup', '--exclude-if-present', 'also'],
    roots: ['rules'],
    walk: { excludeCaches: true, excludeIfPresent: ['.nobackup', 'also'] },
  },
  {
    title: 'tagged folders with only their tags',
    flags: [
      '--exclude-caches',
      '--exclude-if-present',
      '.nobackup',
      '--exclude-if-present',
      'also',
      '--keep-exclude-tags',
    ],
    roots: ['rules'],
    walk: { excludeCaches: true, excludeIfPresent: ['.nobackup', 'also'], keepExcludeTags: true },
  },
  { title: 'a dry run', flags: ['--dry-run'], roots: ['tree'], walk: { dryRun: true } },
]

for (const borg of findBorgs()) {
  describe(`borg ${borg.version}`, () => {
    const world = new BorgWorld()
    const home = process.cwd()
    let release = (): void => undefined

    beforeAll(async () => {
      ;({ release } = await makeOddTree(world.path('tree')))
      makeRulesTree(world.path('rules'))
      world.must(borg.command, ['init', '-e', 'none', 'repo'])
      process.chdir(world.folder)
    })
    afterAll(() => {
      process.chdir(home)
      release()
      world.remove()
    })

    for (const [number, { title, flags, roots, walk, metadata, from14 }] of cases.entries()) {
      if (from14 && borg.version.startsWith('1.2')) {
        console.warn(`SKIPPED for borg ${borg.version}, which does it otherwise: ${title}`)
        continue
      }
      test(`${title}: same items, same lines`, () => {
        const archive = `repo::a${number}`
        const run = world.run(borg.command, ['create', '--list', '--files-cache=disabled', ...flags, archive, ...roots])
        const ours = walkedItems(files, { roots, ...walk }, metadata)

        expect(ours.lines.flatMap((line) => printedLine(line, walk)).join('')).toBe(run.stderr)
        if (!walk?.dryRun) {
          const theirs = world.must(borg.command, ['debug', 'dump-archive', archive, '-']).stdout
          expect(ours.items.map(dumped)).toEqual(readDump(theirs))
          expect(ours.items.length).toBeGreaterThan(0)
        }
      })
    }

    test('exact paths are stored without what is below, in any case', () => {
      const paths = ['rules/one', 'tree/plain', '', 'tree/socket-kept', 'no/such', 'tree/plain']
      const run = world.run(
        borg.command,
        ['create', '--list', '--files-cache=disabled', '--paths-from-stdin', 'repo::exact'],
        {
          input: `${paths.join('\n')}\n`,
        },
      )
      const ours = walkedItems(files, { roots: paths, exactPaths: true })

      expect(ours.lines.flatMap((line) => printedLine(line)).join('')).toBe(run.stderr)
      expect(ours.items.map(dumped)).toEqual(
        readDump(world.must(borg.command, ['debug', 'dump-archive', 'repo::exact', '-']).stdout),
      )
    })

    test('--read-special stores devices, also behind symlinks, as files', () => {
      if (process.geteuid?.() !== 0) {
        console.warn('SKIPPED: devices need root')
        return
      }
      symlinkSync('../tree/null-device', 'rules/device-link')
      const roots = ['tree/null-device', 'rules/device-link', 'tree/plain', 'tree/link']
      const ours = walkedItems(files, { roots, readSpecial: true })
      world.must(borg.command, ['create', '--read-special', 'repo::special', ...roots])

      expect(ours.items.map(dumped)).toEqual(
        readDump(world.must(borg.command, ['debug', 'dump-archive', 'repo::special', '-']).stdout),
      )
    })
  })
}

function makeRulesTree(root: string): void {
  mkdirSync(`${root}/one/sub/keep`, { recursive: true })
  mkdirSync(`${root}/two`)
  mkdirSync(`${root}/cache`)
  mkdirSync(`${root}/marked/.nobackup/inner`, { recursive: true })
  for (const name of [
    'one/a',
    'one/a.tmp',
    'one/sub/b',
    'one/sub/keep/c',
    'two/d',
    'cache/e',
    'marked/f',
    'marked/also',
  ])
    writeFileSync(`${root}/${name}`, name)
  writeFileSync(`${root}/marked/.nobackup/inner/g`, 'g')
  writeFileSync(`${root}/cache/CACHEDIR.TAG`, 'Signature: 8a477f597d28d172789f06886806bc55\n# by a test\n')
  writeFileSync(`${root}/one/CACHEDIR.TAG`, 'Signature: none\n')
}

/** What borg prints for one of our lines. */
function printedLine(line: string, walk?: Partial<Omit<WalkOptions, 'roots'>>): readonly string[] {
  const problem = /^Backup\w+: (.*)$/s.exec(line)
  const text = problem?.[1] ?? line
  const status = walk?.dryRun && problem === null ? text.replace(/^[^x] /, '- ') : text
  return [`${printableText(status)}\n`]
}

/** An item as `borg debug dump-archive` shows it, numbers as text, content reduced to its size. */
function dumped(item: Item): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {
    path: shown(item.path),
    mode: String(item.mode),
    uid: String(item.uid),
    gid: String(item.gid),
    user: item.user === null ? null : shown(item.user ?? ''),
    group: item.group === null ? null : shown(item.group ?? ''),
    mtime: String(item.modified),
    ctime: item.changed === undefined ? undefined : String(item.changed),
    atime: item.accessed === undefined ? undefined : String(item.accessed),
    size: item.size === undefined ? undefined : String(item.size),
    source: item.source === undefined ? undefined : shown(item.source),
    hardlink_master: item.hardlinkMaster,
    rdev: item.rawDevice === undefined ? undefined : String(item.rawDevice),
    bsdflags: item.bsdflags === undefined ? undefined : String(item.bsdflags),
    acl_access: item.aclAccess && shownBytes(item.aclAccess),
    acl_default: item.aclDefault && shownBytes(item.aclDefault),
    xattrs:
      item.xattrs &&
      Object.fromEntries(
        [...item.xattrs].map(([name, value]) => [shown(name), value.length === 0 ? null : shownBytes(value)]),
      ),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function shown(text: string): string {
  return shownBytes(encodeText(text))
}

/** Text where the bytes are UTF-8, else DEL and hex. */
function shownBytes(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) && bytes[0] !== 0x7f ? text : `\x7f${toHex(bytes)}`
}

function readDump(json: string): readonly Readonly<Record<string, unknown>>[] {
  const exact = json.replace(/^(\s+"\w+": )(-?\d+)(,?)$/gm, '$1"$2"$3')
  const dump = JSON.parse(exact) as { _items: readonly Record<string, unknown>[] }
  return dump._items.map(({ chunks: _, ...item }) => item)
}
