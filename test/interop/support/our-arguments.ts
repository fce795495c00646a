/**
 * What our parser makes of a command line, without running the command.
 */
import { findCommand, commandSet } from '../../../src/cli/commands.ts'
import { refuseContradictions } from '../../../src/cli/commands/create.ts'
import { run } from '../../../src/cli/main.ts'
import { type FakeProcessOptions, fakeProcess } from '../../cli/fake-process.ts'

export interface OurOutcome {
  readonly code: number
  /** When the line is good. */
  readonly args?: Readonly<Record<string, unknown>>
  readonly common?: Readonly<Record<string, unknown>>
  readonly command?: string
  readonly stdout: string
  readonly stderr: string
}

export async function ourOutcome(argv: readonly string[], world: FakeProcessOptions): Promise<OurOutcome> {
  const io = fakeProcess(world)
  const reached: { args?: object; common?: object; command?: string } = {}
  const code = await run(argv, io, {
    set: commandSet,
    find: (name) => ({
      async load() {
        if (name === 'help') return (await findCommand(name).load?.())!
        return {
          table: await commandSet.loadTable(name),
          async run(args, { common }) {
            if (name === 'create') refuseContradictions(args as never)
            Object.assign(reached, { args, common, command: name })
            return 0
          },
        }
      },
    }),
  })
  return { ...reached, code, stdout: io.out, stderr: io.err } as OurOutcome
}
