/**
 * `version`. Source: CLI contract, commands §23.
 */
import { BorgError, borgVersion, canonicalLocation } from '../../parsing.ts'
import { versionTable } from '../args/tables/other.ts'
import type { Command } from '../command.ts'

export const version: Command<typeof versionTable> = {
  table: versionTable,
  async run(args, io) {
    const { location } = args.location
    if (location.scheme === 'ssh') {
      const reason = 'this version opens repositories on local file systems only'
      throw new BorgError('CommandError', [`${canonicalLocation(location)}: ${reason}`])
    }
    // On our side of a local repository, client and server are one; it is not even opened.
    io.write(`${borgVersion} / ${borgVersion}\n`)
    return undefined
  },
}
