/**
 * Our commands on repositories that a real `borg serve` keeps, and real borg on them afterwards.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BorgRun, BorgWorld, findBorgs, type RealBorg } from '../support/real-borg.ts'
import { builtCli, isBuilt } from './support/built-cli.ts'

const rsh = fileURLToPath(new URL('../support/serve-rsh.sh', import.meta.url))
const long = process.env['TSBORG_LONG'] === '1'
const borgs = findBorgs()
const allModes = [
  'none',
  'authenticated',
  'authenticated-blake2',
  'repokey',
  'repokey-blake2',
  'keyfile',
  'keyfile-blake2',
]
const modes = long ? allModes : ['keyfile-blake2']
if (!long) console.warn('SHORT: one mode, and the newest borg; TSBORG_LONG=1 takes all of both')
const chosen = long ? borgs : borgs.slice(-1)

describe.skipIf(!isBuilt).each(chosen.map((borg) => [borg.version, borg] as const))(
  'borg serve %s',
  (_version, borg: RealBorg) => {
    const world = new BorgWorld({ environment: { BORG_RSH: rsh, BORG_REMOTE_PATH: borg.command } })
    const url = (name: string): string => `ssh://host${world.path(name)}`
    const ours = (...args: readonly string[]): BorgRun => world.must(process.execPath, [builtCli, ...args])

    beforeAll(() => {
      mkdirSync(world.path('source'))
      for (let i = 0; i < 30; i++) writeFileSync(world.path('source', `file ${i}`), `content ${i}\n`.repeat(1 + i * i))
      writeFileSync(
        world.path('source', 'large'),
        Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (i * i) >> 7)),
      )
    })
    afterAll(() => world.remove())

    const requireSame = (folder: string): void => {
      const names = readdirSync(world.path('source'))
      expect(readdirSync(world.path(folder, 'source')).sort()).toEqual([...names].sort())
      for (const name of names) {
        const restored = readFileSync(world.path(folder, 'source', name))
        expect(restored.equals(readFileSync(world.path('source', name))), name).toBe(true)
      }
    }

    test.each(modes)('%s: made, filled and restored by us, believed by borg', (mode) => {
      const repository = url(mode)
      ours('init', '-e', mode, repository)
      ours('create', `${repository}::one`, 'source')
      mkdirSync(world.path(`restored-${mode}`))
      world.must(process.execPath, [builtCli, 'extract', `${repository}::one`], { cwd: `restored-${mode}` })
      requireSame(`restored-${mode}`)
      world.must(borg.command, ['check', '--verify-data', world.path(mode)])
      expect(world.must(borg.command, ['list', '--short', world.path(mode)]).stdout).toBe('one\n')
      expect(readdirSync(world.path(mode)).filter((name) => name.startsWith('lock'))).toEqual([])
    })

    test('every other command', () => {
      const repository = url('all')
      ours('init', '-e', 'repokey-blake2', '--make-parent-dirs', '--storage-quota', '1G', repository)
      for (const name of ['a', 'b', 'c', 'd']) ours('create', '-C', 'none', `${repository}::${name}`, 'source')
      writeFileSync(world.path('source', 'file 3'), 'changed')
      ours('create', `${repository}::e`, 'source')

      expect(ours('list', '--short', repository).stdout).toBe('a\nb\nc\nd\ne\n')
      expect(ours('list', '--short', `${repository}::e`).stdout).toContain('source/large')
      expect(ours('info', repository).stdout).toContain(`Location: ${repository}`)
      expect(ours('diff', `${repository}::a`, 'e').stdout).toContain('source/file 3')
      ours('rename', `${repository}::d`, 'renamed')
      ours('recreate', '-C', 'zlib,6', '--recompress', 'if-different', `${repository}::renamed`)
      ours('delete', `${repository}::a`)
      ours('prune', '--keep-last', '2', repository)
      ours('compact', '--threshold', '0', repository)
      ours('check', '--verify-data', repository)
      world.must(process.execPath, [builtCli, 'key', 'change-passphrase', repository], {
        environment: { BORG_NEW_PASSPHRASE: 'another' },
      })
      const environment = { BORG_PASSPHRASE: 'another' }
      expect(world.must(borg.command, ['list', '--short', world.path('all')], { environment }).stdout).toMatch(
        /renamed|e/,
      )
      world.must(borg.command, ['check', '--verify-data', world.path('all')], { environment })
      expect(ours('with-lock', repository, 'echo', 'locked').stdout).toBe('locked\n')
      mkdirSync(world.path('all', 'lock.exclusive'))
      writeFileSync(world.path('all', 'lock.exclusive', 'somewhere@1.1-0'), '')
      ours('break-lock', repository)
      expect(readdirSync(world.path('all')).filter((name) => name.startsWith('lock'))).toEqual([])
      expect(readFileSync(world.path('all', 'config'), 'utf8')).toContain('storage_quota = 1000000000')
      world.must(process.execPath, [builtCli, 'delete', repository], {
        environment: { ...environment, BORG_DELETE_I_KNOW_WHAT_I_AM_DOING: 'YES' },
      })
      expect(readdirSync(world.folder)).not.toContain('all')
    })

    test('what is wrong is said as borg says it', () => {
      const say = (...args: readonly string[]): readonly [number | null, string] => {
        const { code, stderr } = world.run(process.execPath, [builtCli, ...args])
        return [code, stderr]
      }
      expect(say('list', 'host:nope/./x')).toEqual([2, 'Repository host:nope/./x does not exist.\n'])
      expect(say('config', url('keyfile-blake2'), 'id')[1]).toContain(
        `"${url('keyfile-blake2')}": Repository must be local`,
      )
      expect(say('--rsh', 'echo', 'list', 'ssh://host/x')).toEqual([
        2,
        `Got unexpected RPC data format from server:\nhost ${borg.command} serve\n\n`,
      ])
      expect(say('--rsh', 'sh -c "echo refused >&2; exit 255"', 'list', 'ssh://host/x')).toEqual([
        2,
        'Remote: refused\nConnection closed by remote host. Is borg working on the server?\n',
      ])
    })

    test('the passphrase stays here', () => {
      const spy = world.path('spy')
      writeFileSync(
        spy,
        `#!/bin/sh\nenv > ${world.path('seen')}\necho "$@" >> ${world.path('seen')}\nexec ${rsh} "$@"\n`,
        {
          mode: 0o755,
        },
      )
      ours('--rsh', spy, 'list', url('keyfile-blake2'))
      const seen = readFileSync(world.path('seen'), 'utf8')
      expect(seen).not.toContain(world.passphrase)
      expect(seen).toContain('BORG_VERSION=1.4.5')
      expect(seen).toContain(`host ${borg.command} serve`)
    })
  },
)
