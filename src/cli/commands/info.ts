/**
 * `info`. Source: CLI contract, commands §5, common §7.2.
 */
import type { ArchiveEntry, ArchiveInfo, Cache, ReadSession } from '../../index.ts'
import { toHex } from '../../parsing.ts'
import { cacheFacts, knownTotals, recordFacts, repositoryFacts, utilization } from '../archive-facts.ts'
import type { ArgsOf } from '../args/argument.ts'
import { infoTable } from '../args/tables/info.ts'
import type { CliIo, Command } from '../command.ts'
import { type Engine, hasFilters, loadEngine, openOptions, readAccess, selectionOf } from '../engine.ts'
import { cachePart, type DescribedFacts, describedArchiveObject, repositoryPart } from '../render/documents.ts'
import { jsonDocument } from '../render/json.ts'
import { archiveInfoLines, repositoryInfoLines } from '../render/statistics.ts'

type Arguments = ArgsOf<typeof infoTable>

export const info: Command<typeof infoTable> = {
  table: infoTable,
  async run(args, io) {
    const engine = await loadEngine()
    const open = openOptions(engine, io, readAccess(io))
    await using session = await engine.openRepository(args.location, open, io.run)
    await using cache = await session.openCache({ files: 'disabled' }, io.run)
    const entries = chosen(args, session, engine)
    if (entries === undefined) await tellRepository(args, session, cache, engine, io)
    else await tellArchives(args, entries, session, cache, engine, io)
    return undefined
  },
}

/** Undefined when the repository itself is meant. */
function chosen(args: Arguments, session: ReadSession, engine: Engine): readonly ArchiveEntry[] | undefined {
  const { archive } = args.location
  if (archive !== undefined) return [engine.findArchive(session, archive)]
  if (!hasFilters(args)) return undefined
  return engine.listArchives(session, { ...selectionOf(args), considerCheckpoints: true })
}

async function tellRepository(
  args: Arguments,
  session: ReadSession,
  cache: Cache,
  engine: Engine,
  io: CliIo,
): Promise<void> {
  const statistics = await cache.statistics(io.run)
  const facts = repositoryFacts(session)
  if (args.json) {
    const security = { security_dir: session.security.name }
    const document = { ...cachePart(cacheFacts(cache, statistics)), ...repositoryPart(facts), ...security }
    io.write(jsonDocument(document, io.environment.jsonIndent))
    return
  }
  const mode = engine.modes[session.key.mode]
  const { id, location, keyFile } = facts
  const encryption = mode.cipher === 'none' ? undefined : mode.name
  const described = { id, location, encryption, keyFile, cache: cache.path, securityFolder: session.security.name }
  writeLines(repositoryInfoLines(described, knownTotals(statistics), { iec: io.common.iec }), io)
}

async function tellArchives(
  args: Arguments,
  entries: readonly ArchiveEntry[],
  session: ReadSession,
  cache: Cache,
  engine: Engine,
  io: CliIo,
): Promise<void> {
  const statistics = await cache.statistics(io.run)
  const archives: DescribedFacts[] = []
  for (const entry of entries) archives.push(describe(await engine.archiveInfo(session, cache, entry, io.run)))
  if (args.json) {
    const parts = { ...cachePart(cacheFacts(cache, statistics)), ...repositoryPart(repositoryFacts(session)) }
    io.write(jsonDocument({ archives: archives.map(describedArchiveObject), ...parts }, io.environment.jsonIndent))
    return
  }
  for (const [index, archive] of archives.entries()) {
    if (index > 0) io.write('\n')
    writeLines(archiveInfoLines(archive, knownTotals(statistics), { iec: io.common.iec }), io)
  }
}

function describe({ entry, metadata, statistics, recordStoredSize, durationSeconds }: ArchiveInfo): DescribedFacts {
  return {
    ...recordFacts(metadata),
    name: entry.name,
    id: toHex(entry.id),
    durationSeconds,
    files: statistics.files,
    utilization: utilization(recordStoredSize),
    sizes: statistics,
  }
}

function writeLines(lines: readonly string[], io: CliIo): void {
  io.write(lines.map((line) => `${line}\n`).join(''))
}
