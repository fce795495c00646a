#!/usr/bin/env node
/**
 * The executable: the process in, an exit code out.
 *
 * `--version` in first place is answered before anything else is loaded: programs that drive us ask it often.
 */
// Node's own warnings (deprecations, experiments) are not for those who read our stderr, least of all as JSON lines.
process.removeAllListeners('warning')

const argv = process.argv.slice(2)
const program =
  (process.argv[1] ?? 'tsborg')
    .split(/[/\\]/)
    .at(-1)
    ?.replace(/\.[cm]?[jt]s$/, '') || 'tsborg'

if (argv[0] === '--version' || argv[0] === '-V') {
  // Announced to clients that gate features on it; kept equal to base/limits.ts by a test.
  process.stdout.write(`${program} 1.4.5\n`)
} else {
  const { runProcess } = await import('./node-process.ts')
  await runProcess(argv, program)
}
