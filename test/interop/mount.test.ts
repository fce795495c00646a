/**
 * Archives made by real borg, mounted by the built program: what is seen is what borg restores, and what borg mounts.
 *
 * The witness is a program of its own (tree-facts.py). Nothing here touches a mount from the process that serves it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isRoot, makeOddTree } from '../source/odd-tree.ts'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { builtCli, isBuilt, mustCli, runCli } from './support/built-cli.ts'
import { comparable, treeFacts } from './support/tree-facts.ts'

const [borg] = findBorgs()
const canMount = existsSync('/dev/fuse') && isRoot
if (!canMount) console.warn('SKIPPED: mounting needs /dev/fuse and root')
const runs = borg !== undefined && isBuilt && canMount

describe.skipIf(!runs)('a mounted archive', () => {
  const world = new BorgWorld()
  const borgProgram = borg?.command ?? ''
  const repository = world.path('repo')
  const mountPoint = world.path('mnt')
  let borgMounts = false

  beforeAll(async () => {
    mkdirSync(mountPoint)
    mkdirSync(world.path('restored'))
    const odd = await makeOddTree(world.path('odd'))
    odd.release()
    makeVersions(0)
    world.must(borgProgram, ['init', '-e', 'repokey', repository])
    world.must(borgProgram, ['create', '--timestamp', '2026-01-01T00:00:00', `${repository}::odd`, 'odd'])
    world.must(borgProgram, ['extract', `${repository}::odd`], { cwd: 'restored' })
    for (const number of [1, 2, 3]) {
      makeVersions(number)
      const time = `2026-01-0${number + 1}T00:00:00`
      world.must(borgProgram, ['create', '--timestamp', time, `${repository}::v${number}`, 'versions'])
    }
    world.must(borgProgram, ['create', '--timestamp', '2026-02-01T00:00:00', `${repository}::x.checkpoint`, 'versions'])
    borgMounts = world.run(borgProgram, ['mount', repository, mountPoint]).code === 0
    if (borgMounts) world.must('umount', [mountPoint])
    else console.warn('SKIPPED: borg cannot mount here (python3-llfuse or python3-pyfuse3 is missing)')
  })

  /** One file stays, one changes each time, one comes and goes; two names share one that changes. */
  function makeVersions(number: number): void {
    const folder = world.path('versions')
    spawnSync('rm', ['-rf', folder])
    mkdirSync(join(folder, 'deep'), { recursive: true })
    writeFileSync(join(folder, 'stays.txt'), 'stays')
    writeFileSync(join(folder, 'changes.tar.gz'), `changes ${number}`)
    if (number !== 2) writeFileSync(join(folder, 'deep', 'comes and goes'), 'here')
    writeFileSync(join(folder, 'first'), `linked ${number}`)
    linkSync(join(folder, 'first'), join(folder, 'deep', 'second'))
  }

  const serving: ChildProcess[] = []
  afterEach(() => {
    for (const child of serving.splice(0)) child.kill('SIGKILL')
    // Several may lie on top of each other after a failure.
    while (isMounted()) spawnSync('umount', ['-l', mountPoint])
  })
  afterAll(() => world.remove())

  function isMounted(): boolean {
    return readFileSync('/proc/self/mounts', 'utf8').includes(` ${mountPoint} `)
  }

  function roster(): string {
    const file = join(repository, 'lock.roster')
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  /** The process in the background. */
  function servingProcess(): number {
    const [, id] = /, (\d+), 0\]/.exec(roster()) ?? []
    return Number(id)
  }

  async function ended(processId: number): Promise<void> {
    const isAlive = (): boolean => {
      try {
        process.kill(processId, 0)
        return true
      } catch {
        return false
      }
    }
    while (isAlive()) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  /** Mounts in the background, looks, and ends it: the lock is there meanwhile and gone afterwards. */
  async function mounted<T>(args: readonly string[], look: () => T): Promise<T> {
    mustCli(world, ['mount', ...args])
    const processId = servingProcess()
    try {
      return look()
    } finally {
      mustCli(world, ['umount', mountPoint])
      await ended(processId)
      expect(roster()).toBe('')
    }
  }

  function mountedByBorg<T>(args: readonly string[], look: () => T): T {
    world.must(borgProgram, ['mount', ...args])
    try {
      return look()
    } finally {
      world.must('umount', [mountPoint])
    }
  }

  const facts = (folder: string) => comparable(treeFacts([folder]).get(folder) ?? [])

  test('is what borg restores: types, modes, owners, times, links, content, attributes', async () => {
    const seen = await mounted([`${repository}::odd`, mountPoint], () => facts(mountPoint))

    const restored = facts(world.path('restored'))
    expect(restored.size).toBeGreaterThan(40)
    // borg does not show ACLs in a mount, and neither do we.
    expect(seen).toEqual(new Map([...restored].map(([path, fact]) => [path, withoutAcls(fact)])))
  })

  function withoutAcls<F extends { xattrs_hex?: Readonly<Record<string, string>> }>(fact: F): F {
    const kept = Object.entries(fact.xattrs_hex ?? {}).filter(([name]) => !name.startsWith('system.posix_acl'))
    const { xattrs_hex: _, ...rest } = fact
    return (kept.length === 0 ? rest : { ...rest, xattrs_hex: Object.fromEntries(kept) }) as F
  }

  test('is what borg mounts, the whole repository and the versions of all files', async (context) => {
    if (!borgMounts) context.skip()
    // Of a FIFO with two names borg cannot show versions.
    const versions = ['-a', 'v*', '-o', 'versions']
    for (const options of [[], versions, [...versions, '-e', 'versions/first']]) {
      const args = [repository, mountPoint, ...options]
      const ours = await mounted(args, () => facts(mountPoint))
      const theirs = mountedByBorg(args, () => facts(mountPoint))

      expect(ours.size).toBeGreaterThan(10)
      expect(withoutMadeUpTimes(ours)).toEqual(withoutMadeUpTimes(theirs))
    }
  })

  /** Folders that no archive holds have the time of the mount. */
  function withoutMadeUpTimes(seen: ReturnType<typeof facts>): Map<string, unknown> {
    return new Map(
      [...seen].map(([path, fact]) => [path, fact.mode === '040755' ? { ...fact, mtime_ns: 'any' } : fact]),
    )
  }

  test('every version has its content', async () => {
    const read = (path: string): string => readFileSync(join(mountPoint, 'versions', path), 'utf8')

    await mounted([repository, mountPoint, '-o', 'versions', '-a', 'v*'], () => {
      expect(readdirSync(join(mountPoint, 'versions', 'changes.tar.gz')).sort()).toEqual([
        'changes.tar.00001.gz',
        'changes.tar.00002.gz',
        'changes.tar.00003.gz',
      ])
      expect(read('changes.tar.gz/changes.tar.00002.gz')).toBe('changes 2')
      expect(readdirSync(join(mountPoint, 'versions', 'stays.txt'))).toEqual(['stays.00001.txt'])
      expect(read('deep/second/second.00003')).toBe('linked 3')
      const inode = (path: string): number => statSync(join(mountPoint, 'versions', path)).ino
      expect(inode('deep/second/second.00002')).toBe(inode('first/first.00002'))
    })
  })

  test.each([
    [[], ['odd', 'v1', 'v2', 'v3']],
    [['--consider-checkpoints'], ['odd', 'v1', 'v2', 'v3', 'x.checkpoint']],
    [
      ['-a', 'v*', '--last', '2'],
      ['v2', 'v3'],
    ],
    [['--first', '1', '--sort-by', 'name'], ['odd']],
    [['-a', 'nope*'], []],
  ])('a repository with %j shows %j', async (options, wanted) => {
    expect(await mounted([...options, repository, mountPoint], () => readdirSync(mountPoint))).toEqual(wanted)
  })

  test('paths, patterns and --strip-components choose and shorten', async () => {
    const args = ['--strip-components', '1', '-e', 'odd/folder/f2', `${repository}::odd`, mountPoint, 'odd/folder']

    const seen = await mounted(args, () => readdirSync(join(mountPoint, 'folder')).sort())

    expect(seen).toEqual(['deeper', 'f1', 'f3', 'hollow', 'third-name'])
  })

  test('owners and modes as told', async () => {
    const options = 'uid=4242,gid=4343,umask=0277,ignore_permissions,fsname=somewhere'

    await mounted(['-o', options, `${repository}::odd`, mountPoint], () => {
      const { uid, gid, mode } = statSync(join(mountPoint, 'odd', 'plain'))
      expect([uid, gid, mode & 0o7777]).toEqual([4242, 4343, 0o400])
      const line = readFileSync('/proc/self/mounts', 'utf8')
        .split('\n')
        .find((each) => each.includes(` ${mountPoint} `))
      expect(line).toMatch(/^somewhere \S+ fuse ro,nosuid,nodev/)
      expect(line).not.toContain('default_permissions')
    })
  })

  test('cannot be written to', async () => {
    await mounted([`${repository}::odd`, mountPoint], () => {
      for (const command of [
        ['touch', 'new'],
        ['rm', 'odd/plain'],
        ['chmod', '0', 'odd/plain'],
        ['mkdir', 'd'],
      ]) {
        expect(world.run(command[0] ?? '', command.slice(1), { cwd: 'mnt' }).stderr).toContain('Read-only file system')
      }
    })
  })

  test('looks like a process called borg with its command line, for those who look for mounts', async () => {
    await mounted([`${repository}::odd`, mountPoint], () => {
      const folder = `/proc/${servingProcess()}`
      expect(readFileSync(join(folder, 'comm'), 'utf8')).toBe('borg\n')
      expect(readFileSync(join(folder, 'cmdline'), 'utf8').split('\0').slice(-4, -1)).toEqual([
        'mount',
        `${repository}::odd`,
        mountPoint,
      ])
    })
  })

  describe('in the background', () => {
    test('a passphrase that was not in the environment does not get there', async () => {
      const words = ['-u', 'BORG_PASSPHRASE', `BORG_PASSCOMMAND=echo ${world.passphrase}`]
      world.must('env', [...words, process.execPath, builtCli, 'mount', `${repository}::odd`, mountPoint])

      const seen = readFileSync(`/proc/${servingProcess()}/environ`, 'utf8')
      expect(seen).toContain('BORG_PASSPHRASE_FD=3')
      expect(seen).not.toContain(world.passphrase)
      expect(readFileSync(`/proc/${servingProcess()}/cmdline`, 'utf8')).not.toContain(world.passphrase)
      const processId = servingProcess()
      mustCli(world, ['umount', mountPoint])
      await ended(processId)
    })

    test('what fails there is told here, with its exit code', () => {
      const environment = { BORG_EXIT_CODES: 'modern' }
      const fails = (args: readonly string[], options: Record<string, string> = {}) => {
        const { code, stderr } = runCli(world, ['mount', ...args], { environment: { ...environment, ...options } })
        return [code, stderr.trimEnd()]
      }

      expect(fails([`${repository}::nope`, mountPoint])).toEqual([31, 'Archive nope does not exist'])
      expect(fails([repository, world.path('nowhere')])).toEqual([
        2,
        `Runtime Error: ${world.path('nowhere')}: Mount point must be a writable directory`,
      ])
      expect(fails([repository, join(repository, 'config')])[1]).toContain('Mount point must be a writable directory')
      expect(fails([repository, mountPoint, '-o', 'blah'])).toEqual([
        2,
        "fuse: unknown option(s): `-o blah'\nRuntime Error: FUSE mount failed",
      ])
      expect(fails([`${repository}::odd`, mountPoint, '-o', 'versions'])[1]).toContain(
        'for versions view, do not specify a single archive',
      )
      expect(fails([repository, mountPoint], { BORG_FUSE_IMPL: 'none' })).toEqual([
        2,
        'Runtime Error: borg mount not available: no FUSE support, BORG_FUSE_IMPL=none.',
      ])
      // Before the repository is looked at.
      expect(fails([world.path('no-repository'), world.path('nowhere')])[1]).toContain('Mount point must be')
      expect(isMounted()).toBe(false)
      expect(roster()).toBe('')
    })

    test('a variable of ours that somebody else set is nothing to us', async () => {
      mustCli(world, ['mount', `${repository}::odd`, mountPoint], { environment: { TSBORG_READY_FD: '4' } })

      expect(isMounted()).toBe(true)
      const processId = servingProcess()
      mustCli(world, ['umount', mountPoint])
      await ended(processId)
    })

    test('nothing stays mounted when the one who called is gone by then', async () => {
      const child = spawn(process.execPath, [builtCli, 'mount', `${repository}::odd`, mountPoint], {
        env: { ...world.environment, TSBORG_READY_FD: '4' },
        stdio: ['ignore', 'ignore', 'ignore', 'ignore', 'pipe'],
      })
      serving.push(child)
      child.stdio[4]?.destroy()
      const code = await new Promise((resolve) => child.on('exit', resolve))

      expect(code).toBe(2)
      expect(isMounted()).toBe(false)
      expect(roster()).toBe('')
    })

    test('umount of what is not mounted fails with the code of the program it calls', () => {
      expect(runCli(world, ['umount', mountPoint]).code).toBe(1)
    })
  })

  describe('in the foreground', () => {
    async function foreground(...args: readonly string[]): Promise<ChildProcess> {
      const child = spawn(process.execPath, [builtCli, 'mount', '-f', ...args], {
        env: world.environment,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      serving.push(child)
      while (!isMounted()) await new Promise((resolve) => setTimeout(resolve, 20))
      return child
    }

    const endOf = (child: ChildProcess): Promise<number | null> =>
      new Promise((resolve) => {
        child.on('exit', (code) => resolve(code))
      })

    test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s unmounts and releases the lock', async (signal) => {
      const child = await foreground(`${repository}::odd`, mountPoint)
      expect(roster()).not.toBe('')

      const end = endOf(child)
      child.kill(signal)

      expect(await end).toBe(0)
      expect(isMounted()).toBe(false)
      expect(roster()).toBe('')
    })

    test('a signal ends it also while somebody sits in it', async () => {
      const child = await foreground(`${repository}::odd`, mountPoint)
      const sitting = spawn('sleep', ['1000'], { cwd: join(mountPoint, 'odd') })
      serving.push(sitting)

      const end = endOf(child)
      child.kill('SIGTERM')

      expect(await end).toBe(0)
      expect(isMounted()).toBe(false)
      expect(roster()).toBe('')
    })

    test('ends by itself when it is unmounted', async () => {
      const child = await foreground(repository, mountPoint)

      const end = endOf(child)
      world.must('umount', [mountPoint])

      expect(await end).toBe(0)
      expect(roster()).toBe('')
    })
  })

  const helper = ['fusermount3', 'fusermount'].find((name) => spawnSync(name, ['-V']).status === 0)
  if (runs && helper === undefined) console.warn('SKIPPED: mounting as a user needs fusermount3 or fusermount')
  test.skipIf(helper === undefined)('is mounted and unmounted by a user who is not root, through fusermount', () => {
    // The device gets its usual mode for this test only: in a mount namespace of its own, as a user without rights.
    const device = 'mount -t tmpfs none /mnt && mknod -m 666 /mnt/fuse c 10 229 && mount --bind /mnt/fuse /dev/fuse'
    const user = 'timeout 120 setpriv --reuid nobody --regid 65534 --clear-groups'
    const cli = `${process.execPath} ${builtCli}`
    const script = `
      export HOME=$PWD/home BORG_BASE_DIR=$PWD/home
      ${cli} init -e repokey repo 2>/dev/null && ${cli} create repo::a /etc/passwd && mkdir mnt || exit
      ${cli} mount repo::a mnt && cmp mnt/etc/passwd /etc/passwd && echo same
      ${cli} umount mnt && echo unmounted
      ${cli} mount -f repo::a mnt & child=$!
      until grep -q " $PWD/mnt fuse" /proc/self/mounts; do kill -0 $child || exit; sleep 0.05; done
      kill -TERM $child; wait $child; echo ended $?
      grep " $PWD/mnt fuse" /proc/self/mounts
      while [ -e repo/lock.roster ]; do sleep 0.05; done; echo released`
    mkdirSync(world.path('user'))
    world.must('chmod', ['755', world.folder])
    world.must('chown', ['nobody', world.path('user')])

    const { stdout, stderr } = world.run('unshare', ['-m', 'sh', '-c', `${device} && exec ${user} sh -c '${script}'`], {
      cwd: 'user',
    })

    expect([stdout, stderr]).toEqual(['same\nunmounted\nended 0\nreleased\n', ''])
  })

  test('over WebDAV the same content is served, in the background as well', async () => {
    const { stdout } = mustCli(world, ['mount', '--webdav', repository])
    const processId = servingProcess()
    try {
      expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\n$/)
      const got = await fetch(`${stdout.trim()}odd/odd/large`)
      expect(Buffer.from(await got.arrayBuffer()).equals(readFileSync(world.path('odd', 'large')))).toBe(true)
      expect((await fetch(`${stdout.trim()}odd/odd/f%FF%FE%80`)).status).toBe(200)
      const stranger = spawnSync(
        'setpriv',
        ['--reuid', '12345', '--clear-groups', process.execPath, '-e', asking(stdout)],
        {
          encoding: 'utf8',
        },
      )
      expect(stranger.stdout).toBe('403')
    } finally {
      process.kill(processId, 'SIGTERM')
      await ended(processId)
    }
    expect(roster()).toBe('')
  })

  const asking = (address: string): string =>
    `fetch('${address.trim()}').then((got) => process.stdout.write(String(got.status)))`
})
