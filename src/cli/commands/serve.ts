/**
 * `serve`. Source: CLI contract, commands §20.
 *
 * stdout carries answers and nothing else, stderr the lines of the protocol: the usual messages of a command stay away.
 */
import { isBorgError } from '../../parsing.ts'
import { serveTable } from '../args/tables/serve.ts'
import type { CommandSet } from '../args/parser.ts'
import type { CliIo, Command } from '../command.ts'
import { ExitStatus } from '../exit-code.ts'
import { splitShellWords } from '../shell-words.ts'
import { SignalReason } from '../signals.ts'

export const serve: Command<typeof serveTable> = {
  table: serveTable,
  async run(args, io) {
    const engine = await import('../../serving.ts')
    const { umask } = io.common
    const { logLevel, debugTopics } = await wishesOfClient(io)
    const { restrictToPaths, restrictToRepositories, appendOnly, storageQuota: quotaBytes } = args
    const homeFolder = io.env['BORG_BASE_DIR'] ?? io.env['HOME']
    const rights = { restrictToPaths, restrictToRepositories, appendOnly, quotaBytes }
    try {
      const policy = { ...rights, umask, homeFolder, baseFolder: io.currentFolder, logLevel, debugTopics }
      await engine.serve(io.standardStreams(), policy, { signal: io.signal }, io.host)
      return 0
    } catch (error) {
      // The client has been told already.
      if (error instanceof SignalReason) return error.exitCode
      return new ExitStatus(io.environment.exitCodes).errorCode(isBorgError(error) ? error.exitCode : 2)
    }
  },
}

/** What a client may ask for by name: no other command than this. */
const serveOnly: CommandSet = {
  names: ['serve'],
  subcommands: () => undefined,
  loadTable: async () => serveTable,
}

type Wishes = Pick<CliIo['common'], 'logLevel' | 'debugTopics'>

/**
 * With a forced command of ssh, the client's own words stand in a variable. Of those only what cannot hurt is respected: how
 * much it wants to hear. Another command than serve, or one that makes no sense, is not its to give.
 */
async function wishesOfClient(io: CliIo): Promise<Wishes> {
  const words = commandOf(io.environment.sshOriginalCommand)
  if (words === undefined) return io.common
  const { parseCommandLine } = await import('../args/parser.ts')
  const nothing = (): never => {
    throw new TypeError('a client names no files of the server')
  }
  const context = { host: io.host, environment: io.environment, readFile: nothing, fileTime: () => undefined }
  try {
    const line = await parseCommandLine(words, serveOnly, context, () => {})
    return line.kind === 'command' ? line.common : io.common
  } catch {
    return io.common
  }
}

/** Without the program, and without the variables that a shell would have set for it. */
function commandOf(original: string | undefined): string[] | undefined {
  try {
    const words = splitShellWords(original ?? '')
    const program = words.findIndex((word) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(word))
    return program < 0 ? undefined : words.slice(program + 1)
  } catch {
    return undefined
  }
}
