/**
 * The borgs on this machine, to compare with. Where one is missing, tests that need it say so loudly and are skipped.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface RealBorg {
  /** '1.2.4' */
  readonly version: string
  readonly command: string
}

export interface BorgRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const candidates = ['borg', fileURLToPath(new URL('../../.cache/borg-1.4/borg', import.meta.url))]

/** Every borg found, oldest first. */
export function findBorgs(): readonly RealBorg[] {
  const found = candidates.flatMap((command) => {
    if (command.includes('/') && !existsSync(command)) return []
    const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' })
    return status === 0 ? [{ command, version: stdout.trim().split(' ')[1] ?? '?' }] : []
  })
  if (found.length < candidates.length) {
    const versions = found.map((borg) => borg.version).join(', ') || 'none'
    console.warn(
      `SKIPPED: not every borg is here (found: ${versions}); run test/support/install-borg.sh as root on Debian`,
    )
  }
  return found
}

/** A folder with its own borg world: config, cache, keys and security directories belong to it alone. */
export class BorgWorld {
  readonly folder: string
  readonly passphrase: string
  readonly environment: Record<string, string>

  constructor(options: { passphrase?: string; environment?: Record<string, string> } = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'tsborg-interop-'))
    this.passphrase = options.passphrase ?? 'correct horse'
    mkdirSync(join(this.folder, 'base'))
    this.environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: join(this.folder, 'base'),
      BORG_BASE_DIR: join(this.folder, 'base'),
      BORG_PASSPHRASE: this.passphrase,
      BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
      BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      ...options.environment,
    }
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts)
  }

  /** Runs any command in this world; `cwd` is relative to its folder. */
  run(
    command: string,
    args: readonly string[],
    options: { cwd?: string; environment?: Record<string, string>; input?: string | Uint8Array } = {},
  ): BorgRun {
    const result: SpawnSyncReturns<string> = spawnSync(command, args, {
      cwd: this.path(options.cwd ?? '.'),
      env: { ...this.environment, ...options.environment },
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
      ...(options.input === undefined ? {} : { input: options.input }),
    })
    if (result.error !== undefined) throw result.error
    return { code: result.status, stdout: result.stdout, stderr: result.stderr }
  }

  /** As `run`, but anything other than exit code 0 fails the test with borg's own words. */
  must(command: string, args: readonly string[], options: Parameters<BorgWorld['run']>[2] = {}): BorgRun {
    const result = this.run(command, args, options)
    if (result.code !== 0)
      throw new Error(`${command} ${args.join(' ')}: exit ${result.code}\n${result.stdout}${result.stderr}`)
    return result
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
