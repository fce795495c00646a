/**
 * Every case of fixtures/cli/format-vectors.json: what borg 1.4.5 printed for a known tree, printed by our renderers from
 * records of the same tree. The engine is not involved; its part is in the records below.
 */
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  ArchiveFormat,
  type ArchiveRecord,
  defaultArchiveFormat,
  shortArchiveFormat,
} from '../../../src/cli/render/archive-format.ts'
import { diffObject, diffText } from '../../../src/cli/render/diff-line.ts'
import type { DiffChange } from '../../../src/index.ts'
import { cachePart, describedArchiveObject, repositoryPart } from '../../../src/cli/render/documents.ts'
import { defaultItemFormat, ItemFormat, shortItemFormat } from '../../../src/cli/render/item-format.ts'
import type { DigestName, ItemRecord } from '../../../src/cli/render/item-record.ts'
import { jsonDocument, jsonLine } from '../../../src/cli/render/json.ts'
import { archiveInfoLines, repositoryInfoLines, type RepositoryTotals } from '../../../src/cli/render/statistics.ts'
import { parseCommandLine } from '../../../src/cli/args/parser.ts'
import { commandSet } from '../../../src/cli/commands.ts'
import { readEnvironment } from '../../../src/cli/env.ts'
import {
  archiveGlob,
  makeMatcher,
  type Nanoseconds,
  parsePathArgument,
  type Pattern,
  printableText,
  PythonFormatError,
} from '../../../src/parsing.ts'
import { xxh64 } from '../../../src/kernels/xxh64.ts'
import { FakeHost } from '../../support/fake-host.ts'
import { loadFixture } from '../../support/vectors.ts'

interface Vector {
  args: string[]
  tz: string
  rc: number
  stdout: string
  stderr_last?: string
}
const { vectors } = loadFixture<{ vectors: Vector[] }>('cli/format-vectors.json')

/** The archives, with the volatile values replaced as in the vectors. */
function archiveRecord(name: string, start: string, commandLine: string[], comment = ''): ArchiveRecord {
  const time = (BigInt(Date.parse(`${start}Z`)) * 1_000_000n + 400_000_000n) as Nanoseconds
  return {
    name,
    id: `<ID:${name}>`,
    start: time,
    details: async () => ({
      comment,
      hostname: 'testhost',
      username: 'tester',
      end: time,
      commandLine: ['__ARGV0__', ...commandLine],
      tam: 'verified',
    }),
  }
}

const first = archiveRecord(
  'first-archive',
  '2024-05-06T07:08:09',
  'create|--noctime|--timestamp|2024-05-06T07:08:09|--comment|a comment, ü {{x}}|repo::first-archive|t'.split('|'),
  'a comment, ü {x}',
)
const second = archiveRecord(
  'second archive',
  '2024-10-27T00:30:00',
  'create|--noctime|--chunker-params|fixed,1024|--compression|none|--timestamp|2024-10-27T00:30:00|repo::second archive|t/a.txt|t/b bin'.split(
    '|',
  ),
)
const third = archiveRecord(
  'third',
  '2024-12-31T23:59:59',
  'create|--noctime|--timestamp|2024-12-31T23:59:59|repo::third|t/d'.split('|'),
)
const archives = [first, second, third]

interface Thing {
  path: string
  mode: number
  time: bigint
  content?: string
  storedSize?: number
  unique?: { size: number; storedSize: number; chunks: number }
  source?: string
  isHardLink?: boolean
  owner?: { uid: number; gid: number }
}

function digestOf(content: string, name: DigestName): string {
  const bytes = Buffer.from(content, 'latin1')
  if (name === 'xxh64') return Buffer.from(xxh64(bytes)).toString('hex')
  const nodeNames: Partial<Record<DigestName, string>> = { blake2b: 'blake2b512', blake2s: 'blake2s256' }
  return createHash(nodeNames[name] ?? name.replace('_', '-'))
    .update(bytes)
    .digest('hex')
}

