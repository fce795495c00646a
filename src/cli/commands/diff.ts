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
    await using session = await engine.openRepository(args.location.location, open, io.run)
    const options = {
      patterns: [...args.patterns, ...args.paths.map(parsePathArgument)],
      contentOnly: args.contentOnly,
      sameChunkerParams: args.sameChunkerParams,
      considerPartFiles: io.common.considerPartFiles,
    }
    const differences = engine.diffArchives(session, args.location.archive, args.archive2, options, io.run)
    const order = sortKeys(args)
    if (order === undefined) {
      for await (const difference of differences) tell(difference, args, io)
      return undefined
    }
    const all: PathDifference[] = []
    for await (const difference of differences) all.push(difference)
    for (const difference of engine.sortDifferences(all, order)) tell(difference, args, io)
    return undefined
  },
}

function sortKeys(args: Arguments): readonly DiffSortKey[] | undefined {
  return args.sortBy ?? (args.sort ? [{ field: 'path', descending: false }] : undefined)
}

function tell({ path, changes }: PathDifference, args: Arguments, io: CliIo): void {
  if (args.jsonLines) io.write(jsonLine(diffObject(path, changes), { sortKeys: true }))
  else io.write(`${diffText(path, changes)}\n`)
}
