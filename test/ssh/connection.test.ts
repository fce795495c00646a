/**
 * The embedded client against a real OpenSSH server: whom it trusts, how it is let in, what it says when it is not.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import type { RunOptions } from '../../src/base/events.ts'
import { openSshConnection, type SshConnection } from '../../src/ssh/connection.ts'
import type { SshOptions } from '../../src/ssh/ssh-options.ts'
import { haveSshd, makeKey, type Sshd, startSshd } from '../support/sshd.ts'
import { tempFolder } from '../support/temp-folder.ts'

const have = haveSshd('the embedded client against a real server')

describe.skipIf(!have)('a real server', () => {
  let sshd: Sshd
  beforeAll(async () => {
    sshd = await startSshd({ environment: { GREETING: 'well met' }, hostKeys: ['ed25519', 'rsa'] })
  })
  afterAll(() => sshd.stop())

  function options(more: Partial<SshOptions> = {}): SshOptions {
    const { host, port, user, knownHostsFile, identityFile } = sshd
    return {
      host,
      port,
      user,
      settings: 'none',
      knownHostsFiles: [knownHostsFile],
      identityFiles: [identityFile],
      ...more,
    }
  }

  async function open(more: Partial<SshOptions> = {}, run: RunOptions = {}): Promise<SshConnection> {
    const connection = await openSshConnection(options(more), run)
    onTestFinished(() => connection[Symbol.asyncDispose]())
    return connection
  }

  async function refusal(more: Partial<SshOptions>, run: RunOptions = {}): Promise<string> {
    try {
      await using _connection = await openSshConnection(options(more), run)
    } catch (error) {
      if (isBorgError(error)) return `${error.code} ${error.message}`
      throw error
    }
    return 'let in'
  }

  describe('commands', () => {
    test('have input, two outputs, an environment and an exit code', async () => {
      const channel = await (await open()).exec('echo "$GREETING" >&2; cat; exit 7')
      channel.stdin.end('some bytes')

      expect(await Promise.all([text(channel.stdout), text(channel.stderr)])).toEqual(['some bytes', 'well met\n'])
      expect(await channel.exit).toEqual({ code: 7, signal: undefined, lost: undefined })
    })

    test('carry many MiB both ways, however slow the reader is', async () => {
      const channel = await (await open()).exec('cat')
      const piece = Buffer.alloc(1_000_000, 'x')
      let sent = 0
      const sending = (async () => {
        for (let i = 0; i < 20; i++) {
          if (!channel.stdin.write(piece)) await once(channel.stdin, 'drain')
          sent += piece.length
        }
        channel.stdin.end()
      })()
      // Nobody reads yet: the window is full long before everything is sent.
      await new Promise((resolve) => setImmediate(resolve))
      expect(sent).toBeLessThan(20_000_000)
      let received = 0
      for await (const bytes of channel.stdout) received += (bytes as Buffer).length
      await sending
      expect(received).toBe(20_000_000)
      expect((await channel.exit).code).toBe(0)
    })

    test('killed by a signal say which', async () => {
      const channel = await (await open()).exec('kill -TERM $$')
      channel.stdout.resume()
      expect(await channel.exit).toEqual({ code: undefined, signal: 'SIGTERM', lost: undefined })
    })

    test('several at once share one connection', async () => {
      const connection = await open()
      const channels = await Promise.all([1, 2, 3].map((n) => connection.exec(`cat; echo ${n}`)))
      for (const channel of channels) channel.stdin.end()
      expect(await Promise.all(channels.map(({ stdout }) => text(stdout)))).toEqual(['1\n', '2\n', '3\n'])
    })

    test('whose connection dies end with the reason, and writes to them fail instead of waiting', async () => {
      const connection = await open()
      const channel = await connection.exec('echo $PPID; exec cat > /dev/null')
      const [process_] = (await once(channel.stdout, 'data')) as [Buffer]
      channel.stdout.resume()
      channel.stderr.resume()
      process.kill(Number(process_.toString()), 'SIGKILL')

      const { lost, code } = await channel.exit
      expect({ code: lost?.code, exit: code }).toEqual({ code: 'ConnectionClosedWithHint', exit: undefined })
      expect(lost?.message).toContain(`${sshd.user}@127.0.0.1`)
      expect((await connection.closed)?.message).toBe(lost?.message)
      await expect(
        new Promise((resolve, reject) => channel.stdin.write('x', (e) => (e ? reject(e) : resolve(1)))),
      ).rejects.toThrow()
      await expect(connection.exec('true')).rejects.toThrow(lost?.message)
    })

    test('ended by us are no failure', async () => {
      const connection = await open()
      const channel = await connection.exec('cat')
      await connection[Symbol.asyncDispose]()
      expect(await connection.closed).toBe(undefined)
      expect((await channel.exit).lost).toBe(undefined)
    })
  })

  describe('host keys', () => {
    test('of hosts nobody noted are refused, with what to do', async () => {
      const none = join(tempFolder(), 'none')
      expect(await refusal({ knownHostsFiles: [none] })).toMatch(
        new RegExp(`^Error .*\\[127.0.0.1\\]:${sshd.port} is not known: .*ssh-ed25519 key SHA256:.*add it to ${none}`),
      )
      expect(existsSync(none)).toBe(false)
    })

    test('are noted on request, and then known to us and to OpenSSH', async () => {
      const file = join(tempFolder(), 'deep', 'known_hosts')
      const said: string[] = []
      const onEvent: RunOptions['onEvent'] = (event) => void (event.type === 'log' && said.push(event.message))
      expect(await refusal({ knownHostsFiles: [file], unknownHosts: 'accept-new' }, { onEvent })).toBe('let in')
      expect(said).toEqual([
        expect.stringMatching(/^Added the ssh-ed25519 key SHA256:.* of 127.0.0.1 to .*known_hosts\.$/),
      ])
      expect(await refusal({ knownHostsFiles: [file] })).toBe('let in')
      const command = sshd.sshCommand.replace(sshd.knownHostsFile, file).split(' ')
      execFileSync('ssh', [...command.slice(1), '-p', String(sshd.port), '127.0.0.1', 'true'])
    })

    test('that changed are refused even then, and nothing is written', async () => {
      const file = join(tempFolder(), 'known_hosts')
      const [, key] = readFileSync(`${makeKey(join(tempFolder(), 'k'), 'ed25519')}.pub`, 'utf8').split(' ')
      const line = `[127.0.0.1]:${sshd.port} ssh-ed25519 ${key}\n`
      writeFileSync(file, line)
      expect(await refusal({ knownHostsFiles: [file], unknownHosts: 'accept-new' })).toContain(`noted in ${file}:1`)
      expect(readFileSync(file, 'utf8')).toBe(line)
    })

    test('that are revoked are refused', async () => {
      const file = join(tempFolder(), 'known_hosts')
      const known = readFileSync(sshd.knownHostsFile, 'utf8')
      writeFileSync(file, known + known.replaceAll(/^/gm, '@revoked ').replace(/@revoked $/, ''))
      expect(await refusal({ knownHostsFiles: [file] })).toMatch(/which .*known_hosts:3 revokes/)
    })

    test('of the kind that is noted are asked for', async () => {
      const file = join(tempFolder(), 'known_hosts')
      const rsa = readFileSync(sshd.knownHostsFile, 'utf8')
        .split('\n')
        .filter((line) => line.includes('ssh-rsa'))
      writeFileSync(file, `${rsa.join('\n')}\n`)
      expect(await refusal({ knownHostsFiles: [file] })).toBe('let in')
    })
  })

  describe('being let in', () => {
    test('a key nobody let in is refused with what was tried, and no more', async () => {
      const key = makeKey(join(tempFolder(), 'stranger'), 'ed25519')
      expect(await refusal({ identityFiles: [key] })).toMatch(
        /^ConnectionClosedWithHint .*root@127\.0\.0\.1 was not let in \(the server takes publickey; tried: .*stranger/,
      )
    })

    test.each(['ed25519', 'ecdsa', 'rsa'])('a locked %s key is unlocked by its passphrase', async (kind) => {
      const key = makeKey(join(tempFolder(), 'locked'), kind, 'sesame open')
      appendFileSync(sshd.authorizedKeysFile, readFileSync(`${key}.pub`))
      const asked: string[] = []
      const passphrase = async (file: string): Promise<string> => {
        asked.push(file)
        return asked.length === 1 ? 'sesame shut' : 'sesame open'
      }
      expect(await refusal({ identityFiles: [key], passphrase })).toBe('let in')
      expect(asked).toEqual([key, key])
    })

    test('a passphrase that stays wrong is in no message', async () => {
      const key = makeKey(join(tempFolder(), 'locked'), 'ed25519', 'sesame open')
      const said = await refusal({ identityFiles: [key], passphrase: async () => 'sesame shut' })
      expect(said).toContain('locked (wrong passphrase)')
      expect(said).not.toContain('sesame')
      expect(await refusal({ identityFiles: [key] })).toContain('locked (locked)')
    })

    test('files that are no keys and files that are not there are passed over', async () => {
      const folder = tempFolder()
      writeFileSync(join(folder, 'text'), 'no key at all\n')
      const identityFiles = [join(folder, 'missing'), join(folder, 'text'), `${sshd.identityFile}.pub`]
      const said = await refusal({ identityFiles })
      expect(said).toContain('text (cannot be read as a key)')
      expect(await refusal({ identityFiles: [...identityFiles, sshd.identityFile] })).toBe('let in')
    })

    test('the agent signs for keys we have not', async () => {
      const agent = await startAgent()
      const other = makeKey(join(tempFolder(), 'other'), 'rsa')
      agent.add(other)
      expect(await refusal({ identityFiles: [], agentSocket: agent.socket })).toContain('agent (1 key)')
      agent.add(sshd.identityFile)
      expect(await refusal({ identityFiles: [], agentSocket: agent.socket })).toBe('let in')
      appendFileSync(sshd.authorizedKeysFile, readFileSync(`${other}.pub`))
      expect(await refusal({ identityFiles: [other], agentSocket: agent.socket })).toBe('let in')
    })

    test('with IdentitiesOnly the agent shows only keys that were named', async () => {
      const agent = await startAgent()
      agent.add(sshd.identityFile)
      const only = ['-F', 'none', '-o', 'IdentitiesOnly=yes']
      const more = { settings: 'openssh', arguments: only, agentSocket: agent.socket } as const
      const stranger = makeKey(join(tempFolder(), 'stranger'), 'ed25519')
      expect(await refusal({ ...more, identityFiles: [stranger] })).toContain('agent (0 keys)')
      // The private half is with the agent alone.
      const folder = tempFolder()
      writeFileSync(join(folder, 'mine'), readFileSync(`${sshd.identityFile}.pub`))
      expect(await refusal({ ...more, identityFiles: [join(folder, 'mine')] })).toBe('let in')
    })

    test('an agent that is not there is one proof less', async () => {
      expect(await refusal({ agentSocket: join(tempFolder(), 'nobody') })).toBe('let in')
    })
  })

  describe('settings of OpenSSH', () => {
    function configured(lines: readonly string[], more: Partial<SshOptions> = {}): Partial<SshOptions> {
      const file = join(tempFolder(), 'config')
      writeFileSync(file, `${lines.join('\n')}\n`)
      return { settings: 'openssh', arguments: ['-F', file], ...more }
    }
    const bare = { port: undefined, user: undefined, knownHostsFiles: undefined, identityFiles: undefined }
    const usual = (): readonly string[] => [
      'HostName 127.0.0.1',
      `Port ${sshd.port}`,
      `User ${sshd.user}`,
      `IdentityFile ${sshd.identityFile}`,
      `UserKnownHostsFile ${sshd.knownHostsFile}`,
    ]

    test('name, port, user, keys and known hosts come from there', async () => {
      const more = configured(['Host alias', ...usual()], { ...bare, host: 'alias' })
      expect(await refusal(more)).toBe('let in')
    })

    test('given on the command line count more', async () => {
      const more = configured(['Host alias', ...usual()], { ...bare, host: 'alias' })
      const given = [...(more.arguments ?? []), '-o', 'UserKnownHostsFile=/nowhere', '-o', 'StrictHostKeyChecking=yes']
      expect(await refusal({ ...more, arguments: given })).toContain('add it to /nowhere')
    })

    test('HostKeyAlias is the name that counts', async () => {
      const [first = ''] = readFileSync(sshd.knownHostsFile, 'utf8').split('\n')
      const file = join(tempFolder(), 'known_hosts')
      writeFileSync(file, `${first.replace(/^\S+/, 'known-as')}\n`)
      const more = configured(['Host *', 'HostKeyAlias known-as'], { knownHostsFiles: [file] })
      expect(await refusal(more)).toBe('let in')
    })

    test('ProxyCommand is run, and what it says is in the error', async () => {
      const through = `ProxyCommand sh -c 'exec ssh ${sshd.sshCommand.slice(4)} -W %h:%p -p ${sshd.port} 127.0.0.1'`
      expect(await refusal(configured(['Host *', through]))).toBe('let in')
      const broken = configured(['Host *', "ProxyCommand sh -c 'echo no way %h >&2; exit 1'"])
      expect(await refusal(broken)).toMatch(/^ConnectionClosedWithHint .*ProxyCommand: no way 127\.0\.0\.1$/)
    })

    test('ProxyJump goes through other hosts, which are checked like any', async () => {
      const lines = ['Host one two target', ...usual(), 'Host target', 'ProxyJump one,two']
      const more = configured(lines, { ...bare, host: 'target' })
      const channel = await (await open(more)).exec('cat')
      channel.stdin.end('through two hosts')
      expect(await text(channel.stdout)).toBe('through two hosts')
      const unknown = configured(
        ['Host one', 'UserKnownHostsFile /nowhere', 'Host one target', ...usual(), 'Host target', 'ProxyJump one'],
        { ...bare, host: 'target' },
      )
      expect(await refusal(unknown)).toContain('add it to /nowhere')
    })

    test('ProxyJump in a circle ends with an error', async () => {
      const lines = ['Host a', ...usual(), 'ProxyJump b', 'Host b', ...usual(), 'ProxyJump a']
      expect(await refusal(configured(lines, { ...bare, host: 'a' }))).toContain('without end')
    })

    test('that OpenSSH refuses are an error that names them', async () => {
      expect(await refusal(configured(['Nonsense yes']))).toMatch(/^Error .*ssh refuses its settings: .*nonsense/i)
    })

    test('are not needed: without an OpenSSH client the defaults hold, arguments cannot', async () => {
      expect(await refusal({ settings: 'openssh', program: 'no-such-ssh' })).toBe('let in')
      const given = { settings: 'openssh', program: 'no-such-ssh', arguments: ['-4'] } as const
      expect(await refusal(given)).toContain("'no-such-ssh' is needed to understand -4")
    })
  })

  describe('in vain', () => {
    test.each(['-oProxyCommand=touch /tmp/x', 'a b', 'a\nb', ''])(
      'a host called %j is refused unseen',
      async (host) => {
        expect(await refusal({ host, settings: 'openssh' })).toMatch(/^CommandError .*cannot be the host/)
      },
    )

    test('a port where nobody listens', async () => {
      expect(await refusal({ port: 1 })).toMatch(
        /^ConnectionClosedWithHint .*127\.0\.0\.1 port 1: .*Connection refused/,
      )
    })

    test('an aborted signal ends it with its reason, before and while', async () => {
      const reason = new Error('changed my mind')
      await expect(openSshConnection(options(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      const control = new AbortController()
      const key = makeKey(join(tempFolder(), 'locked'), 'ed25519', 'x')
      const passphrase = async (): Promise<string> => {
        control.abort(reason)
        return await new Promise(() => {})
      }
      const opening = openSshConnection(options({ identityFiles: [key], passphrase }), { signal: control.signal })
      await expect(opening).rejects.toBe(reason)
    })
  })
})

interface Agent {
  readonly socket: string
  add(key: string): void
}

async function startAgent(): Promise<Agent> {
  const socket = join(tempFolder(), 'agent')
  const child: ChildProcess = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill())
  // Its first words come once it listens.
  if (child.stdout !== null) await once(child.stdout, 'data')
  return {
    socket,
    add: (key) => void execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket } }),
  }
}