function itemRecord(thing: Thing): ItemRecord {
  const { content, owner, source = '', isHardLink = false } = thing
  const isSymlink = (thing.mode & 0o170000) === 0o120000
  const chunks = content === undefined || content === '' ? 0 : 1
  return {
    path: thing.path,
    mode: thing.mode,
    uid: owner?.uid ?? 0,
    gid: owner?.gid ?? 0,
    user: owner === undefined ? 'root' : undefined,
    group: owner === undefined ? 'root' : undefined,
    source,
    isHardLink,
    size: isSymlink ? source.length : (content?.length ?? 0),
    storedSize: isSymlink ? source.length : (thing.storedSize ?? 0),
    chunks,
    flags: 0,
    isHealthy: true,
    modified: thing.time as Nanoseconds,
    changed: undefined,
    accessed: undefined,
    digest: async (name) => (content === undefined ? '' : digestOf(content, name)),
    unique: async () => thing.unique ?? { size: 0, storedSize: 0, chunks: 0 },
  }
}

const items: readonly ItemRecord[] = (
  [
    { path: 't', mode: 0o040755, time: 1700000000123456789n },
    { path: 't/hl', mode: 0o100644, time: 1700000001000000000n, content: 'hello world\n', storedSize: 15 },
    { path: 't/a.txt', mode: 0o100644, time: 1700000001000000000n, source: 't/hl', isHardLink: true },
    {
      path: 't/b bin',
      mode: 0o100600,
      time: 1710000000500000000n,
      content: '\0'.repeat(3000),
      storedSize: 25,
      unique: { size: 3000, storedSize: 25, chunks: 1 },
    },
    { path: 't/empty', mode: 0o100444, time: 1234567890n, content: '' },
    { path: 't/exe', mode: 0o104755, time: 1711846799999999999n, content: '#!/bin/sh\n' },
    {
      path: 't/foreign',
      mode: 0o100640,
      time: 1720000000000000001n,
      content: 'x',
      storedSize: 4,
      owner: { uid: 12345, gid: 54321 },
      unique: { size: 1, storedSize: 4, chunks: 1 },
    },
    { path: 't/d', mode: 0o041777, time: 1730000000000000000n },
    { path: 't/d/ümläut', mode: 0o100644, time: 1729990800000000000n, content: 'Ã©' },
    { path: 't/sl', mode: 0o120777, time: 1700000002000000000n, source: 'a.txt' },
    { path: 't/ff', mode: 0o010644, time: 1700000003000000000n },
    { path: 't/cd', mode: 0o020644, time: 1700000004000000000n },
    { path: 't/tab\tname', mode: 0o100644, time: 1700000005000000000n, content: 'tab' },
    { path: 't/inv\udcfflid', mode: 0o100644, time: 1700000006000000000n, content: 'inv' },
  ] satisfies Thing[]
).map(itemRecord)

const totals: RepositoryTotals & { uniqueSize: number } = {
  totalSize: 6045,
  totalStoredSize: 3100,
  uniqueStoredSize: 5110,
  uniqueSize: 8944,
  uniqueChunks: 15,
  totalChunks: 18,
}
const repositoryFacts = { id: '<REPO_ID>', location: '<CWD>/repo', lastModified: 0n as Nanoseconds, mode: 'none' }
const cacheFacts = { path: '<CWD>/base/.cache/borg/<REPO_ID>', ...totals }

interface Listing {
  short: boolean
  format: string | undefined
  json: boolean
  jsonLines: boolean
  iec: boolean
  location: { archive: string | undefined }
  paths: string[]
  patterns: Pattern[]
  prefix: string | undefined
  globArchives: string | undefined
  sortBy: string[]
  first: number | undefined
  last: number | undefined
  archive2: string
  contentOnly: boolean
}

async function print(vector: Vector): Promise<string> {
  const context = {
    host: new FakeHost(),
    environment: readEnvironment({}),
    readFile: () => '',
    fileTime: () => undefined,
  }
  const line = await parseCommandLine(vector.args, commandSet, context, () => {})
  if (line.kind !== 'command') throw new Error('not a command')
  const args = { ...line.args, iec: line.common.iec } as unknown as Listing
  switch (line.table.name) {
    case 'list':
      return args.location.archive === undefined ? await printArchives(args) : await printItems(args)
    case 'info':
      return await printInfo(args)
    case 'diff':
      return printDiff(args)
    default:
      throw new Error(`no renderer for ${line.table.name}`)
  }
}

