/**
 * Our client through a real sshd to a real `borg serve`: by the system's ssh, and by the client that is built in.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createArchive } from '../../src/operations/create.ts'
import { extractArchive } from '../../src/operations/extract.ts'
import { initRepository } from '../../src/operations/init.ts'
import { connectRepository, type RemoteOptions } from '../../src/session/connect.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { haveSshd, type Sshd, startSshd } from '../support/sshd.ts'

const borg = findBorgs().at(-1)
const ready = haveSshd('our client over ssh') && borg !== undefined

describe.skipIf(!ready)('over a real sshd', () => {
  const world = new BorgWorld()
  let sshd: Sshd

  beforeAll(async () => {
    sshd = await startSshd({ environment: { BORG_BASE_DIR: world.path('base') } })
    mkdirSync(world.path('source'))
    for (let i = 0; i < 20; i++) writeFileSync(world.path('source', `file ${i}`), `content ${i}\n`.repeat(1 + i * i))
  })
  afterAll(async () => {
    await sshd?.stop()
    world.remove()
  })

  const ways = (): Readonly<Record<string, RemoteOptions>> => ({
    'the system’s ssh': { rsh: sshd.sshCommand.split(' '), remoteBorg: borg?.command },
    'the built-in client': {
      rsh: 'builtin',
      remoteBorg: borg?.command,
      ssh: { settings: 'none', identityFiles: [sshd.identityFile], knownHostsFiles: [sshd.knownHostsFile] },
    },
  })

  test.each(['the system’s ssh', 'the built-in client'])('%s', async (way) => {
    const remote = ways()[way]
    const path = world.path(way.replace(/\W/g, '-'))
    const target = `ssh://${sshd.user}@${sshd.host}:${sshd.port}${path}`
    const directories = defaultDirectories({ BORG_BASE_DIR: world.path('base') }, world.folder)
    const open = { passphrase: world.passphrase, directories, remote }
    await initRepository(target, { ...open, encryption: 'repokey' })
    {
      await using session = await openRepository(target, { ...open, access: 'write' })
      await createArchive(session, { name: 'a', roots: [world.path('source')] })
    }
    const destination = `${path}-restored`
    mkdirSync(destination)
    {
      await using session = await openRepository(target, { ...open, access: 'read' })
      await extractArchive(session, 'a', { destination })
    }
    const restored = join(destination, world.path('source'), 'file 7')
    expect(readFileSync(restored)).toEqual(readFileSync(world.path('source', 'file 7')))
    world.must(borg?.command ?? '', ['check', '--verify-data', path])
  })

  test.each(['the system’s ssh', 'the built-in client'])(
    '%s tells what the far side says when it fails',
    async (way) => {
      const heard: string[] = []
      const target = `ssh://${sshd.user}@${sshd.host}:${sshd.port}/nowhere`
      const remote = { ...ways()[way], remoteBorg: 'no-such-borg' }
      const connecting = connectRepository(
        target,
        { access: 'read', remote },
        {
          onEvent: (event) => event.type === 'log' && heard.push(event.message),
        },
      )
      await expect(connecting).rejects.toThrow('Connection closed by remote host. Is borg working on the server?')
      expect(heard.join('\n')).toMatch(/Remote: .*no-such-borg/)
    },
  )
})
