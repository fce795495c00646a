/**
 * Through a real sshd: borg's client to our server, and our client, by either ssh, to borg's server and to ours.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { haveSshd, type Sshd, startSshd } from '../support/sshd.ts'
import { builtCli, isBuilt } from './support/built-cli.ts'

const borgs = findBorgs()
const ready = haveSshd('borg and tsborg over ssh') && isBuilt && borgs.length > 0
const isLong = process.env['TSBORG_LONG'] === '1'
if (!isLong) console.warn('SHORTENED: one mode, the newest borg, and not all ways; TSBORG_LONG=1 takes all')

const modes = isLong
  ? ['none', 'authenticated', 'authenticated-blake2', 'repokey', 'repokey-blake2', 'keyfile', 'keyfile-blake2']
  : ['repokey-blake2']
const chosen = isLong ? borgs : borgs.slice(-1)

interface Program {
  readonly name: string
  readonly words: readonly string[]
}
const ours: Program = { name: 'tsborg', words: [process.execPath, builtCli] }
const theirs = chosen.map((borg): Program => ({ name: `borg ${borg.version}`, words: [borg.command] }))

const allWays: readonly { client: Program; rsh: 'system' | 'builtin'; server: Program }[] = [
  ...theirs.map((client) => ({ client, rsh: 'system', server: ours }) as const),
  ...[...theirs, ours].flatMap((server) =>
    (['system', 'builtin'] as const).map((rsh) => ({ client: ours, rsh, server })),
  ),
]
// Our client to both servers is in our-client-ssh.test.ts and our-client-commands.test.ts.
const ways = isLong ? allWays : allWays.filter(({ client }) => client !== ours)

describe.skipIf(!ready)('over a real sshd', () => {
  const world = new BorgWorld()
  let sshd: Sshd
  let made = 0

  beforeAll(async () => {
    sshd = await startSshd({ environment: { BORG_BASE_DIR: world.path('base') } })
    mkdirSync(world.path('source'))
    for (let i = 0; i < 30; i++) writeFileSync(world.path('source', `file ${i}`), `content ${i}\n`.repeat(1 + i * i))
  })
  afterAll(async () => {
    await sshd?.stop()
    world.remove()
  })

  const rshOf = (rsh: 'system' | 'builtin'): string =>
    rsh === 'system' ? sshd.sshCommand : sshd.sshCommand.replace(/^\S+/, 'builtin:')

  function must(program: Program, args: readonly string[], environment: Record<string, string>, cwd = '.'): string {
    const [command = '', ...first] = program.words
    const run = world.run(command, [...first, ...args], { environment, cwd })
    expect(run.code, `${program.name} ${args.join(' ')}: ${run.stderr}`).toBe(0)
    return run.stdout
  }

  describe.each(ways)('$client.name, by the $rsh ssh, to $server.name', ({ client, rsh, server }) => {
    test.each(modes)('%s', (mode) => {
      made += 1
      const path = world.path(`repository${made}`)
      const repository = `ssh://${sshd.user}@${sshd.host}:${sshd.port}${path}`
      const environment = { BORG_RSH: rshOf(rsh), BORG_REMOTE_PATH: server.words.join(' ') }
      must(client, ['init', '-e', mode, repository], environment)
      for (const name of ['one', 'two']) must(client, ['create', `${repository}::${name}`, 'source'], environment)
      expect(must(client, ['list', '--short', repository], environment)).toBe('one\ntwo\n')
      mkdirSync(world.path(`out${made}`))
      must(client, ['extract', `${repository}::one`], environment, `out${made}`)
      expect(world.run('diff', ['-r', world.path('source'), world.path(`out${made}`, 'source')]).stdout).toBe('')
      must(client, ['prune', '--keep-last', '1', repository], environment)
      must(client, ['compact', repository], environment)
      must(client, ['check', '--verify-data', repository], environment)
      // The other side's opinion, without a wire.
      for (const other of [...theirs, ours]) must(other, ['check', '--verify-data', path], {})
    })
  })

  test('a forced command decides which repositories there are, whatever the client asks for', async () => {
    const command = `${ours.words.join(' ')} serve --restrict-to-path ${world.path('allowed')}`
    await using forced = await startSshd({ forceCommand: command, environment: { BORG_BASE_DIR: world.path('base') } })
    mkdirSync(world.path('allowed'))
    const at = (path: string): string => `ssh://${forced.user}@${forced.host}:${forced.port}${path}`
    const environment = { BORG_RSH: forced.sshCommand, BORG_REMOTE_PATH: 'borg serve --restrict-to-path / #' }
    for (const client of [...theirs, ours]) {
      const inside = world.path('allowed', client.name.replace(' ', '-'))
      must(client, ['init', '-e', 'none', at(inside)], environment)
      const [program = '', ...first] = client.words
      const outside = world.run(program, [...first, 'init', '-e', 'none', at(world.path('elsewhere'))], { environment })
      expect(outside.code).not.toBe(0)
      expect(outside.stderr).toContain(`Repository path not allowed: ${world.path('elsewhere')}`)
    }
  })
})
