/**
 * `rename`. Source: CLI contract, commands §7.
 */
import { renameTable } from '../args/tables/rename.ts'
import type { Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'

export const rename: Command<typeof renameTable> = {
  table: renameTable,
  async run(args, io) {
    const engine = await loadEngine()
    await using session = await engine.openRepository(args.location, openOptions(engine, io, 'write'), io.run)
    await engine.renameArchive(session, args.location.archive, args.name, io.run)
    return undefined
  },
}
