/**
 * A real OpenSSH server on a loopback port, with keys of its own that vanish with it. Where there is none, tests that
 * need it say so loudly and are skipped.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { makeTempFolder, removeTempFolder } from './temp-folder.ts'

const program = '/usr/sbin/sshd'

export interface SshdOptions {
  /** Run instead of whatever a client asks for; the client's wish is in SSH_ORIGINAL_COMMAND. */
  readonly forceCommand?: string | undefined
  /** Of every session, over the server's own: PATH, BORG_BASE_DIR ... */
  readonly environment?: Readonly<Record<string, string>> | undefined
  /** 'internal-sftp' unless told otherwise. */
  readonly sftp?: string | undefined
  /** Kinds of host keys, as `ssh-keygen -t` calls them. ed25519 unless told otherwise. */
  readonly hostKeys?: readonly string[] | undefined
  /** Lines for sshd_config; of two equal settings the first counts, and these come first. */
  readonly settings?: readonly string[] | undefined
}

export interface Sshd extends AsyncDisposable {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly user: string
  /** Holds everything below; tests may put keys and files there. */
  readonly folder: string
  readonly knownHostsFile: string
  /** A private key, without passphrase, that the server lets in. */
  readonly identityFile: string
  /** One public key a line, in OpenSSH's form; read at every login. */
  readonly authorizedKeysFile: string
  /** For BORG_RSH: knows this server and its key, and reads no settings of the person who runs the tests. */
  readonly sshCommand: string
  /** What the server said so far. */
  log(): string
  stop(): Promise<void>
}

/** Why there can be no server here; undefined where there can. */
export function sshdMissing(): string | undefined {
  if (!existsSync(program)) return `there is no ${program} (Debian: openssh-server)`
  if (process.getuid?.() !== 0) return 'a server that lets people in needs root'
  return undefined
}

/** As `sshdMissing() === undefined`, and tells people why not. */
export function haveSshd(what: string): boolean {
  const reason = sshdMissing()
  if (reason !== undefined) console.warn(`SKIPPED: ${what}: ${reason}`)
  return reason === undefined
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  // Where the process without rights is locked into; Debian's service would make it.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const folder = makeTempFolder()
  try {
    const hostKeys = (options.hostKeys ?? ['ed25519']).map((kind) => makeKey(join(folder, `host_${kind}`), kind))
    const identityFile = makeKey(join(folder, 'identity'), 'ed25519')
    const authorizedKeysFile = join(folder, 'authorized_keys')
    writeFileSync(authorizedKeysFile, readFileSync(`${identityFile}.pub`))
    // Another process may take the port between our look and the server's start.
    for (let attempt = 1; ; attempt++) {
      const port = await freePort()
      const settings = configuration(options, port, hostKeys, authorizedKeysFile)
      const running = await start(join(folder, 'sshd_config'), settings)
      if (running !== undefined) return described(running, folder, port, hostKeys)
      if (attempt === 5) throw new Error(`sshd did not start, the last time on port ${port}`)
    }
  } catch (error) {
    removeTempFolder(folder)
    throw error
  }
}

/** Makes `path` and `path`.pub; the key is as short as its kind allows. */
export function makeKey(path: string, kind: string, passphrase = ''): string {
  const bits = kind === 'rsa' ? ['-b', '2048'] : []
  execFileSync('ssh-keygen', ['-q', '-t', kind, ...bits, '-N', passphrase, '-C', 'test', '-f', path])
  return path
}

function configuration(options: SshdOptions, port: number, hostKeys: readonly string[], authorized: string): string {
  const environment = Object.entries(options.environment ?? {}).map(([name, value]) => `"${name}=${value}"`)
  return [
    ...(options.settings ?? []),
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...hostKeys.map((path) => `HostKey ${path}`),
    `AuthorizedKeysFile ${authorized}`,
    'PidFile none',
    'PermitRootLogin yes',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UseDNS no',
    'PrintMotd no',
    'MaxStartups 100',
    'MaxSessions 100',
    'LogLevel VERBOSE',
    ...(options.forceCommand === undefined ? [] : [`ForceCommand ${options.forceCommand}`]),
    // Of several such lines only the first would count.
    ...(environment.length === 0 ? [] : [`SetEnv ${environment.join(' ')}`]),
    `Subsystem sftp ${options.sftp ?? 'internal-sftp'}`,
    '',
  ].join('\n')
}

interface Running {
  readonly child: ChildProcess
  readonly log: () => string
}

/** Undefined when the port was taken. */
async function start(configFile: string, settings: string): Promise<Running | undefined> {
  writeFileSync(configFile, settings)
  const child = spawn(program, ['-D', '-e', '-f', configFile], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  const listening = new Promise<boolean>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => {
      if (said.includes('Address already in use')) resolve(false)
      else reject(new Error(`sshd ended: ${said}`))
    })
    child.stderr?.on('data', (bytes: Buffer) => {
      said += bytes.toString()
      if (said.includes('Server listening')) resolve(true)
    })
  })
  return (await listening) ? { child, log: () => said } : undefined
}

function described(running: Running, folder: string, port: number, hostKeys: readonly string[]): Sshd {
  const knownHostsFile = join(folder, 'known_hosts')
  const identityFile = join(folder, 'identity')
  const lines = hostKeys.map((path) => `[127.0.0.1]:${port} ${readFileSync(`${path}.pub`, 'utf8')}`)
  writeFileSync(knownHostsFile, lines.join(''))
  const stop = async (): Promise<void> => {
    const { child } = running
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
    removeTempFolder(folder)
  }
  const settings = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
  ]
  return {
    host: '127.0.0.1',
    port,
    user: userInfo().username,
    folder,
    knownHostsFile,
    identityFile,
    authorizedKeysFile: join(folder, 'authorized_keys'),
    sshCommand: [
      'ssh -F none',
      ...settings.map((setting) => `-o ${setting}`),
      `-o UserKnownHostsFile=${knownHostsFile}`,
      `-i ${identityFile}`,
    ].join(' '),
    log: running.log,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a port has no number')
  return address.port
}
