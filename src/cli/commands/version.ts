/**
 * `version`. Source: CLI contract, commands §23.
 */
import { borgVersion } from '../../parsing.ts'
import { versionTable } from '../args/tables/other.ts'
import type { Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'

export const version: Command<typeof versionTable> = {
  table: versionTable,
  async run(args, io) {
    if (args.location.location.scheme === 'ssh') {
      const engine = await loadEngine()
      const server = await engine.serverVersion(args.location, openOptions(engine, io, 'unlocked'), io.run)
      io.write(`${borgVersion} / ${server}\n`)
      return undefined
    }
    // On our side of a local repository, client and server are one; it is not even opened.
    io.write(`${borgVersion} / ${borgVersion}\n`)
    return undefined
  },
}
