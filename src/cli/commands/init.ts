/**
 * `init`. Source: CLI contract, commands §1.
 */
import { BorgError, isBorgError } from '../../parsing.ts'
import { initTable } from '../args/tables/init.ts'
import type { CliIo, Command } from '../command.ts'
import { type Engine, loadEngine, openOptions } from '../engine.ts'
import { readInput } from '../named-files.ts'

const keyNotice = `
IMPORTANT: you will need both KEY AND PASSPHRASE to access this repo!

The key of a repokey or authenticated repository lies inside the repository, that of a
keyfile repository in your home folder. Keep a copy of it elsewhere:

  tsborg key export           REPOSITORY encrypted-key-backup
  tsborg key export --paper   REPOSITORY
  tsborg key export --qr-html REPOSITORY encrypted-key-backup.html

Without the passphrase the copies are of no use, neither to you nor to anybody else.`

export const init: Command<typeof initTable> = {
  table: initTable,
  async run(args, io) {
    const engine = await loadEngine()
    const mode = args.encryption as keyof typeof engine.modes
    await engine.initRepository(
      args.location,
      {
        ...openOptions(engine, io, 'write'),
        encryption: mode,
        passphrase: () => freshPassphrase(io),
        appendOnly: args.appendOnly,
        quotaBytes: args.storageQuota,
        makeParents: args.makeParentDirs,
        relatedSecrets: await relatedSecrets(args.importRelatedSecrets, engine, io),
      },
      io.run,
    )
    if (mode !== 'none') io.log('warning', keyNotice)
    return undefined
  },
}

async function freshPassphrase(io: CliIo): Promise<string> {
  try {
    return await io.passphrases.fresh()
  } catch (error) {
    // Nobody there to answer: nothing was decided, and nothing stays behind.
    if (isBorgError(error, 'NoPassphraseFailure')) throw new BorgError('CancelledByUser', [], { cause: error })
    throw error
  }
}

async function relatedSecrets(
  path: string | undefined,
  engine: Engine,
  io: CliIo,
): Promise<ReturnType<Engine['parseRelatedSecrets']> | undefined> {
  return path === undefined ? undefined : engine.parseRelatedSecrets(await readInput(path, io), path)
}
