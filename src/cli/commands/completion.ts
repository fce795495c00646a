/**
 * `completion`: ours, not borg's. The scripts are also built into dist/completions, for packages to install.
 */
import { completionTable } from '../args/tables/other.ts'
import type { Command } from '../command.ts'

export const completion: Command<typeof completionTable> = {
  table: completionTable,
  async run(args, io) {
    io.write(await io.completionScript(args.shell))
    return undefined
  },
}
