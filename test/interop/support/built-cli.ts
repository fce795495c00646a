/**
 * The built command line, run as a user runs it. TSBORG_CLI names another build than dist/.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BorgRun, BorgWorld } from '../../support/real-borg.ts'

export const builtCli =
  process.env['TSBORG_CLI'] ?? fileURLToPath(new URL('../../../dist/cli/tsborg.js', import.meta.url))

export const isBuilt = existsSync(builtCli)
if (!isBuilt) console.warn(`SKIPPED: ${builtCli} is not there; npm run build makes it`)

/** Runs our CLI in a world made for borg: same directories, same variables. */
export function runCli(
  world: Pick<BorgWorld, 'run'>,
  args: readonly string[],
  options: Parameters<BorgWorld['run']>[2] = {},
): BorgRun {
  return world.run(process.execPath, [builtCli, ...args], options)
}

/** As `runCli`, but anything other than exit code 0 fails the test with the program's own words. */
export function mustCli(
  world: Pick<BorgWorld, 'run'>,
  args: readonly string[],
  options: Parameters<BorgWorld['run']>[2] = {},
): BorgRun {
  const run = runCli(world, args, options)
  if (run.code !== 0) throw new Error(`tsborg ${args.join(' ')}: exit ${run.code}\n${run.stdout}${run.stderr}`)
  return run
}
