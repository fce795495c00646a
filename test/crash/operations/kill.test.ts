/**
 * The built command line, killed for good in the middle of a backup, and what the next one finds.
 * TSBORG_LONG=1 kills 200 times instead of 10; TSBORG_SEED repeats contents and moments.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { checkArchives, checkRepository } from '../../../src/operations/check.ts'
import { extractArchive } from '../../../src/operations/extract.ts'
import { listArchives } from '../../../src/operations/list.ts'
import { connectRepository } from '../../../src/session/connect.ts'
import { defaultDirectories } from '../../../src/session/directories.ts'
import { openRepository } from '../../../src/session/open.ts'
import { BorgWorld, findBorgs } from '../../support/real-borg.ts'

const program = fileURLToPath(new URL('../../../dist/cli/tsborg.js', import.meta.url))
const built = existsSync(program)
if (!built) console.warn('SKIPPED: nothing can be killed before `npm run build`')
const borg = findBorgs()[0]

const long = process.env['TSBORG_LONG'] === '1'
const seed = Number(process.env['TSBORG_SEED'] ?? 20_261_125)
/** One repository each; copies of it are checked after every kill, so it must not grow for ever. */
const batches = long ? 20 : 1
const killsPerBatch = 10
const filesPerTree = 8
const fileSize = 300_000

console.info(`TSBORG_SEED=${seed}`)

for (let batch = 0; batch < batches; batch++) {
  test.skipIf(!built)(
    `killed ${killsPerBatch} times during create, everything saved before is there and the next create works (${batch})`,
    async () => {
      const world = new BorgWorld()
      try {
        await killing(world, makeChance(seed + batch))
      } finally {
        world.remove()
      }
    },
    300_000,
  )
}

/** Archive -> content hash of every file at its time. */
type Snapshots = Map<string, ReadonlyMap<string, string>>

async function killing(world: BorgWorld, chance: () => number): Promise<void> {
  const snapshots: Snapshots = new Map()
  expect(await finish(start(world, ['init', '-e', 'repokey-blake2', 'repo']))).toMatchObject({ code: 0 })
  snapshots.set('first', writeTree(world, chance))
  const begun = performance.now()
  expect(await finish(start(world, ['create', '--error', 'repo::first', 'tree']))).toMatchObject({ code: 0 })
  const wholeMs = performance.now() - begun
  let locked = 0
  for (let round = 0; round < killsPerBatch; round++) {
    const tree = writeTree(world, chance)
    snapshots.set(`killed-${round}`, tree)
    const victim = start(world, ['create', `repo::killed-${round}`, 'tree'])
    // Most of the first third is the start of Node.
    const timer = setTimeout(() => victim.kill('SIGKILL'), wholeMs * (0.35 + 0.65 * chance()))
    await once(victim, 'close')
    clearTimeout(timer)
    const stale = existsSync(world.path('repo', 'lock.exclusive'))
    if (stale) locked += 1
    cpSync(world.path('repo'), world.path('copy'), { recursive: true })

    snapshots.set(`after-${round}`, tree)
    const [next] = await Promise.all([
      finish(start(world, ['create', '--info', `repo::after-${round}`, 'tree'])),
      expectBorgContent(world),
    ])
    expect(next, `create after kill ${round}`).toMatchObject({ code: 0 })
    if (stale) expect(next.output).toContain('Killed stale lock')
    await expectClean(world)
    rmSync(world.path('copy'), { recursive: true })
  }
  console.info(`${locked} of ${killsPerBatch} kills left a lock`)
  await expectSnapshots(world, snapshots)
}

function start(world: BorgWorld, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, ...args], { cwd: world.folder, env: world.environment, stdio: 'pipe' })
}

async function finish(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text))
  await once(child, 'close')
  return { code: child.exitCode, output }
}

/** Other contents each time, that do not compress. */
function writeTree(world: BorgWorld, chance: () => number): ReadonlyMap<string, string> {
  mkdirSync(world.path('tree'), { recursive: true })
  const hashes = new Map<string, string>()
  for (let number = 0; number < filesPerTree; number++) {
    const words = new Uint32Array(fileSize / 4)
    for (let i = 0; i < words.length; i++) words[i] = chance() * 2 ** 32
    const bytes = new Uint8Array(words.buffer)
    writeFileSync(world.path('tree', `file-${number}`), bytes)
    hashes.set(`tree/file-${number}`, createHash('sha256').update(bytes).digest('hex'))
  }
  return hashes
}

/** What the kill left, before anything of ours has touched it again. */
async function expectBorgContent(world: BorgWorld): Promise<void> {
  if (borg === undefined) return
  const child = spawn(borg.command, ['check', '--verify-data', 'copy'], {
    cwd: world.folder,
    env: { ...world.environment, BORG_BASE_DIR: world.path('borg-base') },
  })
  expect(await finish(child), 'borg check').toMatchObject({ code: 0 })
}

async function expectClean(world: BorgWorld): Promise<void> {
  const complaints: string[] = []
  const run = {
    onEvent: (event: { type: string; level?: string; message?: string }) => {
      if (event.type === 'log' && event.level === 'error') complaints.push(event.message ?? '')
    },
  }
  for (const name of ['copy', 'repo']) {
    const options = { access: 'write', passphrase: world.passphrase, directories: directoriesOf(world) } as const
    await using repository = await connectRepository(world.path(name), { access: 'write' }, run)
    const sound = await checkRepository(repository, {}, run)
    expect([sound && (await checkArchives(repository, options, { verifyData: true }, run)), complaints]).toEqual([
      true,
      [],
    ])
  }
}

/** Archives that were finished are there; those that were killed may be, whole. */
async function expectSnapshots(world: BorgWorld, snapshots: Snapshots): Promise<void> {
  const options = { access: 'read', passphrase: world.passphrase, directories: directoriesOf(world) } as const
  await using session = await openRepository(world.path('repo'), options)
  const names = listArchives(session, { considerCheckpoints: true }).map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining([...snapshots.keys()].filter((name) => !name.startsWith('killed-'))))
  for (const name of names) {
    const hashes = new Map<string, ReturnType<typeof createHash>>()
    let hash = createHash('sha256')
    await extractArchive(session, name, {
      onItem: (item) => {
        hash = createHash('sha256')
        if (item.chunks !== undefined) hashes.set(item.path, hash)
      },
      onContent: (plain) => void hash.update(plain),
    })
    const found = new Map([...hashes].map(([path, digest]) => [path, digest.digest('hex')]))
    expect(found, name).toEqual(snapshots.get(name))
  }
}

function directoriesOf(world: BorgWorld): ReturnType<typeof defaultDirectories> {
  return defaultDirectories({ BORG_BASE_DIR: join(world.folder, 'base') }, world.folder)
}

/** mulberry32 */
function makeChance(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
