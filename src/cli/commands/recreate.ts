/**
 * `recreate`. Source: CLI contract, commands §17.
 */
import type { RecreatedArchive, RecreateOptions, RecreateResult, WriteSession } from '../../index.ts'
import { BorgError, parsePathArgument, toHex } from '../../parsing.ts'
import { knownTotals, utilization } from '../archive-facts.ts'
import type { ArgsOf } from '../args/argument.ts'
import { recreateTable } from '../args/tables/recreate.ts'
import type { CliIo, Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'
import { statusFilter } from '../new-archive.ts'
import { recreatedLines } from '../render/statistics.ts'

type Arguments = ArgsOf<typeof recreateTable>

const nothingToDo = 'Nothing to do. Archive was not processed.'
const whatToDo = 'Specify at least one pattern, PATH, --comment, re-compression or re-chunking option.'

export const recreate: Command<typeof recreateTable> = {
  table: recreateTable,
  async run(args, io) {
    const engine = await loadEngine()
    const open = openOptions(engine, io, 'write', args.compression)
    await using session = await engine.openRepository(args.location, open, io.run)
    const { archive: name } = args.location
    const options = recreateOptions(args, io)
    const run = { ...io.run, onEvent: statusFilter(args, io) }
    if (name !== undefined) {
      const result = await engine.recreateArchive(session, name, { ...options, target: args.target }, run)
      if (result.kind === 'nothing-to-do') throw new BorgError('CommandError', [`${nothingToDo}\n${whatToDo}`])
      tell(args, result, session, io)
      return undefined
    }
    if (args.target !== undefined) throw new BorgError('CommandError', ['--target: Need to specify single archive'])
    await engine.recreateAllArchives(
      session,
      {
        ...options,
        onArchive: (entry) => io.write(`Processing ${entry.name}\n`),
        onResult: (entry, result) => {
          if (result.kind === 'nothing-to-do') io.log('info', `Skipped archive ${entry.name}: ${nothingToDo}`)
          tell(args, result, session, io)
        },
      },
      run,
    )
    return undefined
  },
}

function recreateOptions(args: Arguments, io: CliIo): RecreateOptions {
  const { excludeCaches, excludeIfPresent, keepExcludeTags, dryRun, comment, chunkerParams } = args
  return {
    patterns: [...args.patterns, ...args.paths.map(parsePathArgument)],
    excludeCaches,
    excludeIfPresent,
    keepExcludeTags,
    dryRun,
    comment,
    start: args.timestamp,
    recompress: args.recompress as RecreateOptions['recompress'],
    chunkerParams,
    checkpointSeconds: args.checkpointInterval,
    commandLine: io.commandLine,
    hostname: io.environment.hostname,
    username: io.environment.username,
    wantCacheStatistics: args.stats,
  }
}

/** Unlike create's, these statistics are ordinary news: they need --stats and --verbose. */
function tell(args: Arguments, result: RecreateResult, session: WriteSession, io: CliIo): void {
  if (result.kind === 'recreated' && args.stats) {
    for (const line of statisticsLines(result, session, io)) io.log('info', line)
  }
}

function statisticsLines(result: RecreatedArchive, session: WriteSession, io: CliIo): readonly string[] {
  const { archive, statistics, begun, ended, durationSeconds, recordStoredSize, cacheStatistics } = result
  const facts = {
    repository: session.location,
    name: archive.name,
    id: toHex(archive.id),
    start: begun,
    end: ended,
    durationSeconds,
    files: statistics.files,
    utilization: utilization(recordStoredSize),
    sizes: statistics,
  }
  return recreatedLines(facts, knownTotals(cacheStatistics), { iec: io.common.iec })
}
