/**
 * Which keys a host is known by, as OpenSSH writes it down.
 *
 * A line: [@marker] names type base64-key [comment]. Names are patterns with '*', '?' and '!', or one hashed name
 * '|1|salt|HMAC-SHA1(salt, name)|'. A host on another port than 22 is named '[host]:port'.
 * Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
 */
import { createHash, createHmac } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BorgError, systemErrorCode } from '../base/errors.ts'
import { type SshSettings, sshPortDefault } from './ssh-settings.ts'

export interface KnownKey {
  /** 'revoked' keys are refused whoever shows them; 'authority' keys sign others, which this client does not check. */
  readonly kind: 'host' | 'revoked' | 'authority'
  readonly type: string
  /** The public key, in base64 of its wire form. */
  readonly key: string
  /** False when it is noted for the host without its port: another service there may have another key. */
  readonly exact: boolean
  /** 'file:line', for messages. */
  readonly where: string
}

export type HostKeyVerdict =
  | { kind: 'known' }
  | { kind: 'unknown' }
  | { kind: 'changed'; where: string }
  | { kind: 'revoked'; where: string }

/** Keys of every file that say something about this host. Missing files say nothing. */
export async function loadKnownKeys(settings: SshSettings): Promise<readonly KnownKey[]> {
  const found: KnownKey[] = []
  for (const file of settings.knownHostsFiles) {
    const text = await readText(file)
    if (text !== undefined) found.push(...knownKeysIn(text, file, namesOf(settings)))
  }
  return found
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Names this host may have in known_hosts. On another port OpenSSH also takes a key noted for the bare name. */
function namesOf({ hostKeyAlias, hostname, port }: SshSettings): readonly string[] {
  if (hostKeyAlias !== undefined) return [hostKeyAlias]
  const host = hostname.toLowerCase()
  return port === sshPortDefault ? [host] : [`[${host}]:${port}`, host]
}

/** `names`: the one this host has, then those it may also be known by. Lines nobody can read are skipped, as OpenSSH does. */
export function knownKeysIn(text: string, file: string, names: readonly string[]): readonly KnownKey[] {
  const found: KnownKey[] = []
  for (const [i, line] of text.split('\n').entries()) {
    const [marker, patterns, type, key] = fieldsOf(line)
    if (patterns === undefined || type === undefined || key === undefined) continue
    const [name = '', ...others] = names
    const exact = matchesName(patterns, name)
    if (!exact && !others.some((other) => matchesName(patterns, other))) continue
    const kind = marker === '@revoked' ? 'revoked' : marker === '@cert-authority' ? 'authority' : 'host'
    found.push({ kind, type, key, exact, where: `${file}:${i + 1}` })
  }
  return found
}

function fieldsOf(line: string): readonly (string | undefined)[] {
  if (/^\s*(#|$)/.test(line)) return []
  const fields = line.trim().split(/\s+/)
  return fields[0]?.startsWith('@') === true ? fields : [undefined, ...fields]
}

export function matchesName(patterns: string, name: string): boolean {
  if (patterns.startsWith('|1|')) return matchesHash(patterns, name)
  let matched = false
  for (const pattern of patterns.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!')
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, name.toLowerCase())) continue
    if (negated) return false
    matched = true
  }
  return matched
}

function matchesHash(text: string, name: string): boolean {
  const [, , salt, hash] = text.split('|')
  if (salt === undefined || hash === undefined) return false
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash
}

function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern.replaceAll(/[\\^$.*+?()[\]{}|]/g, (character) =>
    character === '*' ? '.*' : character === '?' ? '.' : `\\${character}`,
  )
  return new RegExp(`^${source}$`, 's').test(name)
}

/** `key` in its wire form, as the server showed it. */
export function judgeHostKey(known: readonly KnownKey[], key: Uint8Array): HostKeyVerdict {
  const shown = Buffer.from(key).toString('base64')
  const same = known.filter((entry) => entry.key === shown)
  const revoked = same.find(({ kind }) => kind === 'revoked')
  if (revoked !== undefined) return { kind: 'revoked', where: revoked.where }
  if (same.some(({ kind }) => kind === 'host')) return { kind: 'known' }
  // Also when the noted key is of another type: the server was asked for that type first, and has it no more.
  const other = known.find(({ kind, exact }) => kind === 'host' && exact)
  return other === undefined ? { kind: 'unknown' } : { kind: 'changed', where: other.where }
}

/** Types of the keys the host is known by: what it should be asked for. */
export function knownTypes(known: readonly KnownKey[]): readonly string[] {
  return [...new Set(known.filter(({ kind }) => kind === 'host').map(({ type }) => type))]
}

/** As OpenSSH prints it: 'SHA256:' and base64 without its padding. */
export function fingerprint(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** The type at the start of a key's wire form. */
export function keyType(key: Uint8Array): string {
  const bytes = Buffer.from(key)
  const length = bytes.length < 4 ? 0 : bytes.readUInt32BE(0)
  return bytes.toString('latin1', 4, Math.min(bytes.length, 4 + length))
}

/** Writes a new host down. @throws BorgError 'Error' when there is no file to write it to, and the system's errors. */
export async function addKnownKey(settings: SshSettings, key: Uint8Array): Promise<void> {
  const [file] = settings.knownHostsFiles
  if (file === undefined) throw new BorgError('Error', ['no known_hosts file is set, so no new host can be accepted'])
  const line = `${namesOf(settings)[0]} ${keyType(key)} ${Buffer.from(key).toString('base64')}\n`
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600)
  try {
    const { size } = await handle.stat()
    const last = Buffer.alloc(1)
    // Somebody's editor may have left the last line open.
    const open = size > 0 && (await handle.read(last, 0, 1, size - 1)).bytesRead === 1 && last[0] !== 0x0a
    await handle.write(open ? `\n${line}` : line)
  } finally {
    await handle.close()
  }
}

/** For the error of an unknown or changed host. */
export function hostKeyComplaint(settings: SshSettings, key: Uint8Array, known: readonly KnownKey[]): string {
  const verdict = judgeHostKey(known, key)
  const [name = '', file] = [namesOf(settings)[0], settings.knownHostsFiles[0]]
  const shown = `${keyType(key)} key ${fingerprint(key)}`
  switch (verdict.kind) {
    case 'known':
      return ''
    case 'revoked':
      return `The host ${name} shows the ${shown}, which ${verdict.where} revokes.`
    case 'changed':
      return `The host ${name} shows the ${shown}, but another key is noted in ${verdict.where}: somebody may be listening, or the host was set up anew. If you know that it was, remove that line (ssh-keygen -R '${name}').`
    case 'unknown': {
      const authority = known.find(({ kind }) => kind === 'authority')
      const hint =
        authority === undefined
          ? ''
          : ` Host certificates (${authority.where}) are only understood by the system's ssh.`
      return `The host ${name} is not known: it shows the ${shown}. If that is right, add it to ${file ?? 'a known_hosts file'} (connect once with ssh, or use StrictHostKeyChecking=accept-new).${hint}`
    }
  }
}
