/**
 * `import-tar`. Source: CLI contract, commands §16.
 */
import { importTarTable } from '../args/tables/tar.ts'
import type { Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'
import { statusFilter, tellNewArchive } from '../new-archive.ts'
import { openTarInput } from '../tar-file.ts'

export const importTar: Command<typeof importTarTable> = {
  table: importTarTable,
  async run(args, io) {
    const engine = await loadEngine()
    const open = openOptions(engine, io, 'write', args.compression)
    await using session = await engine.openRepository(args.location, open, io.run)
    await using input = await openTarInput(args, engine, io)
    const result = await engine.importTar(
      session,
      {
        name: args.location.archive,
        input: input.bytes,
        inputName: args.tarfile === '-' ? 'stdin' : args.tarfile,
        ignoreZeros: args.ignoreZeros,
        comment: args.comment,
        chunkerParams: args.chunkerParams,
        checkpointSeconds: args.checkpointInterval,
        start: args.timestamp,
        beforeSaving: () => input.finish(),
        commandLine: io.commandLine,
        hostname: io.environment.hostname,
        username: io.environment.username,
        wantCacheStatistics: args.stats || args.json,
      },
      { ...io.run, onEvent: statusFilter(args, io) },
    )
    tellNewArchive(args, result, session, engine, io)
    return undefined
  },
}
