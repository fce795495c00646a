/**
 * OpenSSH's SFTP server without SSH around it: as anybody, quickly, with fewer extensions or a line that breaks.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { PacketStream } from '../../src/sftp/packets.ts'
import { type SftpLocation, SftpStore, type SftpStoreOptions } from '../../src/sftp/sftp-store.ts'
import { SftpSession } from '../../src/sftp/sftp-session.ts'
import type { SshExecChannel, SshExit } from '../../src/ssh/connection.ts'

const programs = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server', '/usr/libexec/sftp-server']
const program = programs.find((path) => existsSync(path))

/** As `haveSshd`: tells people why something is skipped. */
export function haveSftpServer(what: string): boolean {
  if (program === undefined) console.warn(`SKIPPED: ${what}: there is no sftp-server (Debian: openssh-sftp-server)`)
  return program !== undefined
}

/** Extensions that older and other servers lack, by OpenSSH's names for `-P`. */
export const everyExtension = [
  'posix-rename',
  'statvfs',
  'fstatvfs',
  'hardlink',
  'fsync',
  'lsetstat',
  'limits',
  'expand-path',
  'copy-data',
  'home-directory',
  'users-groups-by-id',
]

export interface SftpServerOptions {
  /** Requests and extensions it does not know. */
  readonly without?: readonly string[] | undefined
  /** Where it starts. */
  readonly folder?: string | undefined
  /** Requests it still gets (the greeting is the first) before the line breaks. */
  readonly requests?: number | undefined
  /** Bytes it may still answer before the line breaks. */
  readonly answerBytes?: number | undefined
}

export interface SftpServer extends SshExecChannel {
  /** Of requests seen so far, and bytes answered. */
  readonly seen: { requests: number; answerBytes: number }
}

export function startSftpServer(options: SftpServerOptions = {}): SftpServer {
  const denied = options.without?.length ? ['-P', options.without.join(',')] : []
  const child = spawn(program ?? 'sftp-server', ['-e', ...denied], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: options.folder,
  })
  const seen = { requests: 0, answerBytes: 0 }
  const breakLine = (): void => void child.kill('SIGKILL')
  const stdin = new PassThrough()
  const packets = new PacketStream(1024 * 1024)
  stdin.on('data', (bytes: Buffer) => {
    for (const packet of packets.add(bytes)) {
      if (seen.requests === options.requests) {
        breakLine()
        return
      }
      seen.requests += 1
      const length = Buffer.alloc(4)
      length.writeUInt32BE(packet.length)
      child.stdin.write(length)
      child.stdin.write(packet)
    }
  })
  stdin.on('end', () => child.stdin.end())
  child.stdin.on('error', () => {})
  const stdout = new PassThrough()
  child.stdout.on('data', (bytes: Buffer) => {
    const left = Math.max(0, (options.answerBytes ?? Number.POSITIVE_INFINITY) - seen.answerBytes)
    seen.answerBytes += Math.min(left, bytes.length)
    stdout.write(bytes.subarray(0, left))
    if (left < bytes.length) breakLine()
  })
  child.stdout.on('end', () => stdout.end())
  return { seen, stdin, stdout, stderr: child.stderr, exit: exitOf(child), close: breakLine }
}

function exitOf(child: ChildProcess): Promise<SshExit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) =>
      resolve({ code: code ?? undefined, signal: signal ?? undefined, lost: undefined }),
    )
  })
}

/** A Store on such a server; each has its own. */
export function sftpStoreOn(path: string, server: SftpServerOptions = {}, options: SftpStoreOptions = {}): SftpStore {
  const location: SftpLocation = { scheme: 'sftp', host: 'server.example', path }
  const connect = async () => ({
    session: await SftpSession.open(startSftpServer(server), `sftp://server.example${path}`),
  })
  return new SftpStore(location, connect, options)
}
