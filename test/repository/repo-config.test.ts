import { expect, test } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import { loadFreeNonce, reserveNonce } from '../../src/repository/nonce-file.ts'
import { RepositoryConfig, requireDeletable, requireSettable } from '../../src/repository/repo-config.ts'
import { formatSize, parseSize } from '../../src/location/sizes.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { loadFixture } from '../support/vectors.ts'
import { bytesOf, logOf, newStore, textOf } from './world.ts'

const vectors = loadFixture<{
  format_file_size: readonly [number, string, string][]
  parse_file_size: readonly [string, number | string][]
}>('cli/misc-vectors.json')

test('sizes are written as borg writes them', () => {
  for (const [bytes, text] of vectors.format_file_size) expect(formatSize(bytes)).toBe(text)
})

test('sizes are read as borg reads them', () => {
  for (const [text, bytes] of vectors.parse_file_size) {
    expect(parseSize(text), text).toBe(typeof bytes === 'number' ? bytes : undefined)
  }
})

test('a changed option leaves all others as they are, the key and unknown ones too', async () => {
  const store = await newStore()
  const before = textOf(await store.read(storePath('config')))
  const text = `${before.trimEnd()}\nkey = one\n\ttwo\n\tthree\nfuture = yes\n\n[other]\nx = y\n\n`
  await store.write(storePath('config'), bytesOf(text))
  const config = await RepositoryConfig.load(store, '/repo')
  config.set('append_only', '1')
  await config.save(store, {})

  expect(config.key).toBe('one\ntwo\nthree')
  expect(textOf(await store.read(storePath('config')))).toBe(text.replace('append_only = 0', 'append_only = 1'))
})

test('a leftover of an interrupted update is mentioned', async () => {
  const store = await newStore()
  await store.write(storePath('config.old'), bytesOf('secret'))
  const log = logOf()
  await (await RepositoryConfig.load(store, '/repo')).save(store, log.run)

  expect(log.lines()).toEqual([expect.stringContaining('config.old')])
})

test('people may set what makes sense', () => {
  for (const [name, value] of [
    ['storage_quota', '0'],
    ['storage_quota', '10M'],
    ['additional_free_space', '2G'],
    ['append_only', '1'],
    ['max_segment_size', '4273995775'],
    ['segments_per_dir', '10'],
    ['id', 'ab'.repeat(32)],
  ] as const) {
    requireSettable(name, value)
  }
  for (const [name, value] of [
    ['storage_quota', '5M'],
    ['additional_free_space', 'much'],
    ['append_only', 'yes'],
    ['max_segment_size', '4273995776'],
    ['segments_per_dir', '0'],
    ['id', 'ab'],
    ['version', '2'],
    ['key', 'x'],
  ] as const) {
    expect(() => requireSettable(name, value), `${name} = ${value}`).toThrow('Invalid')
  }
})

test('the nonce file has 16 digits, and reservations never go back', async () => {
  const store = new MemoryStore()
  await reserveNonce(store, 0x1234n, undefined)
  expect(textOf(await store.read(storePath('nonce')))).toBe('0000000000001234')
  await expect(reserveNonce(store, 0x1000n, 0x1234n)).rejects.toThrow('go back')
  await expect(reserveNonce(store, 0x2000n, 0x1000n)).rejects.toMatchObject({ code: 'Error' })

  expect(await loadFreeNonce(store)).toBe(0x1234n)
  await store.write(storePath('nonce'), bytesOf('00000000deadBEEF\n'))
  expect(await loadFreeNonce(store)).toBe(0xdeadbeefn)
  await store.write(storePath('nonce'), bytesOf('12345'))
  await expect(loadFreeNonce(store)).rejects.toMatchObject({ code: 'IntegrityError' })
})

test.each(['id', 'key', 'version'])('%s, without which nobody opens the repository, cannot be deleted', (name) => {
  expect(() => requireDeletable(name)).toThrow(`Without its ${name}`)
  expect(() => requireDeletable('append_only')).not.toThrow()
})
