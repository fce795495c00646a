/**
 * What the command line and the environment say about servers: BORG_RSH, BORG_REMOTE_PATH, --rsh and its neighbours.
 * Source: CLI contract, common.md §3 "Remote start".
 */
import type { RemoteOptions } from '../index.ts'
import { BorgError, expandPlaceholders } from '../parsing.ts'
import type { S3StoreOptions } from '../stores.ts'
import type { LogThreshold } from './args/common-options.ts'
import type { CliIo } from './command.ts'
import { splitShellWords } from './shell-words.ts'

/** The SSH client that is built in, instead of a program; options of OpenSSH may follow: -F, -i, -o, -J. */
const builtin = 'builtin:'

const levelOptions: Readonly<Record<LogThreshold, readonly string[]>> = {
  debug: ['--debug'],
  info: ['--info'],
  warning: [],
  error: ['--error'],
  critical: ['--critical'],
}

export function remoteOptions({ common, environment, env, host, passphrases }: CliIo): RemoteOptions {
  const { hostname, username } = environment
  const remoteBorg = common.remotePath ?? environment.remotePath
  const topics = common.debugTopics.filter((topic) => topic.includes('repository'))
  const [program = 'ssh', ...words] = connectingWords(common.rsh, environment.rsh)
  const isBuiltin = program === builtin
  const { uploadRatelimit } = common
  return {
    rsh: isBuiltin ? 'builtin' : [program, ...words],
    // What another program is told is none of our client's business.
    ssh: { arguments: isBuiltin ? words : [], agentSocket: env['SSH_AUTH_SOCK'], ...passphrases.ssh },
    remoteBorg: remoteBorg === undefined ? undefined : expandPlaceholders(remoteBorg, host, { hostname, username }),
    serveOptions: [...levelOptions[common.logLevel], ...topics.map((topic) => `--debug-topic=${topic}`)],
    environment: env,
    s3: { storageClass: env['TSBORG_S3_STORAGE_CLASS'], addressing: addressing(env['TSBORG_S3_ADDRESSING']) },
    rclone: { program: env['TSBORG_RCLONE'] },
    uploadBytesPerSecond: uploadRatelimit === undefined || uploadRatelimit <= 0 ? undefined : uploadRatelimit * 1024,
    uploadBufferBytes: common.uploadBuffer === undefined ? undefined : common.uploadBuffer * 1024 * 1024,
  }
}

function addressing(style: string | undefined): S3StoreOptions['addressing'] {
  if (style === undefined || style === '') return undefined
  if (style === 'path' || style === 'virtual' || style === 'auto') return style
  throw new BorgError('CommandError', [`TSBORG_S3_ADDRESSING: path, virtual or auto, not '${style}'`])
}

function connectingWords(option: string | undefined, variable: string | undefined): readonly string[] {
  const text = option ?? variable ?? ''
  try {
    return splitShellWords(text)
  } catch (error) {
    const where = option === undefined ? 'BORG_RSH' : '--rsh'
    throw new BorgError('CommandError', [`${where}: ${(error as Error).message} in "${text}"`], { cause: error })
  }
}