function selected(args: Listing): ArchiveRecord[] {
  const glob = args.globArchives ?? `${args.prefix ?? ''}*`
  const matching = archives.filter((archive) => archiveGlob(glob).test(archive.name))
  if (args.sortBy[0] === 'name') matching.sort((a, b) => (a.name < b.name ? -1 : 1))
  if (args.first !== undefined) return matching.slice(0, args.first)
  return args.last === undefined ? matching : matching.slice(-args.last)
}

async function printArchives(args: Listing): Promise<string> {
  const format = new ArchiveFormat(args.format ?? (args.short ? shortArchiveFormat : defaultArchiveFormat))
  if (args.json) {
    const elements = await Promise.all(selected(args).map((archive) => format.json(archive)))
    return jsonDocument({ archives: elements, ...repositoryPart(repositoryFacts) }, undefined)
  }
  const lines = await Promise.all(selected(args).map((archive) => format.text(archive)))
  return lines.join('')
}

async function printItems(args: Listing): Promise<string> {
  const wanted = makeMatcher(
    [...args.patterns, ...args.paths.map(parsePathArgument)],
    args.paths.length === 0 ? 'include' : 'exclude',
  )
  const matching = items.filter((item) => wanted.match(item.path) === 'include')
  const format = new ItemFormat(args.format ?? (args.short ? shortItemFormat : defaultItemFormat), {
    archiveName: first.name,
    archiveId: first.id,
  })
  let text = ''
  for (const item of matching) text += args.jsonLines ? jsonLine(await format.json(item)) : await format.text(item)
  return printableText(text)
}

/** Sizes that depend on the lz4 in use; the vectors show them for form. */
const compressed: Record<string, { compressedSize: number; deduplicatedSize: number }> = {
  'first-archive': { compressedSize: 74, deduplicatedSize: 54 },
  third: { compressedSize: 5, deduplicatedSize: 0 },
}
const counts: Record<string, { files: number; originalSize: number }> = {
  'first-archive': { files: 8, originalSize: 3031 },
  third: { files: 1, originalSize: 2 },
}

async function describeArchive(archive: ArchiveRecord) {
  const details = await archive.details()
  const { files = 0, originalSize = 0 } = counts[archive.name] ?? {}
  return {
    name: archive.name,
    id: archive.id,
    start: archive.start,
    end: details.end,
    durationSeconds: 0.25,
    files,
    utilization: 2.5e-5,
    sizes: { originalSize, ...(compressed[archive.name] ?? { compressedSize: 0, deduplicatedSize: 0 }) },
    comment: details.comment,
    hostname: details.hostname,
    username: details.username,
    currentFolder: '<CWD>',
    commandLine: details.commandLine,
    chunkerParams: ['buzhash', 19, 23, 21, 4095],
  }
}

