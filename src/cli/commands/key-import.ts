/**
 * `key import`. Source: CLI contract, commands §12.
 */
import { existsSync } from 'node:fs'
import { BorgError, nativePath } from '../../parsing.ts'
import type { ArgsOf } from '../args/argument.ts'
import { keyImportTable } from '../args/tables/key.ts'
import type { CliIo, Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'
import { readInput } from '../named-files.ts'

export const keyImport: Command<typeof keyImportTable> = {
  table: keyImportTable,
  async run(args, io) {
    const engine = await loadEngine()
    const options = openOptions(engine, io, 'unlocked')
    await using repository = await engine.connectRepository(args.location, options, io.run)
    refuseBadInput(args)
    const keyFiles = engine.localKeyFiles(engine.defaultDirectories(io.env))
    const places = { keyFiles, location: args.location.location }
    if (args.path !== undefined) {
      await engine.importKey(repository, await readInput(args.path, io), places)
      return undefined
    }
    const imported = await engine.importPaperKey(repository, dialogue(io), places)
    if (imported === undefined) io.write('\n - aborted\n')
    return undefined
  },
}

function refuseBadInput({ paper, path }: ArgsOf<typeof keyImportTable>): void {
  if (paper && path !== undefined) {
    throw new BorgError('CommandError', ['with --paper import from file is not supported'])
  }
  if (!paper && path === undefined) throw new BorgError('CommandError', ['expected input file to import key from'])
  if (path !== undefined && path !== '-' && !existsSync(nativePath(path))) {
    throw new BorgError('CommandError', [`input file does not exist: ${path}`])
  }
}

function dialogue(io: CliIo): Parameters<Awaited<ReturnType<typeof loadEngine>>['importPaperKey']>[1] {
  const lines = linesOf(io.stdin)
  const ask = async (prompt: string, write = (text: string) => io.write(text)): Promise<string | undefined> => {
    write(prompt)
    const next = await lines.next()
    return next.done === true ? undefined : next.value
  }
  return {
    ask,
    complain: (complaint) => io.write(`${complaint}\n`),
    confirmAbort: async () =>
      /^(y|yes|1)$/i.test((await ask('Abort import? [yN]:', (text) => io.writeError(text))) ?? 'yes'),
  }
}

async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string, undefined> {
  let rest = ''
  for await (const bytes of input) {
    rest += Buffer.from(bytes).toString('utf8')
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
  return undefined
}
