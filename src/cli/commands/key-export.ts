/**
 * `key export` and `key export-related-secrets`. Source: CLI contract, commands §12.
 */
import { statSync } from 'node:fs'
import { BorgError, nativePath } from '../../parsing.ts'
import { keyExportRelatedSecretsTable, keyExportTable } from '../args/tables/key.ts'
import type { CliIo, Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'
import { writePrivateFile } from '../named-files.ts'

export const keyExport: Command<typeof keyExportTable> = {
  table: keyExportTable,
  async run(args, io) {
    refuseFolder(args.path)
    const engine = await loadEngine()
    const options = openOptions(engine, io, 'unlocked')
    await using repository = await engine.connectRepository(args.location, options, io.run)
    const keyFiles = engine.localKeyFiles(engine.defaultDirectories(io.env))
    const format = args.paper ? 'paper' : args.qrHtml ? 'qr-html' : 'plain'
    await output(await engine.exportKey(repository, { keyFiles, format }), args.path, io)
    return undefined
  },
}

export const keyExportRelatedSecrets: Command<typeof keyExportRelatedSecretsTable> = {
  table: keyExportRelatedSecretsTable,
  async run(args, io) {
    refuseFolder(args.path)
    const engine = await loadEngine()
    await using session = await engine.openRepository(args.location, openOptions(engine, io, 'read'), io.run)
    await output(engine.exportRelatedSecrets(session.key), args.path, io)
    return undefined
  },
}

function refuseFolder(path: string | undefined): void {
  if (path === undefined || path === '-') return
  if (statSync(nativePath(path), { throwIfNoEntry: false })?.isDirectory() !== true) return
  throw new BorgError('CommandError', [`'${path}' must be a file, not a directory`])
}

async function output(text: string, path: string | undefined, io: CliIo): Promise<void> {
  if (path === undefined || path === '-') io.write(text)
  else await writePrivateFile(path, text)
}
