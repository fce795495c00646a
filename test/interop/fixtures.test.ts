/**
 * Every repository real borg made for us: what we list, restore and check is what borg listed, restored and checked.
 *
 * No borg is needed here: its answers are recorded in the manifests beside the repositories.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import {
  archiveInfo,
  checkArchives,
  checkRepository,
  connectRepository,
  extractArchive,
  isBorgError,
  listArchives,
  listItems,
  openArchive,
  openRepository,
  type ReadSession,
} from '../../src/index.ts'
import { casesOfForm, type Optional } from '../support/long-form.ts'
import { BorgWorld } from '../support/real-borg.ts'
import { makeTempFolder, removeTempFolder, tempFolder } from '../support/temp-folder.ts'
import { isBuilt, mustCli, runCli } from './support/built-cli.ts'
import {
  fixtureHostId,
  type FixtureName,
  fixtureNames,
  hasInvalidTams,
  recordedFixture,
  UnpackedFixture,
} from './support/fixture-repository.ts'
import { isoMicroseconds, listedItem, printed } from './support/listed-item.ts'
import { comparable, isRoot, type TreeFact, treeFacts } from './support/tree-facts.ts'

/** What opening for reading may change: indexes that are missing or old are written anew. */
const changedByReplay: Readonly<Record<string, RegExp>> = {
  'no-index': /^(index|hints|integrity)\.\d+$/,
  'old-index': /^(index|hints|integrity)\.\d+$/,
  // The lock of the dead process is removed.
  'checkpoint-killed': /^lock\.(roster|exclusive\/.+)$/,
}

/** What a check has to say, besides that there are problems. Nothing: the repository is fine. */
function expectedProblems({ version, name }: FixtureName): readonly RegExp[] {
  if (name === 'missing-chunk') {
    return ['dir/copy-of-random.bin', 'dir/random.bin'].map(
      (path) => new RegExp(`^a1: ${path}: New missing file chunk detected \\(Byte 0-12000, Chunk [0-9a-f]{64}\\)`),
    )
  }
  if (!hasInvalidTams({ version, name })) return []
  // Borg 1.4 says the same of them.
  const [archives, orphans] = name === 'renamed' ? [['a2', 'renamed-a1'], 6] : [['a1'], 5]
  return [
    ...archives.map((archive) => new RegExp(`^Archive TAM authentication issue for archive ${archive}: `)),
    /^This archive would be \*removed\* \/ \*deleted\* when using --repair!$/,
    new RegExp(`^${orphans} orphaned objects found!$`),
  ]
}

const checked = { archives: 0, items: 0, files: 0, skippedOwners: 0, skippedDevices: 0 }
afterAll(() => {
  console.info(`compared ${checked.archives} archives, ${checked.items} listed items, ${checked.files} extracted files`)
  if (!isRoot) {
    console.warn(
      `SKIPPED, because they need root: owners of ${checked.skippedOwners} files, and ${checked.skippedDevices} devices`,
    )
  }
})

/** The short form takes each fixture from one of the two borgs, in turns. */
const both = fixtureNames.map((name, i): FixtureName & Optional => {
  const inTurn = (i % (fixtureNames.length / 2)) % 2 === (name.version === '1.2.4' ? 0 : 1)
  return inTurn ? name : { ...name, long: true }
})

