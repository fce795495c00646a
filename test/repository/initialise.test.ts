import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { initialiseRepository } from '../../src/repository/initialise.ts'
import { LocalStore } from '../../src/store/local-store.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { host } from './world.ts'

async function initialise(path: string, options: { makeParents?: boolean; quotaBytes?: number } = {}): Promise<void> {
  await initialiseRepository(new LocalStore(path), { location: path, ...options }, host, {})
}

test('a new repository has the files, the text and the modes that borg gives it', async () => {
  const path = join(tempFolder(), 'new')
  await initialise(path, { quotaBytes: 10_000_000 })

  expect(readdirSync(path).sort()).toEqual(['README', 'config', 'data'])
  expect(readdirSync(join(path, 'data'))).toEqual([])
  expect(readFileSync(join(path, 'README'), 'utf8')).toBe(
    'This is a Borg Backup repository.\nSee https://borgbackup.readthedocs.io/\n',
  )
  expect(readFileSync(join(path, 'config'), 'utf8')).toMatch(
    /^\[repository\]\nversion = 1\nsegments_per_dir = 1000\nmax_segment_size = 524288000\nappend_only = 0\nstorage_quota = 10000000\nadditional_free_space = 0\nid = [0-9a-f]{64}\n\n$/,
  )
  for (const file of ['README', 'config']) expect(statSync(join(path, file)).mode & 0o777).toBe(0o600)
  for (const folder of ['.', 'data']) expect(statSync(join(path, folder)).mode & 0o777).toBe(0o700)
})

test('an empty folder is taken, anything else is not', async () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'empty'))
  await initialise(join(folder, 'empty'))
  await expect(initialise(join(folder, 'empty'))).rejects.toMatchObject({ code: 'Repository.AlreadyExists' })

  mkdirSync(join(folder, 'full'))
  writeFileSync(join(folder, 'full', 'letter'), 'dear')
  await expect(initialise(join(folder, 'full'))).rejects.toMatchObject({ code: 'Repository.PathAlreadyExists' })
  await expect(initialise(join(folder, 'full', 'letter'))).rejects.toMatchObject({
    code: 'Repository.PathAlreadyExists',
  })
  expect(readdirSync(join(folder, 'full'))).toEqual(['letter'])
})

test('no repository is made inside another', async () => {
  const folder = tempFolder()
  await initialise(join(folder, 'outer'))
  const inner = join(folder, 'outer', 'some', 'inner')

  await expect(initialise(inner, { makeParents: true })).rejects.toMatchObject({
    code: 'Repository.AlreadyExists',
    args: [join(folder, 'outer')],
  })
  expect(readdirSync(join(folder, 'outer')).sort()).toEqual(['README', 'config', 'data'])
})

test('missing parents are made only when asked for', async () => {
  const path = join(tempFolder(), 'not', 'there')
  await expect(initialise(path)).rejects.toMatchObject({ code: 'Repository.ParentPathDoesNotExist' })
  await initialise(path, { makeParents: true })

  expect(readdirSync(path)).toContain('config')
})
