/**
 * `upgrade`. Source: CLI contract, commands §18; decision 021 for what we do not convert.
 */
import type { TamChange, WriteSession } from '../../index.ts'
import { toHex } from '../../parsing.ts'
import type { ArgsOf } from '../args/argument.ts'
import { upgradeTable } from '../args/tables/upgrade.ts'
import type { CliIo, Command } from '../command.ts'
import { type Engine, entryLine, loadEngine, openOptions } from '../engine.ts'

type Arguments = ArgsOf<typeof upgradeTable>

export const upgrade: Command<typeof upgradeTable> = {
  table: upgradeTable,
  async run(args, io) {
    const engine = await loadEngine()
    const act = modeOf(args)
    if (act === undefined) {
      await engine.requireModernFormat(args.location, openOptions(engine, io, 'read'), io.run)
      // Borg looks twice, once for each of its ancestors.
      for (let look = 1; look <= 2; look++) io.log('warning', 'no key file found for repository')
      return undefined
    }
    const tamOptional = args.force || act === disableManifestTam
    const options = { ...openOptions(engine, io, 'write'), tamOptional, ignoreInvalidArchiveTam: true }
    await using session = await engine.openRepository(args.location, options, io.run)
    await act(session, engine, io)
    return undefined
  },
}

type Act = (session: WriteSession, engine: Engine, io: CliIo) => Promise<void>

/** As in borg archives win over the manifest, and requiring over disabling. A dry run only checks, where borg writes. */
function modeOf(args: Arguments): Act | undefined {
  if (args.checkArchivesTam || (args.archivesTam && args.dryRun)) return checkArchivesTam
  if (args.archivesTam) return addArchivesTam
  if (args.checkTam || (args.tam && args.dryRun)) return checkManifestTam
  if (args.tam) return requireManifestTam
  if (args.disableTam) return args.dryRun ? async () => {} : disableManifestTam
  return undefined
}

async function checkManifestTam(session: WriteSession, engine: Engine, io: CliIo): Promise<void> {
  const { manifest, key, client } = await engine.tamStatus(session)
  if (!manifest) io.warn('GenericWarning', 'Repository Manifest is not TAM verified or a TAM is not required!')
  if (!key) io.warn('GenericWarning', 'Key does not require TAM authentication!')
  if (!client) io.warn('GenericWarning', 'Client-side security database does not require a TAM!')
  if (manifest && key && client) {
    io.write('Manifest authentication setup OK for this client and this repository.\n')
  }
}

async function requireManifestTam(session: WriteSession, engine: Engine, io: CliIo): Promise<void> {
  const { manifest, client } = await engine.tamStatus(session)
  if (!manifest) {
    // What is about to be vouched for: somebody should look at it.
    io.write('Manifest contents:\n')
    for (const entry of engine.listArchives(session, { considerCheckpoints: true })) io.write(`${entryLine(entry)}\n`)
  }
  reportKey(await engine.requireTam(session, io.run), io)
  if (!client) io.write('Updated security database\n')
}

async function disableManifestTam(session: WriteSession, engine: Engine, io: CliIo): Promise<void> {
  reportKey(await engine.disableTam(session, io.run), io)
}

function reportKey({ keyPlace }: TamChange, io: CliIo): void {
  if (keyPlace !== undefined) io.write(`Key updated\nKey location: ${keyPlace}\n`)
}

async function checkArchivesTam(session: WriteSession, engine: Engine, io: CliIo): Promise<void> {
  let issues = 0
  for await (const { entry, authenticated } of engine.archiveTams(session, io.run)) {
    io.write(`Archive TAM ${authenticated ? 'present' : 'missing'}: ${entryLine(entry)}\n`)
    if (!authenticated) issues++
  }
  if (issues > 0) io.warn('GenericWarning', `Found ${issues} archives with TAM issues!`)
  else io.write('All archives are TAM authenticated.\n')
}

async function addArchivesTam(session: WriteSession, engine: Engine, io: CliIo): Promise<void> {
  const fixed = await engine.authenticateArchives(
    session,
    {
      onArchive: ({ entry, authenticated, id }) => {
        const line = entryLine(entry)
        io.write(authenticated ? `Archive TAM present: ${line}\n` : `Added archive TAM:   ${line} -> [${toHex(id)}]\n`)
      },
    },
    io.run,
  )
  if (fixed > 0) io.write(`Fixed ${fixed} archives with TAM issues!\nAll archives are TAM authenticated now.\n`)
  else io.write('All archives are TAM authenticated.\n')
}
