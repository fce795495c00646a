/**
 * `config`. Source: CLI contract, commands §13.
 */
import { BorgError } from '../../parsing.ts'
import type { Settings } from '../../index.ts'
import type { ArgsOf } from '../args/argument.ts'
import { configTable } from '../args/tables/config.ts'
import type { CliIo, Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'

type Arguments = ArgsOf<typeof configTable>

export const config: Command<typeof configTable> = {
  table: configTable,
  async run(args, io) {
    if (args.name === undefined && !args.list) throw new BorgError('CommandError', ['No config key name was provided.'])
    const engine = await loadEngine()
    const open = args.cache ? engine.openCacheSettings : engine.openSettings
    const options = openOptions(engine, io, io.common.bypassLock ? 'unlocked' : 'write')
    await using settings = await open(args.location, options, io.run)
    if (args.list) list(settings.list(), args.cache ? 'cache' : 'repository', io)
    else await act(args, args.name ?? '', settings, io)
    return undefined
  },
}

async function act(args: Arguments, fullName: string, settings: Settings, io: CliIo): Promise<void> {
  const section = args.cache ? 'cache' : 'repository'
  const [given, ...rest] = fullName.split('.')
  const name = rest.length > 0 ? rest.join('.') : fullName
  if (rest.length > 0 && given !== section) {
    const complaint = args.value === undefined ? `No section: '${given}'` : `Invalid section: ${given}`
    throw new BorgError('Error', [complaint])
  }
  if (args.delete) await settings.delete(name)
  else if (args.value !== undefined) await settings.set(name, args.value)
  else io.write(`${settings.get(name)}\n`)
}

function list(options: readonly (readonly [string, string | undefined])[], section: string, io: CliIo): void {
  io.write(`[${section}]\n`)
  for (const [name, value] of options) io.write(`${name} = ${value ?? 'False'}\n`)
}
