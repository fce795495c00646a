/**
 * BORG_* variables as typed settings.
 * Source: CLI contract "Environment". Variables that borg 1.4 ignores, or that mean nothing here, are left out.
 */
export type Env = Readonly<Record<string, string | undefined>>

export interface Environment {
  /** BORG_REPO, placeholders not yet expanded. */
  readonly repository: string | undefined
  readonly exitCodes: 'legacy' | 'modern'
  readonly hostId: string | undefined
  /** Recorded in archives and meant by {hostname} and {user}. */
  readonly hostname: string | undefined
  readonly username: string | undefined
  readonly rsh: string | undefined
  readonly remotePath: string | undefined
  readonly filesCacheSuffix: string | undefined
  readonly filesCacheAgeMax: number | undefined
  readonly useChunksArchive: boolean
  readonly showSystemInfo: boolean
  readonly workarounds: ReadonlySet<string>
  readonly jsonIndent: string | undefined
  readonly loggingConfiguration: string | undefined
  readonly fuseImplementation: string | undefined
  readonly sshOriginalCommand: string | undefined
  /** Descriptor that a process in the background tells whoever started it that it serves: see background.ts. */
  readonly newsDescriptor: number | undefined
  /** Of the terminal; COLUMNS wins over what the terminal says. */
  readonly columns: number | undefined
}

export const newsVariable = 'TSBORG_READY_FD'

export function readEnvironment(env: Env): Environment {
  return {
    repository: env['BORG_REPO'],
    exitCodes: env['BORG_EXIT_CODES'] === 'modern' ? 'modern' : 'legacy',
    hostId: env['BORG_HOST_ID'],
    hostname: env['BORG_HOSTNAME'],
    username: env['BORG_USERNAME'],
    rsh: env['BORG_RSH'],
    remotePath: env['BORG_REMOTE_PATH'],
    filesCacheSuffix: env['BORG_FILES_CACHE_SUFFIX'],
    filesCacheAgeMax: wholeNumber(env['BORG_FILES_CACHE_TTL']),
    useChunksArchive: ['yes', '1', 'true'].includes((env['BORG_USE_CHUNKS_ARCHIVE'] ?? 'yes').toLowerCase()),
    showSystemInfo: env['BORG_SHOW_SYSINFO'] !== 'no',
    workarounds: new Set((env['BORG_WORKAROUNDS'] ?? '').split(',').filter((word) => word !== '')),
    jsonIndent: env['BORG_JSON_INDENT'],
    loggingConfiguration: env['BORG_LOGGING_CONF'],
    fuseImplementation: env['BORG_FUSE_IMPL'],
    sshOriginalCommand: env['SSH_ORIGINAL_COMMAND'],
    newsDescriptor: wholeNumber(env[newsVariable]),
    columns: wholeNumber(env['COLUMNS']),
  }
}

/** For programs we start: they get everything but the passphrase and what is between us, and learn which version called. */
export function childEnvironment(env: Env, version: string): Env {
  const { BORG_PASSPHRASE: _, [newsVariable]: __, ...rest } = env
  return { ...rest, BORG_VERSION: version }
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}
