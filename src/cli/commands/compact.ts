/**
 * `compact`. Source: CLI contract, commands §10.
 */
import { compactTable } from '../args/tables/compact.ts'
import type { Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'

export const compact: Command<typeof compactTable> = {
  table: compactTable,
  async run(args, io) {
    const engine = await loadEngine()
    const options = openOptions(engine, io, 'write')
    await using repository = await engine.connectRepository(args.location, options, io.run)
    if (args.dryRun) return undefined
    const { threshold, cleanupCommits } = args
    await engine.compactRepository(repository, { threshold: threshold / 100, cleanupCommits })
    return undefined
  },
}
