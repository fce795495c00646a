/**
 * `diff`. Source: CLI contract, commands §6.
 */
import type { DiffSortKey, PathDifference } from '../../index.ts'
import { parsePathArgument } from '../../parsing.ts'
import type { ArgsOf } from '../args/argument.ts'
import { diffTable } from '../args/tables/diff.ts'
import type { CliIo, Command } from '../command.ts'
import { loadEngine, openOptions, readAccess } from '../engine.ts'
import { diffObject, diffText } from '../render/diff-line.ts'
import { jsonLine } from '../render/json.ts'

type Arguments = ArgsOf<typeof diffTable>

export const diff: Command<typeof diffTable> = {
  table: diffTable,
  async run(args, io) {
    const engine = await loadEngine()
    const open = openOptions(engine, io, readAccess(io))
    await using session = await engine.openRepository(args.location, open, io.run)
    const options = {
      patterns: [...args.patterns, ...args.paths.map(parsePathArgument)],
      contentOnly: args.contentOnly,
      sameChunkerParams: args.sameChunkerParams,
      considerPartFiles: io.common.considerPartFiles,
    }
    const differences = engine.diffArchives(session, args.location.archive, args.archive2, options, io.run)
    const order = sortKeys(args)
    await tell(order === undefined ? differences : engine.sortDifferences(await all(differences), order), args, io)
    return undefined
  },
}

function sortKeys(args: Arguments): readonly DiffSortKey[] | undefined {
  return args.sortBy ?? (args.sort ? [{ field: 'path', descending: false }] : undefined)
}

async function all(differences: AsyncIterable<PathDifference>): Promise<readonly PathDifference[]> {
  const list: PathDifference[] = []
  for await (const difference of differences) list.push(difference)
  return list
}

/** Lines gathered before they are written: one write a line costs more than comparing it. */
const writeSize = 64 * 1024

async function tell(
  differences: AsyncIterable<PathDifference> | Iterable<PathDifference>,
  args: Arguments,
  io: CliIo,
): Promise<void> {
  let lines = ''
  try {
    for await (const { path, changes } of differences) {
      lines += args.jsonLines ? jsonLine(diffObject(path, changes), { sortKeys: true }) : `${diffText(path, changes)}\n`
      if (lines.length < writeSize) continue
      io.write(lines)
      lines = ''
    }
  } finally {
    // What was found before a failure is true.
    io.write(lines)
  }
}
