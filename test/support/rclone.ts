/**
 * Debian's rclone with a configuration of the test's own.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RcloneOptions } from '../../src/rclone/rclone-remote.ts'

export const haveRclone = spawnSync('rclone', ['version']).status === 0
if (!haveRclone) console.warn('SKIPPED: rclone is not installed (test/support/install-borg.sh gets it)')

/** Remotes `disk` (this machine) and `secret` (crypt over FOLDER/crypt). */
export function rcloneConfig(folder: string): RcloneOptions {
  const config = join(folder, 'rclone.conf')
  const below = join(folder, 'crypt')
  mkdirSync(below, { recursive: true })
  const password = execFileSync('rclone', ['obscure', 'a passphrase of rclone'], { encoding: 'utf8' }).trim()
  writeFileSync(config, `[secret]\ntype = crypt\nremote = ${below}\npassword = ${password}\n\n[disk]\ntype = local\n`, {
    mode: 0o600,
  })
  return { options: ['--config', config], environment: { PATH: process.env['PATH'], HOME: folder } }
}
