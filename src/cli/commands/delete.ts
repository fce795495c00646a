/**
 * `delete`. Source: CLI contract, commands §8.
 */
import type { ArchiveEntry, CacheStatistics, Repository, Statistics, WriteSession } from '../../index.ts'
import { BorgError, isBorgError, toHex } from '../../parsing.ts'
import type { ArgsOf } from '../args/argument.ts'
import { deleteTable } from '../args/tables/delete.ts'
import type { CliIo, Command } from '../command.ts'
import { type Engine, entryLine, hasFilters, loadEngine, openOptions, selectionOf } from '../engine.ts'
import { dashes, deletedLines } from '../render/statistics.ts'
import { knownTotals } from '../archive-facts.ts'

type Arguments = ArgsOf<typeof deleteTable>

// Named differently from its word: 'delete' is reserved.
export const deleteCommand: Command<typeof deleteTable> = {
  table: deleteTable,
  async run(args, io) {
    const named = [...(args.location.archive === undefined ? [] : [args.location.archive]), ...args.archives]
    if (named.length > 0 && hasFilters(args)) {
      throw new BorgError('CommandError', ['Mixing archive filters and explicitly named archives is not supported.'])
    }
    const engine = await loadEngine()
    if (named.length === 0 && !hasFilters(args)) await deleteWhole(args, engine, io)
    else await deleteSome(args, named, engine, io)
    return undefined
  },
}

async function deleteSome(args: Arguments, named: readonly string[], engine: Engine, io: CliIo): Promise<void> {
  await using session = await engine.openRepository(args.location, openOptions(engine, io, 'write'), io.run)
  const names = named.length > 0 ? named : matching(args, session, engine)
  if (args.dryRun) previewDeletion(names, args, session, io)
  else if (args.forced > 1) await forget(names, args, session, engine, io)
  else await release(names, args, session, engine, io)
}

function matching(args: Arguments, session: WriteSession, engine: Engine): readonly string[] {
  const selection = { ...selectionOf(args), considerCheckpoints: true }
  return engine.listArchives(session, selection).map((entry) => entry.name)
}

function previewDeletion(names: readonly string[], args: Arguments, session: WriteSession, io: CliIo): void {
  const what = args.forced > 1 ? 'Would delete' : 'Would delete archive'
  for (const [index, name] of names.entries()) {
    const entry = session.archives.get(name)
    const position = `(${index + 1}/${names.length})`
    if (entry === undefined) io.warn('GenericWarning', `Archive ${name} not found ${position}.`)
    else if (args.outputList) io.log('info', `${what}: ${entryLine(entry)} ${position}`, 'borg.output.list')
  }
  if (args.forced > 1) io.log('info', 'Finished dry-run.')
}

async function forget(
  names: readonly string[],
  args: Arguments,
  session: WriteSession,
  engine: Engine,
  io: CliIo,
): Promise<void> {
  const forgotten = await engine.forgetArchives(session, names, io.run)
  for (const [index, entry] of forgotten.entries()) {
    const line = `Deleted archive: ${entryLine(entry)} (${index + 1}/${names.length})`
    if (args.outputList) io.log('info', line, 'borg.output.list')
  }
  if (forgotten.length > 0) io.log('warning', 'Done. Run "borg check --repair" to clean up the mess.')
  else io.log('warning', 'Aborted.')
}

async function release(
  names: readonly string[],
  args: Arguments,
  session: WriteSession,
  engine: Engine,
  io: CliIo,
): Promise<void> {
  const result = await engine.deleteArchives(
    session,
    names,
    {
      checkpointSeconds: args.checkpointInterval,
      force: args.forced > 0,
      wantCacheStatistics: args.stats,
      onArchive: args.outputList ? listDeletion(io) : undefined,
    },
    io.run,
  )
  if (args.forced > 0 && result.damaged.length > 0) {
    io.log('warning', 'forced deletion succeeded, but the deleted archive was corrupted.')
    io.log('warning', 'borg check --repair is required to free all space.')
  }
  if (args.stats || args.quickStats) reportDeletion(result.statistics, result.cacheStatistics, args.stats, io)
}

function listDeletion(io: CliIo): (entry: ArchiveEntry, position: number, total: number) => void {
  return (entry, position, total) =>
    io.log('info', `Deleting archive: ${entryLine(entry)} (${position}/${total})`, 'borg.output.list')
}

/** Also prune's. */
export function reportDeletion(
  statistics: Readonly<Statistics>,
  all: CacheStatistics | undefined,
  complete: boolean,
  io: CliIo,
): void {
  const lines = deletedLines(statistics, complete ? knownTotals(all) : 'quick', { iec: io.common.iec })
  for (const line of lines) io.log('info', line, 'borg.output.stats')
}

async function deleteWhole(args: Arguments, engine: Engine, io: CliIo): Promise<void> {
  const open = openOptions(engine, io, 'write')
  const { directories } = open
  // Also for a dry run, as borg does: --list shows the archives in the question.
  const asks = !args.cacheOnly && args.forced === 0
  const archives = asks ? await knownArchives(args, engine, io) : undefined
  await using repository = await engine.connectRepository(args.location, open, io.run)
  if (asks) await confirm(args, archives, repository, io)
  if (args.dryRun) {
    if (!args.cacheOnly) {
      io.log('info', 'Would delete repository.')
      io.log('info', `Would ${args.keepSecurityInfo ? 'keep' : 'delete'} security info.`)
    }
    io.log('info', 'Would delete cache.')
  } else if (args.cacheOnly) {
    await engine.deleteCache(repository.id, { directories }, io.run)
  } else {
    const { keepSecurityInfo } = args
    await engine.deleteRepository(repository, { keepSecurityInfo, directories }, io.run)
  }
}

async function confirm(
  args: Arguments,
  archives: readonly ArchiveEntry[] | undefined,
  repository: Pick<Repository, 'id' | 'location'>,
  io: CliIo,
): Promise<void> {
  const count = archives === undefined ? 'all archives it may contain' : `${archives.length} archives it contains`
  const lines = [
    `You requested to completely DELETE the following repository *including* ${count}:`,
    dashes,
    `Repository ID: ${toHex(repository.id)}`,
    `Location: ${repository.location}`,
  ]
  if (args.outputList) lines.push('', 'Archives:', ...describe(archives))
  lines.push(dashes, "Type 'YES' if you understand this and want to continue: ")
  const agreed = await io.ask({ msgid: 'BORG_DELETE_I_KNOW_WHAT_I_AM_DOING', text: lines.join('\n') })
  if (!agreed) throw new BorgError('CancelledByUser', [])
}

function describe(archives: readonly ArchiveEntry[] | undefined): readonly string[] {
  if (archives === undefined) {
    return ["This repository seems to have no manifest, so we can't tell anything about its contents."]
  }
  return archives.length > 0 ? archives.map(entryLine) : ['This repository seems to not have any archives.']
}

/** Undefined without a manifest: such a repository can be deleted all the same. */
async function knownArchives(args: Arguments, engine: Engine, io: CliIo): Promise<readonly ArchiveEntry[] | undefined> {
  try {
    await using session = await engine.openRepository(args.location, openOptions(engine, io, 'write'), io.run)
    return engine.listArchives(session, { considerCheckpoints: true })
  } catch (error) {
    if (isBorgError(error, 'NoManifestError')) return undefined
    throw error
  }
}
