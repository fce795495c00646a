/**
 * `create`. Source: CLI contract, commands §2.
 */
import type { CreateOptions, StreamContent } from '../../index.ts'
import { borgVersion, encodeText } from '../../parsing.ts'
import type { ArgsOf } from '../args/argument.ts'
import { createTable } from '../args/tables/create.ts'
import { UsageError } from '../args/usage-error.ts'
import type { CliIo, Command } from '../command.ts'
import { type Engine, loadEngine, openOptions, tellMissing } from '../engine.ts'
import { childEnvironment } from '../env.ts'
import { statusFilter, tellNewArchive } from '../new-archive.ts'

type Arguments = ArgsOf<typeof createTable>

export const create: Command<typeof createTable> = {
  table: createTable,
  async run(args, io) {
    refuseContradictions(args)
    const engine = await loadEngine()
    await using input = await openInput(args, engine, io)
    const source = { ...sourceOptions(args), ...input.source }
    const run = { ...io.run, onEvent: statusFilter(args, io) }
    if (args.dryRun) {
      await engine.previewArchive({ ...source, content: source.content }, run)
      await input.finish()
      return undefined
    }
    const open = openOptions(engine, io, 'write', args.compression)
    await using session = await engine.openRepository(args.location, open, io.run)
    tellMissing(session.files, 'backed up', args, io)
    const options = { ...source, ...archiveOptions(args, io), beforeSaving: () => input.finish() }
    const result = await engine.createArchive(session, options, run)
    tellNewArchive(args, result, session, engine, io)
    return undefined
  },
}

/** What PATHs may not be. @throws UsageError */
export function refuseContradictions(
  args: Pick<Arguments, 'paths' | 'pathsFromStdin' | 'contentFromCommand' | 'pathsFromCommand'>,
): void {
  if (args.pathsFromStdin && args.paths.length > 0)
    throw new UsageError('Must not pass PATH with ``--paths-from-stdin``.')
  if ((args.contentFromCommand || args.pathsFromCommand) && args.paths.length === 0) {
    throw new UsageError('No command given.')
  }
  if (!args.pathsFromStdin && args.paths.length === 0) throw new UsageError('Need at least one PATH argument.')
}

/** Where roots and content come from, and what must have gone well in the end. */
interface Input extends AsyncDisposable {
  readonly source: Pick<CreateOptions, 'roots' | 'exactPaths' | 'content'>
  finish(): Promise<void>
}

async function openInput(args: Arguments, engine: Engine, io: CliIo): Promise<Input> {
  const environment = childEnvironment(io.env, borgVersion)
  const delimiter = encodeText(args.pathsDelimiter ?? '\n')
  const nothing = { finish: async () => {}, [Symbol.asyncDispose]: async () => {} }
  if (args.pathsFromStdin) {
    return { ...nothing, source: { exactPaths: true, roots: engine.separatedPaths(io.stdin, delimiter) } }
  }
  if (!args.pathsFromCommand && !args.contentFromCommand) {
    return { ...nothing, source: { roots: args.paths, content: streamContent(args, io.stdin) } }
  }
  const command = await engine.startCommand(args.paths, { environment })
  const ends = { finish: () => command.finish(), [Symbol.asyncDispose]: () => command[Symbol.asyncDispose]() }
  if (args.contentFromCommand) {
    return { ...ends, source: { roots: ['-'], content: streamContent(args, command.output) } }
  }
  return { ...ends, source: { exactPaths: true, roots: engine.separatedPaths(command.output, delimiter) } }
}

function streamContent(args: Arguments, bytes: AsyncIterable<Uint8Array>): StreamContent {
  return { bytes, name: args.stdinName, mode: args.stdinMode, user: args.stdinUser, group: args.stdinGroup }
}

function sourceOptions(args: Arguments): Omit<CreateOptions, 'name' | 'roots'> {
  const { patterns, oneFileSystem, excludeCaches, excludeIfPresent, keepExcludeTags, excludeNodump, readSpecial } = args
  return { patterns, oneFileSystem, excludeCaches, excludeIfPresent, keepExcludeTags, excludeNodump, readSpecial }
}

function archiveOptions(args: Arguments, io: CliIo): Omit<CreateOptions, 'roots'> {
  const { comment, chunkerParams, sparse, filesCache, noCacheSync } = args
  const { numericIds, noXattrs, noAcls, noFlags, atime } = args
  return {
    name: args.location.archive,
    comment,
    chunkerParams,
    sparse,
    filesCache,
    noCacheSync,
    numericIds,
    noXattrs,
    noAcls,
    noFlags,
    atime,
    noCtime: args.noCtime,
    noBirthtime: args.noBirthtime,
    filesChanged: args.filesChanged as CreateOptions['filesChanged'],
    checkpointSeconds: args.checkpointInterval,
    start: args.timestamp,
    commandLine: io.commandLine,
    hostname: io.environment.hostname,
    username: io.environment.username,
    wantCacheStatistics: args.stats || args.json,
  }
}
