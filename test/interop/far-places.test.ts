/**
 * The program on places without borg: s3: and rclone:, as people type them.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveRclone, rcloneConfig } from '../support/rclone.ts'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'
import { S3Server } from '../support/s3-server.ts'
import { builtCli } from './support/built-cli.ts'

const borgs = findBorgs()
const world = new BorgWorld()
afterAll(() => world.remove())
mkdirSync(world.path('source'))
for (let i = 0; i < 20; i++) writeFileSync(world.path('source', `file${i}`), `line ${i}\n`.repeat(500))

interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Not synchronous: the S3 service lives in this process. */
async function tsborg(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Run> {
  const child = spawn(process.execPath, [builtCli, ...args], {
    cwd: world.folder,
    env: { ...world.environment, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', (piece: Buffer) => (texts.stdout += piece.toString()))
  child.stderr.on('data', (piece: Buffer) => (texts.stderr += piece.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...texts }
}

async function backUpTwice(repository: string, environment: Readonly<Record<string, string>>): Promise<void> {
  for (const args of [
    ['init', '--encryption', 'repokey-blake2', repository],
    ['create', `${repository}::one`, 'source'],
    ['create', `${repository}::two`, 'source'],
    ['delete', `${repository}::one`],
    ['compact', repository],
    ['check', '--verify-data', repository],
  ]) {
    const run = await tsborg(args, environment)
    expect(run.code, `${args.join(' ')}: ${run.stderr}`).toBe(0)
  }
}

function expectRepository(folder: string): void {
  for (const borg of borgs) {
    const checked = world.run(borg.command, ['check', '--verify-data', folder])
    expect(checked.code, checked.stderr).toBe(0)
    expect(world.run(borg.command, ['list', '--short', folder]).stdout).toBe('two\n')
  }
}

describe('s3:', () => {
  let server: S3Server
  beforeAll(async () => {
    server = await S3Server.start()
  })
  afterAll(() => server.stop())

  const keys = (): Record<string, string> => ({
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  })

  test('backups, pruned and checked; a copy of the bucket is a repository of borg', async () => {
    await backUpTwice(`s3:${server.endpoint}/bucket/some/where`, keys())
    const bucket = server.world.objects()
    const folder = world.path('bucket')
    for (const [key, object] of bucket) {
      const path = join(folder, key)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, object.body)
    }
    expectRepository(join(folder, 'some', 'where'))
  })

  test('without credentials, and with wrong ones, it says so and shows none', async () => {
    const repository = `s3:${server.endpoint}/bucket/x`
    const without = await tsborg(['list', repository], {})
    expect(without.code).toBe(2)
    expect(without.stderr).toContain('AWS_ACCESS_KEY_ID')
    const secret = 'not-the-secret-of-anybody'
    const wrong = await tsborg(['list', repository], { ...keys(), AWS_SECRET_ACCESS_KEY: secret })
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain('SignatureDoesNotMatch')
    expect(wrong.stderr).not.toContain(secret)
  })
})

describe.skipIf(!haveRclone)('rclone:', () => {
  const [, config = ''] = haveRclone ? (rcloneConfig(world.folder).options ?? []) : []
  const environment = { RCLONE_CONFIG: config }

  test('writing where locks are advisory wants consent, and leaves nothing without', async () => {
    const refused = await tsborg(['init', '-e', 'none', `rclone:disk:${world.path('refused')}`], environment)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('no way to lock a repository for certain')
    expect(existsSync(world.path('refused'))).toBe(false)
  })

  test('backups, pruned and checked; the folder is a repository of borg', async () => {
    const folder = world.path('far')
    await backUpTwice(`rclone:disk:${folder}`, { ...environment, TSBORG_ADVISORY_LOCK_IS_OK: 'yes' })
    expect(readdirSync(folder).filter((name) => name.startsWith('lock'))).toEqual([])
    expectRepository(folder)
  })

  test('a remote that rclone does not know is named', async () => {
    const run = await tsborg(['list', 'rclone:nowhere:x'], environment)
    expect(run.code).toBe(2)
    expect(run.stderr).toContain("rclone:nowhere:x: rclone: didn't find section in config file")
  })
})
