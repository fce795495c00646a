/**
 * `key change-passphrase` and `key migrate-to-repokey`. Source: CLI contract, commands §12.
 */
import { keyChangePassphraseTable, keyMigrateToRepokeyTable } from '../args/tables/key.ts'
import type { Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'

export const keyChangePassphrase: Command<typeof keyChangePassphraseTable> = {
  table: keyChangePassphraseTable,
  async run(args, io) {
    const engine = await loadEngine()
    const options = openOptions(engine, io, 'read')
    await using repository = await engine.connectRepository(args.location, options, io.run)
    const keyFiles = engine.localKeyFiles(engine.defaultDirectories(io.env))
    const manifest = await engine.loadManifest(repository)
    const unlocked = await engine.unlock(repository, manifest, { keyFiles, passphrase: options.passphrase })
    const newPassphrase = unlocked.stored === undefined ? '' : await io.passphrases.fresh()
    const place = await engine.changePassphrase(repository, unlocked, { newPassphrase, keyFiles, host: io.host })
    io.log('info', 'Key updated')
    io.log('info', `Key location: ${place}`)
    return undefined
  },
}

export const keyMigrateToRepokey: Command<typeof keyMigrateToRepokeyTable> = {
  table: keyMigrateToRepokeyTable,
  async run(args, io) {
    const engine = await loadEngine()
    const options = openOptions(engine, io, 'read')
    await using repository = await engine.connectRepository(args.location, options, io.run)
    const { passphrase } = options
    await engine.migrateToRepokey(repository, { passphrase, newPassphrase: async (old) => old, host: io.host })
    io.log('info', 'Key updated')
    return undefined
  },
}
