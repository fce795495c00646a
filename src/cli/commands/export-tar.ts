/**
 * `export-tar`. Source: CLI contract, commands §16.
 */
import { parsePathArgument } from '../../parsing.ts'
import { exportTarTable } from '../args/tables/tar.ts'
import type { Command } from '../command.ts'
import { loadEngine, openOptions, readAccess } from '../engine.ts'
import { openTarOutput } from '../tar-file.ts'

export const exportTar: Command<typeof exportTarTable> = {
  table: exportTarTable,
  async run(args, io) {
    const engine = await loadEngine()
    const open = openOptions(engine, io, readAccess(io))
    await using session = await engine.openRepository(args.location, open, io.run)
    // Before the file is made, or emptied.
    const archive = engine.findArchive(session, args.location.archive)
    await using output = await openTarOutput(args, engine, io)
    await engine.exportTar(
      session,
      archive,
      {
        write: (bytes) => output.write(bytes),
        patterns: [...args.patterns, ...args.paths.map(parsePathArgument)],
        stripComponents: args.stripComponents,
        considerPartFiles: io.common.considerPartFiles,
        wantProgress: io.common.progress,
        onItem: args.outputList ? (item) => io.log('info', item.path, 'borg.output.list') : undefined,
      },
      io.run,
    )
    await output.finish()
    return undefined
  },
}