describe.each(casesOfForm('fixtures', both))('borg $version, $name', (name) => {
  const damaged = ['missing-chunk', 'repaired'].includes(name.name) ? ['dir/random.bin', 'dir/copy-of-random.bin'] : []
  let fixture: UnpackedFixture
  beforeAll(() => {
    fixture = new UnpackedFixture(name, makeTempFolder())
  })
  beforeEach(() => {
    fixture.events.length = 0
  })
  afterAll(() => removeTempFolder(fixture.folder))

  test('archives are listed as borg lists them, and opening changes nothing', async () => {
    await reading(fixture, async (session) => {
      const listed = listArchives(session, { considerCheckpoints: true })
      const shown = listed.map((entry) => ({
        name: entry.name,
        id: toHex(entry.id),
        // Borg cuts archive times to whole seconds when it shows them.
        start: isoMicroseconds(entry.time - (entry.time % 1_000_000_000n)),
      }))
      const recorded = fixture.recorded.list_json.archives.map(({ name, id, start }) => ({ name, id, start }))
      expect(shown).toEqual(recorded)
      const finished = recorded.filter((archive) => !archive.name.includes('.checkpoint'))
      expect(listArchives(session).map((entry) => entry.name)).toEqual(finished.map((archive) => archive.name))
      checked.archives += listed.length
    })
  })

  test('items are listed as borg lists them', async () => {
    await reading(fixture, async (session) => {
      for (const [archive, { list_json_lines: lines }] of Object.entries(fixture.recorded.archives)) {
        const items = []
        for await (const item of listItems(session, archive, { considerPartFiles: true })) items.push(listedItem(item))
        expect(items).toEqual(lines)
        checked.items += items.length
        const whole = []
        for await (const item of listItems(session, archive)) whole.push(printed(item.path))
        expect(whole).toEqual(
          lines.map((line) => line['path']).filter((path) => !/\.borg_part_\d+$/.test(String(path))),
        )
      }
    })
  })

  test('archives and cache measure what borg measured', async () => {
    await reading(fixture, async (session) => {
      const is12 = name.version.startsWith('1.2')
      await using cache = await session.openCache({ files: 'disabled' }, fixture.run)
      const { stats } = fixture.recorded.info_json.cache
      const statistics = await cache.statistics(fixture.run)
      expect({
        total_chunks: statistics?.totalChunks,
        total_csize: statistics?.totalStoredSize,
        total_size: statistics?.totalSize,
        total_unique_chunks: statistics?.uniqueChunks,
        unique_csize: statistics?.uniqueStoredSize,
        unique_size: statistics?.uniqueSize,
      }).toEqual(stats)
      for (const entry of session.archives.all()) {
        const recorded = fixture.recorded.archives[entry.name]?.info_json
        const info = await archiveInfo(session, cache, entry, fixture.run)
        expect({
          comment: info.metadata.comment,
          hostname: info.metadata.hostname,
          username: info.metadata.username,
          chunker_params: info.metadata.chunkerParams,
          duration: info.durationSeconds,
          stats: {
            original_size: info.statistics.originalSize,
            compressed_size: info.statistics.compressedSize,
            // What borg 1.2 shows here includes metadata of the archive.
            deduplicated_size: is12 ? recorded?.stats.deduplicated_size : info.statistics.deduplicatedSize,
            nfiles: info.statistics.files,
          },
        }).toEqual({
          comment: recorded?.comment,
          hostname: recorded?.hostname,
          username: recorded?.username,
          chunker_params: recorded?.chunker_params,
          duration: recorded?.duration,
          stats: recorded?.stats,
        })
      }
    })
  })

  test('what is extracted is what borg extracted', async () => {
    await reading(fixture, async (session) => {
      const extracted = new Map<string, string>()
      for (const [number, archive] of Object.keys(fixture.recorded.archives).entries()) {
        const destination = join(fixture.folder, `extracted-${number}`)
        mkdirSync(destination)
        extracted.set(archive, destination)
        const options = { destination, considerPartFiles: true }
        const { failed } = await extractArchive(session, archive, options, fixture.run)
        if (isRoot || damaged.length > 0) expect(failed).toBe(damaged.length)
        expect(damagedPaths(fixture)).toEqual(damaged)
      }
      const facts = treeFacts([...extracted.values()])
      for (const [archive, destination] of extracted) compareFiles(fixture, archive, facts.get(destination) ?? [])
    })
  })

  test('reading everything without writing it finds the same damage', async () => {
    await reading(fixture, async (session) => {
      for (const archive of Object.keys(fixture.recorded.archives)) {
        const { failed } = await extractArchive(session, archive, { dryRun: true }, fixture.run)
        expect(failed).toBe(damaged.length)
        expect(damagedPaths(fixture)).toEqual(damaged)
      }
    })
  })

  test('a check finds what is wrong, and nothing else', async () => {
    const options = { ...fixture.openOptions(), access: 'write', ignoreInvalidArchiveTam: false } as const
    await using repository = await connectRepository(fixture.path, options, fixture.run)
    const expected = expectedProblems(name)

    expect(await checkRepository(repository, {}, fixture.run)).toBe(true)
    expect(await checkArchives(repository, options, { verifyData: true }, fixture.run)).toBe(expected.length === 0)
    const errors = fixture.events.flatMap((event) =>
      event.type === 'log' && event.level === 'error' ? [event.message] : [],
    )
    const summary = expected.length === 0 ? [] : [/^Archive consistency check complete, problems found\.$/]
    expect(errors.filter((error) => ![...expected, ...summary].some((pattern) => pattern.test(error)))).toEqual([])
    for (const pattern of [...expected, ...summary]) expect(errors.some((error) => pattern.test(error))).toBe(true)
  })
})

