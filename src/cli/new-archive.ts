/**
 * What commands that make an archive tell: status letters on the way, statistics at the end.
 * Source: CLI contract, commands §2 "list letters", "statistics block"; common §7.1.
 */
import type { CreateResult, EngineEvent, WriteSession } from '../index.ts'
import { toHex } from '../parsing.ts'
import { cacheFacts, knownTotals, recordFacts, repositoryFacts, unknownTotals, utilization } from './archive-facts.ts'
import type { CliIo } from './command.ts'
import type { Engine } from './engine.ts'
import { archiveObject, cachePart, repositoryPart } from './render/documents.ts'
import { jsonDocument } from './render/json.ts'
import { createdLines } from './render/statistics.ts'

export interface NewArchiveArguments {
  readonly outputList: boolean
  readonly outputFilter?: string | undefined
  readonly stats: boolean
  readonly quickStats: boolean
  readonly json: boolean
}

/** Letters are told only with --list, and only those that --filter lets through. */
export function statusFilter(
  args: Pick<NewArchiveArguments, 'outputList' | 'outputFilter'>,
  io: CliIo,
): (event: EngineEvent) => void {
  return (event: EngineEvent) => {
    if (event.type !== 'file_status') io.onEvent(event)
    else if (args.outputList && (args.outputFilter?.includes(event.status) ?? true)) io.onEvent(event)
  }
}

/** Statistics of --stats, --quick-stats and --json. */
export function tellNewArchive(
  args: NewArchiveArguments,
  result: CreateResult,
  session: WriteSession,
  engine: Engine,
  io: CliIo,
): void {
  const { archive, metadata, statistics, durationSeconds, recordStoredSize, cacheStatistics } = result
  const { start, end, commandLine } = recordFacts(metadata)
  const facts = {
    name: archive.name,
    id: toHex(archive.id),
    start,
    end,
    commandLine,
    durationSeconds,
    files: statistics.files,
    utilization: utilization(recordStoredSize),
    sizes: statistics,
  }
  if (args.json) {
    const path = `${session.directories.cache}/${engine.idKey(session.repository.id)}`
    const cache = args.quickStats ? {} : cachePart(cacheFacts({ path }, cacheStatistics))
    const document = { archive: archiveObject(facts), ...cache, ...repositoryPart(repositoryFacts(session)) }
    io.write(jsonDocument(document, io.environment.jsonIndent))
    return
  }
  if (!args.stats && !args.quickStats) return
  const known = result.cacheKind === 'ad-hoc' ? unknownTotals(cacheStatistics) : knownTotals(cacheStatistics)
  const totals = args.quickStats ? 'quick' : known
  const lines = createdLines({ ...facts, repository: session.location }, totals, { iec: io.common.iec })
  for (const line of lines) io.log('info', line, 'borg.output.stats')
}
