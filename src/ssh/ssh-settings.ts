/**
 * What counts for one host: what the caller says, then what OpenSSH's own settings say, then OpenSSH's defaults.
 *
 * OpenSSH reads its settings itself (`ssh -G`): Include, Match and tokens are too many rules to have twice.
 * Source: ssh(1) -G, ssh_config(5).
 */
import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { BorgError, systemErrorCode } from '../base/errors.ts'
import type { SshOptions } from './ssh-options.ts'

export interface SshSettings {
  /** As it was asked for. */
  readonly alias: string
  /** What is connected to. */
  readonly hostname: string
  readonly port: number
  readonly user: string
  /** 0: either. */
  readonly addressFamily: 0 | 4 | 6
  /** Absolute paths; the files need not exist. */
  readonly identityFiles: readonly string[]
  readonly identitiesOnly: boolean
  /** Instead of the name and port, as `hostname` in known_hosts. */
  readonly hostKeyAlias: string | undefined
  readonly knownHostsFiles: readonly string[]
  readonly unknownHosts: 'refuse' | 'accept-new'
  /** The agent's socket; undefined: none. */
  readonly agentSocket: string | undefined
  /** First to be connected to first: '[user@]host[:port]' or an ssh:// URL. */
  readonly jumps: readonly string[]
  /** For a shell; its tokens are not expanded yet. */
  readonly proxyCommand: string | undefined
  readonly connectTimeoutSeconds: number
  readonly keepAliveSeconds: number
  readonly keepAliveCount: number
}

export const sshPortDefault = 22
const secondsDefault = 30
const keepAliveCountDefault = 3
const identityNames = ['id_rsa', 'id_ecdsa', 'id_ed25519']
const globalKnownHosts = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']

/** @throws BorgError 'CommandError' for a host no program should be given, 'Error' when OpenSSH refuses its settings. */
export async function resolveSshSettings(options: SshOptions, signal?: AbortSignal): Promise<SshSettings> {
  requirePlain(options.host, 'host')
  if (options.user !== undefined) requirePlain(options.user, 'user')
  const said = options.settings === 'none' ? undefined : await askOpenSsh(options, signal)
  return settingsOf(options, said ?? new Map())
}

/** A name that starts with '-' would be an option to ssh; control characters would be lines in known_hosts. */
function requirePlain(name: string, what: string): void {
  if (name !== '' && !name.startsWith('-') && !/[\s\p{Cc}]/u.test(name)) return
  throw new BorgError('CommandError', [
    `'${name.replaceAll(/\p{Cc}/gu, '?')}' cannot be the ${what} of an SSH connection`,
  ])
}

/** Lower-case names to values in order. Undefined where there is no OpenSSH client. */
async function askOpenSsh(options: SshOptions, signal?: AbortSignal): Promise<Map<string, string[]> | undefined> {
  const given = options.arguments ?? []
  const port = options.port === undefined ? [] : ['-p', String(options.port)]
  const user = options.user === undefined ? [] : ['-l', options.user]
  const program = options.program ?? 'ssh'
  try {
    const output = await run(program, ['-G', ...port, ...user, ...given, '--', options.host], signal)
    return parseSettings(output)
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
    if (given.length === 0) return undefined
    throw new BorgError('Error', [`'${program}' is needed to understand ${given.join(' ')}, and is not there`])
  }
}

function run(program: string, args: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { encoding: 'utf8', signal }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else if (signal?.aborted === true) reject(signal.reason)
      else if (typeof error.code === 'number') reject(new BorgError('Error', [firstLine(stderr, program)]))
      else reject(error)
    })
    // Whatever it wants to know is not ours to answer.
    child.stdin?.end()
  })
}

function firstLine(stderr: string, program: string): string {
  const line = stderr.split('\n').find((text) => text.trim() !== '' && !text.startsWith('Pseudo-terminal'))
  return `${program} refuses its settings: ${line?.trim() ?? 'it did not say why'}`
}

/** Of `ssh -G`: a name and a value a line; some names come several times. */
export function parseSettings(output: string): Map<string, string[]> {
  const settings = new Map<string, string[]>()
  for (const line of output.split('\n')) {
    const [, name, value] = /^(\w+) (.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) continue
    const values = settings.get(name.toLowerCase()) ?? []
    values.push(value)
    settings.set(name.toLowerCase(), values)
  }
  return settings
}

function settingsOf(options: SshOptions, said: ReadonlyMap<string, readonly string[]>): SshSettings {
  const first = (name: string): string | undefined => unlessNone(said.get(name)?.[0])
  const number = (name: string): number => Number(first(name) ?? 0) || 0
  const home = (path: string): string => path.replace(/^~(?=\/|$)/, userInfo().homedir)
  const identityFiles = said.get('identityfile') ?? identityNames.map((name) => `~/.ssh/${name}`)
  const family = first('addressfamily')
  return {
    alias: options.host,
    hostname: first('hostname') ?? options.host,
    port: options.port ?? (number('port') || sshPortDefault),
    user: options.user ?? first('user') ?? userInfo().username,
    addressFamily: family === 'inet' ? 4 : family === 'inet6' ? 6 : 0,
    identityFiles: [
      ...new Set([...(options.identityFiles ?? []), ...identityFiles.filter((file) => file !== 'none')].map(home)),
    ],
    identitiesOnly: isYes(first('identitiesonly')),
    hostKeyAlias: first('hostkeyalias'),
    knownHostsFiles: (options.knownHostsFiles ?? knownHostsOf(said)).map(home),
    unknownHosts: options.unknownHosts ?? unknownHostsOf(first('stricthostkeychecking')),
    agentSocket: agentOf(options.agentSocket, said.get('identityagent')?.[0]),
    jumps: first('proxyjump')?.split(',') ?? [],
    proxyCommand: first('proxycommand'),
    connectTimeoutSeconds: options.connectTimeoutSeconds ?? (number('connecttimeout') || secondsDefault),
    keepAliveSeconds: options.keepAliveSeconds ?? (number('serveraliveinterval') || secondsDefault),
    keepAliveCount: number('serveralivecountmax') || keepAliveCountDefault,
  }
}

function unlessNone(value: string | undefined): string | undefined {
  return value === 'none' ? undefined : value
}

function isYes(value: string | undefined): boolean {
  return value === 'yes' || value === 'true'
}

/** The user's files come first: that is where new keys go. */
function knownHostsOf(said: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const words = (name: string): readonly string[] | undefined =>
    said.get(name)?.flatMap((line) => line.split(' ').filter((word) => word !== '' && word !== 'none'))
  const own = words('userknownhostsfile') ?? ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']
  return [...own, ...(words('globalknownhostsfile') ?? globalKnownHosts)]
}

/** 'ask' without anybody to ask is 'refuse'; 'no' lets OpenSSH use changed keys, too, which we never do. */
function unknownHostsOf(value: string | undefined): 'refuse' | 'accept-new' {
  return value === 'accept-new' || value === 'no' || value === 'off' || value === 'false' ? 'accept-new' : 'refuse'
}

/** IdentityAgent may name another socket, or none; SSH_AUTH_SOCK and variables are the caller's to know. */
function agentOf(given: string | undefined, setting: string | undefined): string | undefined {
  if (setting === undefined || setting === 'SSH_AUTH_SOCK' || setting.startsWith('$')) return given
  return unlessNone(setting)
}
