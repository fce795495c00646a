/**
 * tsborg help: the main page, a topic, or the page of a command.
 */
import { helpTable } from '../args/tables/other.ts'
import type { Command } from '../command.ts'

export const help: Command<typeof helpTable> = {
  table: helpTable,
  async run(args, io) {
    const only = args.epilogOnly ? 'epilog' : args.usageOnly ? 'usage' : undefined
    io.write(await io.explain(args.topic, only))
    return undefined
  },
}
