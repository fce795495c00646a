/**
 * `extract`. Source: CLI contract, commands §3.
 */
import { parsePathArgument } from '../../parsing.ts'
import { extractTable } from '../args/tables/extract.ts'
import type { Command } from '../command.ts'
import { loadEngine, openOptions, readAccess, tellMissing } from '../engine.ts'

export const extract: Command<typeof extractTable> = {
  table: extractTable,
  async run(args, io) {
    const engine = await loadEngine()
    const open = openOptions(engine, io, readAccess(io))
    await using session = await engine.openRepository(args.location, open, io.run)
    if (!args.dryRun && !args.stdout) tellMissing(session.files, 'restored', args, io)
    await engine.extractArchive(
      session,
      args.location.archive,
      {
        patterns: [...args.patterns, ...args.paths.map(parsePathArgument)],
        dryRun: args.dryRun,
        onContent: args.stdout ? (plain) => io.writeBytes(plain) : undefined,
        sparse: args.sparse,
        stripComponents: args.stripComponents,
        numericIds: args.numericIds,
        noFlags: args.noFlags,
        noAcls: args.noAcls,
        noXattrs: args.noXattrs,
        considerPartFiles: io.common.considerPartFiles,
        wantProgress: io.common.progress,
        onItem: args.outputList ? (_, path) => io.log('info', path, 'borg.output.list') : undefined,
      },
      io.run,
    )
    return undefined
  },
}
