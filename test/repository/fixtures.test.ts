/**
 * Every repository real borg made for us: read like the log says, checked, written to, compacted.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { type StoreRepository, openStoreRepository } from '../../src/repository/segment-repository.ts'
import { LocalStore } from '../../src/store/local-store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { bytesOf, idOf, logOf } from './world.ts'

const fixtures = fileURLToPath(new URL('../../fixtures/repositories/', import.meta.url))
const versions = ['borg-1.2.4', 'borg-1.4.5']
const all = versions.flatMap((version) =>
  readdirSync(join(fixtures, version))
    .filter((name) => name.endsWith('.tar.gz'))
    .map((name) => ({ version, name: name.slice(0, -'.tar.gz'.length) })),
)

/** The one who left its lock behind when it was killed ran on this host, and is dead. */
const host = new FakeHost()
host.hostId = 'fixture-host@1'
host.dead.add(4999999)

describe.each(all)('$version, $name', ({ version, name }) => {
  test('is read, checked, written to and compacted without losing anything', async () => {
    const { path } = unpack(version, name)
    const expected = readLog(path)

    expect(await work(path, 'unlocked', contents)).toEqual(expected)
    expect(await work(path, 'read', contents)).toEqual(expected)
    const index = currentIndex(path)
    expect(index).toEqual(new Set(expected.keys()))
    expect(await check(path)).toEqual({ clean: expected.size > 0, problems: [] })

    await work(path, 'write', async (repository) => {
      await repository.put(idOf('new'), bytesOf('written by us'))
      await repository.commit({ compact: { threshold: 0.1 } })
    })
    const after = new Map(expected).set(toHex(idOf('new')), toHex(bytesOf('written by us')))
    expect(await work(path, 'read', contents)).toEqual(after)
    expect(readLog(path)).toEqual(after)
    if (!/^append_only = 1$/m.test(readFileSync(join(path, 'config'), 'utf8'))) {
      expect(await check(path)).toEqual({ clean: true, problems: [] })
    }
  })
})

const dumped = all.filter(({ name }) => ['compacted', 'quota', 'sparse-segments'].includes(name))
test.each(dumped)(
  'the hints that $version dumped of $name say the same when we read them',
  async ({ version, name }) => {
    const { path, folder } = unpack(version, name)
    const expected = JSON.parse(readFileSync(join(folder, 'hints.json'), 'utf8')) as {
      segments: Record<string, number>
      compact: Record<string, number>
      storage_quota_use: number
    }
    const hints = await work(path, 'write', (repository) => repository.hints())

    expect(Object.fromEntries(hints.segments)).toEqual(expected.segments)
    expect(Object.fromEntries(hints.compact)).toEqual(expected.compact)
    expect(hints.quotaUsed).toBe(expected.storage_quota_use)
  },
)

function unpack(version: string, name: string): { path: string; folder: string } {
  const folder = tempFolder()
  execFileSync('tar', ['-xzf', join(fixtures, version, `${name}.tar.gz`), '-C', folder])
  return { path: join(folder, 'repo'), folder }
}

async function work<T>(
  path: string,
  access: 'read' | 'write' | 'unlocked',
  body: (repository: StoreRepository) => Promise<T>,
): Promise<T> {
  const options = { location: path, access, lockWaitSeconds: 0 }
  await using repository = await openStoreRepository(new LocalStore(path), options, host, {})
  return await body(repository)
}

async function check(path: string): Promise<{ clean: boolean; problems: string[] }> {
  const log = logOf()
  const options = { location: path, access: 'write', lockWaitSeconds: 0 } as const
  await using repository = await openStoreRepository(new LocalStore(path), options, host, log.run)
  const clean = await repository.check({ repair: false, maxSeconds: 0 })
  return { clean, problems: log.lines().filter((line) => line.startsWith('error')) }
}

async function contents(repository: StoreRepository): Promise<Map<string, string>> {
  const ids = await repository.scan(1_000_000)
  expect([...(await repository.list(1_000_000))].map(toHex).sort()).toEqual(ids.map(toHex).sort())
  const found = new Map<string, string>()
  let at = 0
  for await (const data of repository.getMany(ids)) found.set(toHex(ids[at++] ?? new Uint8Array()), toHex(data))
  return found
}

/** What the log says, by a reader that shares nothing with the one under test: id -> data, as hex. */
function readLog(path: string): Map<string, string> {
  const segments = readdirSync(join(path, 'data'))
    .flatMap((folder) => readdirSync(join(path, 'data', folder)).map((file) => ({ folder, number: Number(file) })))
    .sort((a, b) => a.number - b.number)
    .map(({ folder, number }) => readFileSync(join(path, 'data', folder, String(number))))
  const last = segments.findLastIndex((bytes) => bytes.subarray(-9).toString('hex') === '40f43c250900000002')
  const objects = new Map<string, string>()
  for (const bytes of segments.slice(0, last + 1)) {
    for (let at = 8; at < bytes.length; at += bytes.readUInt32LE(at + 4)) {
      const id = bytes.subarray(at + 9, at + 41).toString('hex')
      const tag = bytes[at + 8]
      if (tag === 0) objects.set(id, bytes.subarray(at + 41, at + bytes.readUInt32LE(at + 4)).toString('hex'))
      if (tag === 1) objects.delete(id)
    }
  }
  return objects
}

/** Ids in the newest index file, bucket by bucket. */
function currentIndex(path: string): Set<string> {
  const newest = readdirSync(path)
    .filter((file) => /^index\.\d+$/.test(file))
    .sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)))
    .at(-1)
  const ids = new Set<string>()
  if (newest === undefined) return ids
  const bytes = readFileSync(join(path, newest))
  for (let at = 18; at < bytes.length; at += 40) {
    if (bytes.readUInt32LE(at + 32) < 0xfffffffe) ids.add(bytes.subarray(at, at + 32).toString('hex'))
  }
  return ids
}
