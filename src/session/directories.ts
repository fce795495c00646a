/**
 * Where this client keeps what it knows: borg's directories, by borg's rules. Keys and security are shared with borg.
 *
 * The one file of the engine that reads the environment, as defaults of its parameters.
 * Source: CLI contract common.md section 19, format sheet crypto.md section 4; tried out with borg 1.2.4.
 */
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'

/** Absolute paths. */
export interface Directories {
  readonly config: string
  readonly cache: string
  readonly security: string
  readonly keys: string
  /** BORG_KEY_FILE: the one key file to use, wherever it is. */
  readonly keyFile?: string | undefined
  /** Where borg before 1.0 kept key files, when they would be somewhere else now. */
  readonly oldKeys?: string | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * An empty variable counts as unset (borg takes some empty ones for the working directory). The XDG variables only
 * count as long as BORG_BASE_DIR is unset: who moves the base moves everything below it.
 */
export function defaultDirectories(env: Environment = process.env, home: string = homeFolder(env)): Directories {
  const movedBase = env['BORG_BASE_DIR']
  const below = (xdg: string, folder: string): string =>
    join((!movedBase && env[xdg]) || join(movedBase || home, folder), 'borg')
  const config = resolve(env['BORG_CONFIG_DIR'] || below('XDG_CONFIG_HOME', '.config'))
  const keyFile = env['BORG_KEY_FILE']
  return {
    config,
    cache: resolve(env['BORG_CACHE_DIR'] || below('XDG_CACHE_HOME', '.cache')),
    security: resolve(env['BORG_SECURITY_DIR'] || join(config, 'security')),
    keys: resolve(env['BORG_KEYS_DIR'] || join(config, 'keys')),
    ...(keyFile ? { keyFile: resolve(keyFile) } : {}),
    ...(env['BORG_KEYS_DIR'] ? {} : { oldKeys: resolve(movedBase || home, '.borg', 'keys') }),
  }
}

/** For what is looked up elsewhere and not handed in: `defaultDirectories` has it as a default of its own. */
export function processEnvironment(): Environment {
  return process.env
}

/** Homes of root; Node cannot look up other users. */
const rootHomes: ReadonlySet<string> = new Set(['/root', '/var/root'])

/** HOME, unless it is a leftover of root's after `sudo -u`: files made there would be in root's way, or fail. */
export function homeFolder(env: Environment): string {
  const home = env['HOME']
  const foreign = home !== undefined && rootHomes.has(resolve(home)) && process.geteuid?.() !== 0
  return home && !foreign ? home : userInfo().homedir
}
