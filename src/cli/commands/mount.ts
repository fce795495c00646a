/**
 * `mount`, also called `borgfs`. Source: CLI contract, commands §19.
 */
import type { MountOptions, ReadSession } from '../../index.ts'
import { parsePathArgument } from '../../parsing.ts'
import type { ArgsOf } from '../args/argument.ts'
import { mountTable } from '../args/tables/mount.ts'
import { announce, callProcessBorg, runInBackground } from '../background.ts'
import type { CliIo, Command } from '../command.ts'
import { type Engine, loadEngine, openOptions, readAccess, selectionOf } from '../engine.ts'
import { parseMountWords } from '../mount-words.ts'

type Arguments = ArgsOf<typeof mountTable>

/** What serves a tree until it is ended. */
interface Serving {
  unmount(): Promise<void>
  readonly done: Promise<void>
}

export const mount: Command<typeof mountTable> = {
  table: mountTable,
  async run(args, io) {
    const engine = await loadEngine()
    const options = mountOptions(args, io)
    if (args.mountpoint !== undefined) {
      if (isFuseRefused(io)) throw engine.noFuseSupport()
      await engine.requireMountPoint(args.mountpoint)
    }
    const isInBackground = io.environment.newsDescriptor !== undefined
    if (!args.foreground && !isInBackground) return await runInBackground(await askAhead(args, engine, io), io)
    await using session = await openSession(args, engine, io)
    callProcessBorg()
    const serving = await serve(args, options, session, engine, io)
    await untilEnded(serving, io)
    return undefined
  },
}

function isFuseRefused(io: CliIo): boolean {
  const implementations = io.environment.fuseImplementation?.split(',') ?? ['']
  return implementations.every((name) => name.trim() === 'none')
}

function mountOptions(args: Arguments, io: CliIo): MountOptions {
  return {
    ...parseMountWords(args.options),
    archive: args.location.archive,
    selection: { ...selectionOf(args), considerCheckpoints: args.considerCheckpoints },
    patterns: [...args.patterns, ...args.paths.map(parsePathArgument)],
    stripComponents: args.stripComponents,
    considerPartFiles: io.common.considerPartFiles,
    numericIds: args.numericIds,
  }
}

function openSession(args: Arguments, engine: Engine, io: CliIo): Promise<ReadSession> {
  return engine.openRepository(args.location, openOptions(engine, io, readAccess(io)), io.run)
}

/**
 * Everything that may need a person, while there is one: opens the repository and closes it again. Returns the passphrase
 * if one was asked for, or came from where it can be had only once.
 */
async function askAhead(args: Arguments, engine: Engine, io: CliIo): Promise<string | undefined> {
  const open = openOptions(engine, io, readAccess(io))
  const { passphrase } = open
  let used: string | undefined
  const remembered =
    typeof passphrase === 'function'
      ? async (attempt: number, where: string) => {
          used = await passphrase(attempt, where)
          return used
        }
      : passphrase
  await using session = await engine.openRepository(args.location, { ...open, passphrase: remembered }, io.run)
  if (args.location.archive !== undefined) engine.findArchive(session, args.location.archive)
  return used
}

async function serve(
  args: Arguments,
  options: MountOptions,
  session: ReadSession,
  engine: Engine,
  io: CliIo,
): Promise<Serving> {
  if (args.mountpoint === undefined) {
    const served = await engine.serveArchives(session, { ...options, port: args.webdav }, io.run)
    return await announced(served, `${served.address}\n`, io)
  }
  io.log('info', 'Mounting filesystem')
  const mounted = await engine.mountArchives(session, args.mountpoint, options, io.run)
  return await announced(mounted, '', io)
}

/** Whoever is told it serves can end it; when there is nobody to tell, it must not stay behind. */
async function announced(serving: Serving, text: string, io: CliIo): Promise<Serving> {
  try {
    announce(text, io)
    return serving
  } catch (error) {
    await serving.unmount()
    throw error
  }
}

/** Any of the signals ends a mount in good order: that is how one is ended that nobody unmounts. */
async function untilEnded(serving: Serving, io: CliIo): Promise<void> {
  const ended = AbortSignal.any([io.signal, io.interrupted])
  const unmounted = new Promise<void>((resolve, reject) => {
    const unmount = (): void => void serving.unmount().then(resolve, reject)
    if (ended.aborted) unmount()
    else ended.addEventListener('abort', unmount, { once: true })
  })
  await Promise.race([serving.done, unmounted])
}
