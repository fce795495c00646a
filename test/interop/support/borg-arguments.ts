/**
 * What borg's own parser makes of command lines: thousands of them in one start of Python.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const borgFolder = fileURLToPath(new URL('../../../.cache/borg-1.4/python', import.meta.url))
const script = fileURLToPath(new URL('./borg-arguments.py', import.meta.url))

export const hasBorgParser = existsSync(borgFolder)
if (!hasBorgParser) console.warn('SKIPPED: borg 1.4 is not here; run test/support/install-borg.sh as root on Debian')

export interface Line {
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export interface BorgOutcome {
  readonly code?: number
  readonly crash?: string
  /** When the line is good: the namespace, by argparse's names. */
  readonly args?: Readonly<Record<string, unknown>>
  readonly stdout: string
  readonly stderr: string
}

export interface BorgAnswer {
  /** All spellings, by command; '' is the main program. */
  readonly options: Readonly<Record<string, readonly string[]>>
  readonly outcomes: readonly BorgOutcome[]
}

export function askBorgParser(lines: readonly Line[], cwd: string): BorgAnswer {
  const run = spawnSync('/usr/bin/python3', [script], {
    cwd,
    encoding: 'utf8',
    input: JSON.stringify({ lines }),
    maxBuffer: 256 * 1024 * 1024,
    env: { PATH: process.env['PATH'], HOME: cwd, PYTHONPATH: borgFolder, TZ: 'UTC', LC_ALL: 'C.UTF-8', COLUMNS: '80' },
  })
  if (run.error !== undefined) throw run.error
  if (run.status !== 0) throw new Error(`${script}: exit ${run.status}\n${run.stderr}`)
  return JSON.parse(run.stdout) as BorgAnswer
}