async function printInfo(args: Listing): Promise<string> {
  const wanted =
    args.location.archive !== undefined
      ? archives.filter((archive) => archive.name === args.location.archive)
      : args.globArchives !== undefined || args.last !== undefined
        ? selected(args)
        : undefined
  const described = await Promise.all((wanted ?? []).map(describeArchive))
  if (args.json) {
    const whole = { ...cachePart(cacheFacts), ...repositoryPart(repositoryFacts) }
    if (wanted === undefined) {
      return jsonDocument({ ...whole, security_dir: '<CWD>/base/.config/borg/security/<REPO_ID>' }, undefined)
    }
    return jsonDocument({ ...whole, archives: described.map(describedArchiveObject) }, undefined)
  }
  const style = { iec: args.iec }
  const repository = {
    ...repositoryFacts,
    encryption: undefined,
    keyFile: undefined,
    cache: '<CWD>/base/.cache/borg/<REPO_ID>',
    securityFolder: '<CWD>/base/.config/borg/security/<REPO_ID>',
  }
  const blocks =
    wanted === undefined
      ? [repositoryInfoLines(repository, totals, style)]
      : described.map((archive) => archiveInfoLines(archive, totals, style))
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

const dayInMarch = 1710000000500000000n as Nanoseconds
const root = { user: 'root', group: 'root' }
const daemon = { user: 'daemon', group: 'daemon' }

function removed(path: string): DiffChange {
  const item = items.find((candidate) => candidate.path === path)
  if (item === undefined) throw new Error(`no ${path}`)
  const kinds: Record<number, 'directory' | 'link' | 'chrdev' | 'fifo'> = {
    4: 'directory',
    10: 'link',
    2: 'chrdev',
    1: 'fifo',
  }
  const kind = kinds[item.mode >> 12]
  // A later name of a file weighs what the file weighs.
  const size = item.isHardLink ? 12 : item.size
  return kind === undefined ? { change: 'removed', what: 'file', size } : { change: 'removed', what: kind }
}

const betweenBeforeAndAfter: [string, DiffChange[]][] = [
  ['t/a.txt', [{ change: 'mode', before: 0o100644, after: 0o100755 }]],
  [
    't/b bin',
    [
      { change: 'content', bytes: { added: 3500, removed: 3000 } },
      { change: 'mtime', before: dayInMarch, after: 1710000600000000000n as Nanoseconds },
    ],
  ],
  ['t/empty', [{ change: 'owner', before: root, after: daemon }]],
  ['t/sl', [{ change: 'link' }]],
]

function printDiff(args: Listing): string {
  const inBoth: Record<string, string[]> = { 'second archive': ['t/a.txt', 't/b bin'], third: ['t/d', 't/d/ümläut'] }
  const all: [string, DiffChange[]][] =
    args.archive2 === 'after'
      ? betweenBeforeAndAfter
      : items
          .filter((item) => !(inBoth[args.archive2] ?? []).includes(item.path))
          .map((item) => [item.path, [removed(item.path)]])
  const wanted = makeMatcher(args.paths.map(parsePathArgument), args.paths.length === 0 ? 'include' : 'exclude')
  const lines = all
    .filter(([path]) => wanted.match(path) === 'include')
    .map(([path, changes]): [string, DiffChange[]] => [
      path,
      args.contentOnly
        ? changes.filter(({ change }) => ['content', 'added', 'removed', 'link'].includes(change))
        : changes,
    ])
    .filter(([, changes]) => changes.length > 0)
  return lines
    .map(([path, changes]) =>
      args.jsonLines
        ? jsonLine(diffObject(path, changes), { sortKeys: true })
        : `${printableText(diffText(path, changes))}\n`,
    )
    .join('')
}

/** Volatile values as the vectors mask them. */
function masked(text: string): string {
  return text
    .replaceAll('__ARGV0__', '<ARGV0>')
    .replace(/("last_modified": )"[^"]*"/g, '$1"<LOCALTIME>"')
    .replace(/("duration": |"max_archive_size": )[0-9.e+-]+/g, '$1<FLOAT>')
    .replace(/("(?:compressed_size|deduplicated_size|total_csize|unique_csize)": )\d+/g, '$1<INT>')
    .replace(/^Duration: .*$/gm, 'Duration: <DUR>')
}

/** The order of on-demand keys in JSON lines is open, so lines are compared as objects. */
function comparable(vector: Vector, text: string): unknown {
  if (!vector.args.includes('--json-lines') || vector.args[0] !== 'list') return text
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const object = JSON.parse(line) as Record<string, unknown>
      const fixedPart = Object.keys(object).slice(0, Object.keys(object).indexOf('flags') + 1)
      return { fixedPart, object }
    })
}

describe('what borg 1.4.5 printed', () => {
  let before: string | undefined
  beforeEach(() => {
    before = process.env['TZ']
  })
  afterEach(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })

  test.each(vectors.map((vector) => [vector.args.join(' '), vector.tz, vector] as const))(
    '%s (%s)',
    async (_, tz, vector) => {
      process.env['TZ'] = tz

      if (vector.rc !== 0) {
        const [, kind, message] = /\.\.\. (\w+): (.*)$/.exec(vector.stderr_last ?? '') ?? []
        await expect(print(vector)).rejects.toThrow(expect.objectContaining({ kind, message }))
        await expect(print(vector)).rejects.toBeInstanceOf(PythonFormatError)
        return
      }
      expect(comparable(vector, masked(await print(vector)))).toEqual(comparable(vector, vector.stdout))
    },
  )

  test('the vectors are all there', () => {
    expect(vectors.length).toBeGreaterThan(90)
  })
})