test('an archive whose MAC was spoiled by borg 1.2.4 is refused unless it is said to be fine', async () => {
  const fixture = new UnpackedFixture({ version: '1.2.4', name: 'renamed' }, tempFolder())
  const options = { ...fixture.openOptions(), ignoreInvalidArchiveTam: false }
  await using session = await openRepository(fixture.path, options, fixture.run)
  for (const archive of ['a2', 'renamed-a1']) {
    await expect(openArchive(session, archive)).rejects.toSatisfy((error) => isBorgError(error, 'ArchiveTAMInvalid'))
  }
  await using trusting = await openRepository(fixture.path, { ...options, ignoreInvalidArchiveTam: true }, fixture.run)
  expect((await openArchive(trusting, 'a2')).tam).toBe('absent')
})

test('the lock of a process on another machine is respected, of whatever age', async () => {
  const fixture = new UnpackedFixture({ version: '1.4.5', name: 'checkpoint-killed' }, tempFolder())
  const { host: _, ...options } = fixture.openOptions()
  await expect(openRepository(fixture.path, options, fixture.run)).rejects.toSatisfy((error) =>
    isBorgError(error, 'LockTimeout'),
  )
  expect(fixture.changedFiles()).toEqual([])
})

/** With hostile names, with a key file, with checkpoints and a dead lock, with damage, with invalid MACs. */
const forCli: readonly FixtureName[] = [
  { version: '1.4.5', name: 'filesystem' },
  { version: '1.2.4', name: 'mode-keyfile-blake2' },
  { version: '1.4.5', name: 'checkpoint-killed' },
  { version: '1.4.5', name: 'repaired' },
  { version: '1.2.4', name: 'renamed' },
]

describe.skipIf(!isBuilt).each(forCli)('the command line, borg $version, $name', (name) => {
  let fixture: UnpackedFixture
  let world: BorgWorld
  beforeAll(() => {
    fixture = new UnpackedFixture(name, makeTempFolder())
    const environment = {
      BORG_HOST_ID: fixtureHostId,
      BORG_KEYS_DIR: join(fixture.folder, 'keys'),
      ...(hasInvalidTams(name) ? { BORG_WORKAROUNDS: 'ignore_invalid_archive_tam' } : {}),
    }
    world = new BorgWorld({ passphrase: fixture.recorded.passphrase, environment })
  })
  afterAll(() => {
    world.remove()
    removeTempFolder(fixture.folder)
  })

  test('prints the documents that borg printed', () => {
    const listed = mustCli(world, ['list', '--json', '--consider-checkpoints', fixture.path])
    expect(recordable(listed.stdout)).toEqual(fixture.recorded.list_json)
    const info = mustCli(world, ['info', '--json', fixture.path])
    expect(recordable(info.stdout)).toEqual(fixture.recorded.info_json)
    for (const [archive, { list_json_lines: lines }] of Object.entries(fixture.recorded.archives)) {
      const items = mustCli(world, ['list', '--json-lines', '--consider-part-files', `${fixture.path}::${archive}`])
      expect(
        items.stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
      ).toEqual(lines)
    }

    /** As the manifest has it: without what is the machine's own. */
    function recordable(json: string): unknown {
      const document = JSON.parse(json.replaceAll(fixture.path, '<REPO>')) as {
        cache?: { path?: string }
        security_dir?: string
        encryption: { keyfile?: string }
      }
      delete document.cache?.path
      delete document.security_dir
      if (document.encryption.keyfile !== undefined) {
        expect(document.encryption.keyfile).toBe(join(fixture.folder, 'keys', 'repo'))
        document.encryption.keyfile = expect.any(String) as string
      }
      return document
    }
  })

  test('extracts what borg extracted, and checks it', () => {
    const folders = Object.entries(fixture.recorded.archives).map(([archive, { extract_rc: expected }], number) => {
      const cwd = `extracted-${number}`
      mkdirSync(world.path(cwd))
      const run = runCli(world, ['extract', '--consider-part-files', `${fixture.path}::${archive}`], { cwd })
      if (isRoot) expect(run).toEqual({ ...run, code: expected })
      return { archive, folder: world.path(cwd) }
    })
    const facts = treeFacts(folders.map(({ folder }) => folder))
    for (const { archive, folder } of folders) compareFiles(fixture, archive, facts.get(folder) ?? [])

    const check = runCli(world, ['check', '--verify-data', fixture.path])
    expect(check.code).toBe(hasInvalidTams(name) ? 1 : 0)
  })
})

