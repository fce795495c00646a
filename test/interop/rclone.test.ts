/**
 * Repositories behind rclone: what is copied down by rclone itself is a repository that real borg accepts.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createArchive, extractArchive, initRepository, openRepository } from '../../src/index.ts'
import { RcloneStore } from '../../src/rclone/rclone-store.ts'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { haveRclone, rcloneConfig } from '../support/rclone.ts'

const borgs = findBorgs()
/** Nobody else writes to these. */
const run = { ask: async (): Promise<boolean> => true }

describe.skipIf(!haveRclone || borgs.length === 0)('over rclone', () => {
  const world = new BorgWorld()
  afterAll(() => world.remove())
  const options = haveRclone ? rcloneConfig(world.folder) : {}
  const directories = {
    config: world.path('ours'),
    cache: world.path('ours', 'cache'),
    security: world.path('ours', 'security'),
    keys: world.path('ours', 'keys'),
  }
  mkdirSync(world.path('source', 'deep'), { recursive: true })
  for (let i = 0; i < 40; i++)
    writeFileSync(world.path('source', 'deep', `file${i}`), `content ${i}\n`.repeat(1000 * i))

  test.each([
    ['disk', () => world.path('repository')],
    ['secret', () => 'some/where'],
  ])('%s: written here, copied down, checked by borg', async (remote, path) => {
    await using store = new RcloneStore({ remote, path: path() }, options)
    const passphrase = world.passphrase
    await initRepository({ store }, { encryption: 'repokey-blake2', passphrase, directories, makeParents: true }, run)
    {
      await using session = await openRepository({ store }, { access: 'write', passphrase, directories }, run)
      for (const name of ['one', 'two']) await createArchive(session, { name, roots: [world.path('source')] })
    }
    const down = world.path(`down-${remote}`)
    const copied = world.run('rclone', [...(options.options ?? []), 'copy', `${remote}:${path()}`, down])
    expect(copied.code, copied.stderr).toBe(0)
    // The bytes are the same: one borg is enough for the second.
    for (const borg of remote === 'disk' ? borgs : borgs.slice(-1)) {
      const checked = world.run(borg.command, ['check', '--verify-data', down])
      expect(checked.code, checked.stderr).toBe(0)
      mkdirSync(world.path(`out-${remote}-${borg.version}`))
      const extracted = world.run(borg.command, ['extract', `${down}::two`], { cwd: `out-${remote}-${borg.version}` })
      expect(extracted.code, extracted.stderr).toBe(0)
      const same = world.run('diff', [
        '-r',
        world.path('source'),
        join(world.path(`out-${remote}-${borg.version}`), world.path('source')),
      ])
      expect(same.stdout).toBe('')
    }
    await using session = await openRepository({ store }, { access: 'read', passphrase, directories }, run)
    mkdirSync(world.path(`back-${remote}`))
    await extractArchive(session, 'one', { destination: world.path(`back-${remote}`) })
    const same = world.run('diff', [
      '-r',
      world.path('source'),
      join(world.path(`back-${remote}`), world.path('source')),
    ])
    expect(same.stdout).toBe('')
  })
})
