/**
 * Claims on disk: what borg expects to see there, and several processes at once.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import { LocalStore } from '../../src/store/local-store.ts'
import { tempFolder } from '../support/temp-folder.ts'

const claim = storePath('lock.exclusive')
const worker = fileURLToPath(new URL('./claim-worker.ts', import.meta.url))

test('a claim is a folder with an empty file named after the owner, and nothing else is left', async () => {
  const folder = tempFolder()
  const store = new LocalStore(folder)

  await store.claim(claim, 'ada@1.10-0')

  expect(readdirSync(folder)).toEqual(['lock.exclusive'])
  expect(readdirSync(join(folder, 'lock.exclusive'))).toEqual(['ada@1.10-0'])
  expect(statSync(join(folder, 'lock.exclusive')).mode & 0o777).toBe(0o700)
  const file = statSync(join(folder, 'lock.exclusive', 'ada@1.10-0'))
  expect([file.mode & 0o777, file.size]).toEqual([0o600, 0])
})

test('a refused claim leaves no temporary folder', async () => {
  const folder = tempFolder()
  const store = new LocalStore(folder)
  await store.claim(claim, 'ada@1.10-0')

  expect(await store.claim(claim, 'bob@1.11-0')).toBe(false)

  expect(readdirSync(folder)).toEqual(['lock.exclusive'])
})

test('a claim without an owner, as a crash leaves it, is free', async () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'lock.exclusive'))

  expect(await new LocalStore(folder).claim(claim, 'ada@1.10-0')).toBe(true)
})

test('giving up a claim that others share leaves theirs', async () => {
  const folder = tempFolder()
  const store = new LocalStore(folder)
  await store.claim(claim, 'ada@1.10-0')
  writeFileSync(join(folder, 'lock.exclusive', 'bob@1.11-0'), '')

  await store.unclaim(claim, 'ada@1.10-0')

  expect(await store.owners(claim)).toEqual(['bob@1.11-0'])
})

test('a claim where a file has the name is refused with the system error, and leaves the file', async () => {
  const folder = tempFolder()
  writeFileSync(join(folder, 'lock.exclusive'), 'mine')

  await expect(new LocalStore(folder).claim(claim, 'ada@1.10-0')).rejects.toMatchObject({ code: 'ENOTDIR' })
  expect(readdirSync(folder)).toEqual(['lock.exclusive'])
})

test.each(['', '.', '..', 'a/b', '../../evil'])('%j is no owner', async (owner) => {
  const store = new LocalStore(tempFolder())

  await expect(store.claim(claim, owner)).rejects.toThrow(RangeError)
  await expect(store.unclaim(claim, owner)).rejects.toThrow(RangeError)
})

test('four processes take turns and are never inside together', async () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'store'))
  writeFileSync(join(folder, 'count'), '0')
  const times = 50

  const codes = await Promise.all(['a', 'b', 'c', 'd'].map((name) => runWorker(folder, `${name}@1.10-0`, times)))

  expect(codes).toEqual([0, 0, 0, 0])
  expect(readFileSync(join(folder, 'count'), 'utf8')).toBe(String(4 * times))
  expect(readdirSync(join(folder, 'store'))).toEqual([])
})

function runWorker(folder: string, owner: string, times: number): Promise<number | null> {
  const options = ['--import', import.meta.resolve('tsx'), worker, folder, owner, String(times)]
  const child = spawn(process.execPath, options, { stdio: ['ignore', 'ignore', 'inherit'] })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
}