test('all fixtures of both versions take part', () => {
  expect(fixtureNames.filter(({ version }) => version === '1.2.4').length).toBe(27)
  expect(fixtureNames.filter(({ version }) => version === '1.4.5').length).toBe(27)
})

/** Opens, reads, closes; then the repository must be as it was. */
async function reading(fixture: UnpackedFixture, body: (session: ReadSession) => Promise<void>): Promise<void> {
  {
    await using session = await fixture.openForReading()
    await body(session)
  }
  const allowed = changedByReplay[fixture.name.name]
  const changed = fixture.changedFiles().filter((path) => allowed?.test(path) !== true)
  expect(changed).toEqual([])
}

function damagedPaths(fixture: UnpackedFixture): readonly (string | undefined)[] {
  return fixture.events.flatMap((event) =>
    event.type === 'warning' && event.code === 'BackupError' ? [event.args[0]] : [],
  )
}

/** What there is to extract. Borg gave up on `missing-chunk`: all but the damaged files are those of a whole fixture. */
function expectedFiles({ name, recorded }: UnpackedFixture, archive: string): readonly TreeFact[] {
  if (name.name !== 'missing-chunk') return recorded.archives[archive]?.files ?? []
  const whole = recordedFixture({ version: name.version, name: 'mode-repokey' }).archives['a1']?.files ?? []
  return whole.filter((fact) => !isLost(fact))
}

const lostHex = ['dir/random.bin', 'dir/copy-of-random.bin'].map((path) => Buffer.from(path).toString('hex'))
function isLost(fact: TreeFact): boolean {
  return lostHex.includes(fact.path_hex)
}

function compareFiles(fixture: UnpackedFixture, archive: string, found: readonly TreeFact[]): void {
  const recorded = fixture.recorded.archives[archive]
  const expected = expectedFiles(fixture, archive)
  expect(expected.length).toBeGreaterThan(0)
  const stored = new Set((recorded?.list_json_lines ?? []).map((line) => line['path']))
  const isStored = (fact: TreeFact): boolean => {
    const path = Buffer.from(fact.path_hex, 'hex').toString('utf8')
    return stored.has(path.replaceAll('\ufffd', '?')) || path.includes('\ufffd')
  }
  const prepare = (facts: readonly TreeFact[]) =>
    [...comparable(facts).values()]
      .filter((fact) => isRoot || fact.rdev === undefined)
      .map((fact) => withoutAcls(isStored(fact) ? fact : { ...fact, mtime_ns: 'now', mode: 'folder made on the way' }))
  expect(prepare(found)).toEqual(prepare(expected))
  checked.files += expected.length
  if (isRoot) return
  checked.skippedOwners += expected.length
  checked.skippedDevices += expected.filter((fact) => fact.rdev !== undefined).length
}

/** The manifests do not record ACLs. */
function withoutAcls(fact: Omit<TreeFact, 'hardlink_group' | 'blocks'>): Omit<TreeFact, 'hardlink_group' | 'blocks'> {
  const { xattrs_hex: xattrs, path_hex, path: _, ...rest } = fact as typeof fact & { readonly path?: string }
  const kept = Object.entries(xattrs ?? {}).filter(([name]) => !name.startsWith('system.posix_acl'))
  return { path_hex, ...rest, ...(kept.length === 0 ? {} : { xattrs_hex: Object.fromEntries(kept) }) }
}
