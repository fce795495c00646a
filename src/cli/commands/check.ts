/**
 * `check`. Source: CLI contract, commands §11.
 */
import { BorgError } from '../../parsing.ts'
import type { ArgsOf } from '../args/argument.ts'
import { checkTable } from '../args/tables/check.ts'
import type { CliIo, Command } from '../command.ts'
import { hasFilters, loadEngine, openOptions, selectionOf } from '../engine.ts'

type Arguments = ArgsOf<typeof checkTable>

const repairWarning = `This is a potentially dangerous function.
check --repair might lead to data loss (for kinds of corruption it is not
capable of dealing with). BE VERY CAREFUL!

Type 'YES' if you understand this and want to continue: `

export const check: Command<typeof checkTable> = {
  table: checkTable,
  async run(args, io) {
    if (args.repair) await confirmRepair(io)
    const engine = await loadEngine()
    const open = openOptions(engine, io, io.common.bypassLock ? 'unlocked' : 'write')
    await using repository = await engine.connectRepository(args.location, open, io.run)
    refuseContradictions(args)
    const { repair, verifyData, maxDuration } = args
    if (
      !args.archivesOnly &&
      !(await engine.checkRepository(repository, { repair, maxSeconds: maxDuration }, io.run))
    ) {
      return 1
    }
    if (args.repositoryOnly) return undefined
    const what = { repair, verifyData, archive: args.location.archive, selection: selectionOf(args) }
    return (await engine.checkArchives(repository, open, what, io.run)) ? undefined : 1
  },
}

async function confirmRepair(io: CliIo): Promise<void> {
  const agreed = await io.ask({ msgid: 'BORG_CHECK_I_KNOW_WHAT_I_AM_DOING', text: repairWarning })
  if (!agreed) throw new BorgError('CancelledByUser', [])
}

function refuseContradictions(args: Arguments): void {
  if (args.repositoryOnly && (args.verifyData || hasFilters(args))) {
    throw new BorgError('CommandError', [
      '--repository-only contradicts --first, --last, --glob-archives, --prefix and --verify-data arguments.',
    ])
  }
  if (args.repair && args.maxDuration > 0) {
    throw new BorgError('CommandError', ['--repair does not allow --max-duration argument.'])
  }
  if (args.maxDuration > 0 && !args.repositoryOnly) {
    throw new BorgError('CommandError', ['--repository-only is required for --max-duration support.'])
  }
}
