/**
 * known_hosts as OpenSSH writes it: ssh-keygen finds and hashes the same names.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  addKnownKey,
  fingerprint,
  hostKeyComplaint,
  judgeHostKey,
  knownKeysIn,
  knownTypes,
  loadKnownKeys,
  matchesName,
} from '../../src/ssh/known-hosts.ts'
import { resolveSshSettings, type SshSettings } from '../../src/ssh/ssh-settings.ts'
import { makeKey } from '../support/sshd.ts'
import { makeTempFolder, removeTempFolder, tempFolder } from '../support/temp-folder.ts'

const keygenMissing = spawnSync('ssh-keygen', ['-?']).error !== undefined
if (keygenMissing) console.warn('SKIPPED: known_hosts beside OpenSSH: there is no ssh-keygen')

const first = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIFirstFirstFirstFirstFirstFirstFirstFirstFir0', 'base64')
const second = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAISecondSecondSecondSecondSecondSecondSecond0', 'base64')
const line = (names: string, key: Buffer, marker = ''): string =>
  `${marker === '' ? '' : `${marker} `}${names} ssh-ed25519 ${key.toString('base64')} somebody\n`

async function settings(host: string, port = 22, knownHostsFiles: readonly string[] = []): Promise<SshSettings> {
  return await resolveSshSettings({ host, port, settings: 'none', knownHostsFiles })
}

describe('names', () => {
  test.each([
    ['example.org', 'example.org', true],
    ['Example.ORG', 'example.org', true],
    ['example.org,192.0.2.1', '192.0.2.1', true],
    ['*.example.org', 'www.example.org', true],
    ['*.example.org', 'example.org', false],
    ['*.example.org,!bad.example.org', 'bad.example.org', false],
    ['!bad.example.org,*.example.org', 'bad.example.org', false],
    ['!bad.example.org', 'good.example.org', false],
    ['host?', 'host7', true],
    ['host?', 'host', false],
    ['host.', 'hostx', false],
    ['[example.org]:2200', '[example.org]:2200', true],
    ['[example.org]:2200', '[example.org]:22', false],
    ['[*.example.org]:2200', '[www.example.org]:2200', true],
  ])('%s and %s: %s', (patterns, name, match) => {
    expect(matchesName(patterns, name)).toBe(match)
  })
})

describe('verdicts', () => {
  const judge = (text: string, key: Buffer, names = ['[host]:2200', 'host']): string =>
    judgeHostKey(knownKeysIn(text, 'file', names), key).kind

  test('a noted key is known, and no other', () => {
    expect(judge(line('[host]:2200', first), first)).toBe('known')
    expect(judge(line('[host]:2200', first), second)).toBe('changed')
    expect(judge(line('other', first), first)).toBe('unknown')
  })

  test('a host may have several keys', () => {
    const text = line('[host]:2200', first) + line('[host]:2200', second)
    expect([judge(text, first), judge(text, second)]).toEqual(['known', 'known'])
  })

  test('a key of the host without port is taken, but says nothing about others', () => {
    expect(judge(line('host', first), first)).toBe('known')
    expect(judge(line('host', first), second)).toBe('unknown')
  })

  test('a revoked key is refused even where it is noted', () => {
    const text = line('[host]:2200', first) + line('*', first, '@revoked')
    expect(judge(text, first, ['host'])).toBe('revoked')
    expect(judge(text + line('[*]:*', first, '@revoked'), first)).toBe('revoked')
  })

  test("an authority's key is no host's", () => {
    expect(judge(line('[host]:2200', first, '@cert-authority'), first)).toBe('unknown')
  })

  test('comments, empty and broken lines say nothing', () => {
    expect(knownKeysIn(`# host\n\n  \nhost\nhost ssh-rsa\n@revoked\n${line('host', first)}`, 'file', ['host'])).toEqual(
      [{ kind: 'host', type: 'ssh-ed25519', key: first.toString('base64'), exact: true, where: 'file:7' }],
    )
  })

  test('what the host is known by is asked for first', () => {
    const keys = knownKeysIn(`host ssh-rsa AAAA\nhost ssh-rsa BBBB\nhost ssh-ed25519 CCCC\n`, 'file', ['host'])
    expect(knownTypes(keys)).toEqual(['ssh-rsa', 'ssh-ed25519'])
  })
})

describe('words', () => {
  test('say what was shown, where the other is noted, and what to do', async () => {
    const where = await settings('host', 2200, ['/home/me/known'])
    const known = knownKeysIn(line('[host]:2200', first), '/home/me/known', ['[host]:2200'])
    expect(hostKeyComplaint(where, second, known)).toMatch(
      /^The host \[host\]:2200 shows the ssh-ed25519 key SHA256:\S{43}, but another key is noted in \/home\/me\/known:1: .*ssh-keygen -R '\[host\]:2200'/,
    )
    expect(hostKeyComplaint(where, second, [])).toMatch(
      /^The host \[host\]:2200 is not known: .* add it to \/home\/me\/known /,
    )
    const authority = knownKeysIn(line('[host]:2200', first, '@cert-authority'), 'ca', ['[host]:2200'])
    expect(hostKeyComplaint(where, second, authority)).toContain('Host certificates (ca:1)')
  })
})

describe('a new host', () => {
  test('is written down so that it is known the next time, after whatever is there', async () => {
    const file = join(tempFolder(), 'new folder', 'known_hosts')
    const where = await settings('Host', 2200, [file])
    await addKnownKey(where, first)
    expect(readFileSync(file, 'utf8')).toBe(`[host]:2200 ssh-ed25519 ${first.toString('base64')}\n`)

    writeFileSync(file, 'other ssh-rsa AAAA')
    await addKnownKey(where, second)
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3)
    expect(judgeHostKey(await loadKnownKeys(where), second)).toEqual({ kind: 'known' })
  })
})

describe.skipIf(keygenMissing)('beside OpenSSH', () => {
  let folder = ''
  beforeAll(() => {
    folder = makeTempFolder()
    return () => removeTempFolder(folder)
  })

  test.each(['ed25519', 'ecdsa', 'rsa'])('fingerprints of %s keys are the same', (kind) => {
    const [, key = ''] = readFileSync(`${makeKey(join(folder, kind), kind)}.pub`, 'utf8').split(' ')
    const said = execFileSync('ssh-keygen', ['-l', '-f', join(folder, `${kind}.pub`)], { encoding: 'utf8' })
    expect(fingerprint(Buffer.from(key, 'base64'))).toBe(said.split(' ')[1])
  })

  test.each([
    ['plain.example.org', 22],
    ['192.0.2.7', 22],
    ['other.example.org', 2200],
    ['2001:db8::1', 2200],
  ])('a file hashed by ssh-keygen still knows %s port %s', async (host, port) => {
    const file = join(folder, `hashed-${host}-${port}`)
    const where = await settings(host, port, [file])
    const [, key = ''] = readFileSync(`${makeKey(`${file}-key`, 'ed25519')}.pub`, 'utf8').split(' ')
    await addKnownKey(where, Buffer.from(key, 'base64'))
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' })

    expect(readFileSync(file, 'utf8')).toMatch(/^\|1\|/)
    expect(judgeHostKey(await loadKnownKeys(where), Buffer.from(key, 'base64'))).toEqual({ kind: 'known' })
    expect(judgeHostKey(await loadKnownKeys(where), second).kind).toBe('changed')
  })
})
