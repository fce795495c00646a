/**
 * Store contract, S1-S5: files written, appended, read and removed.
 */
import { equalBytes } from '../base/bytes.ts'
import { systemErrorCode } from '../base/errors.ts'
import { storePath } from '../base/ids.ts'
import {
  type ContractCases,
  expect,
  expectList,
  expectContent,
  expectPrefix,
  expectClosed,
  names,
  rejects,
  failing,
  isPlanned,
  text,
  pattern,
} from './contract-checks.ts'
import { isStoreNotFound } from './store.ts'

const file = storePath('config')

export const fileCases: ContractCases = [
  [
    'S1 a written file is read back, by this Store and by one opened later',
    async (store, reopen) => {
      await store.write(file, text('one'))
      await expectContent(store, file, text('one'))
      await expectContent(await reopen(), file, text('one'))
    },
  ],
  [
    'S1 empty files exist',
    async (store) => {
      await store.write(file, new Uint8Array(0))
      await expectContent(store, file, new Uint8Array(0))
    },
  ],
  [
    'S1 a range ends where the file ends',
    async (store) => {
      await store.write(file, text('0123456789'))
      for (const [offset, length, answer] of [
        [0, 4, '0123'],
        [3, 4, '3456'],
        [8, 4, '89'],
        [10, 4, ''],
        [25, 4, ''],
        [5, 0, ''],
      ] as const) {
        const bytes = await store.read(file, { offset, length })
        expect(equalBytes(bytes, text(answer)), `range ${offset}+${length} gave ${bytes.length} bytes`)
      }
      const all = await store.read(file, { offset: 2, length: 50 * 1024 * 1024 })
      expect(equalBytes(all, text('23456789')), 'a range far past the end gave something else than the rest')
    },
  ],
  [
    'S1 contents of several MiB come back whole and in parts',
    async (store) => {
      const content = pattern(5 * 1024 * 1024 + 17, 1)
      await store.write(file, content)
      await expectContent(store, file, content)
      const part = await store.read(file, { offset: 1_000_003, length: 3_000_000 })
      expect(equalBytes(part, content.subarray(1_000_003, 4_000_003)), 'a range of 3 MB differs')
    },
  ],
  [
    'S1 a stream may use one buffer for all its pieces',
    async (store) => {
      const buffer = new Uint8Array(70_000)
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < 5; i++) yield buffer.fill(i)
      }
      await store.write(file, pieces())
      const content = await store.read(file)
      expect(content.length === 350_000, `350000 bytes were written, ${content.length} came back`)
      expect(
        content.every((byte, i) => byte === Math.floor(i / 70_000)),
        'pieces were mixed up',
      )
    },
  ],
  [
    'S1 bytes given and bytes received are not shared with the Store',
    async (store) => {
      const given = text('given')
      await store.write(file, given)
      given.fill(0)
      const received = await store.read(file)
      expect(equalBytes(received, text('given')), 'changing bytes after write changed the file')
      received.fill(0)
      await expectContent(store, file, text('given'))
    },
  ],
  [
    'S1 what does not exist has no state, no entries and no content',
    async (store) => {
      const path = storePath('data/0/7')
      expect((await store.stat(path)) === undefined, 'stat knows a missing file')
      expect((await names(store, storePath('data/0'))).length === 0, 'a missing folder has entries')
      expect(await rejects(() => store.read(path), isStoreNotFound), 'read of a missing file is not StoreNotFound')
      expect(
        await rejects(() => store.read(path, { offset: 0, length: 1 }), isStoreNotFound),
        'read of a range of a missing file is not StoreNotFound',
      )
    },
  ],
  [
    'S1 a folder lists its direct children with kind and size, and no sibling of similar name',
    async (store, reopen) => {
      await store.write(storePath('data/1/17'), text('four'))
      await store.write(storePath('data/10/18'), text('x'))
      await store.write(storePath('data/1x'), text('xy'))
      for (const each of [store, await reopen()]) {
        expectList(await names(each, storePath('data')), ['data/1 folder 0', 'data/10 folder 0', 'data/1x file 2'])
        expectList(await names(each, storePath('data/1')), ['data/1/17 file 4'])
        expect((await each.stat(storePath('data/1')))?.kind === 'folder', 'stat does not know the folder')
      }
      expect((await names(store, storePath(''))).includes('data folder 0'), 'the root does not list the folder')
    },
  ],
  [
    'S1 the root is missing, then empty, then occupied, and missing again after removeAll',
    async (store) => {
      expect((await store.root()) === 'empty', `a new root is ${await store.root()}`)
      await store.createRoot()
      await store.write(storePath('data/0/1'), text('x'))
      expect((await store.root()) === 'occupied', `a root with a file is ${await store.root()}`)
      await store.removeAll()
      expect((await store.root()) !== 'occupied', 'removeAll left something')
      expect((await store.stat(storePath('data/0/1'))) === undefined, 'removeAll left a file')
      await store.removeAll()
      await store.createRoot()
      expect((await store.root()) === 'empty', 'a root made again is not empty')
    },
  ],
  [
    'S2 write replaces longer by shorter content, secret and transient files too',
    async (store, reopen) => {
      for (const options of [{}, { secret: true }, { transient: true }]) {
        await store.write(file, text('the longer content'), options)
        await store.write(file, text('short'), options)
        await expectContent(store, file, text('short'))
        await expectContent(await reopen(), file, text('short'))
        expectList(await names(store, storePath('')), ['config file 5'])
      }
    },
  ],
  [
    'S2 a write that fails half way leaves the old content and nothing else',
    async (store) => {
      await store.write(file, text('old'))
      for (const options of [{}, { secret: true }]) {
        const failed = await rejects(() => store.write(file, failing(), options), isPlanned)
        expect(failed, 'the failure of the stream did not come out of write')
        await expectContent(store, file, text('old'))
        expectList(await names(store, storePath('')), ['config file 3'])
      }
    },
  ],
  [
    'S2 who reads while others write sees one content or another, never a mixture',
    async (store, reopen) => {
      const reader = await reopen()
      await store.write(file, new Uint8Array(200_000).fill(1))
      const writing = (async () => {
        for (let i = 2; i < 12; i++) await store.write(file, new Uint8Array(200_000 - i).fill(i))
      })()
      for (let i = 0; i < 20; i++) {
        const seen = await reader.read(file)
        const first = seen[0] ?? 0
        const size = first === 1 ? 200_000 : 200_000 - first
        expect(seen.length === size && seen.every((byte) => byte === first), 'a mixture of two contents was read')
      }
      await writing
    },
  ],
  [
    'S3 an appended file grows by all parts and is readable up to the last flush',
    async (store) => {
      const path = storePath('data/3/3001')
      const appended = await store.append(path)
      await appended.write(text('head'), new Uint8Array(0), text('body'))
      await appended.write()
      expect(appended.size === 8, `8 bytes were written, size says ${appended.size}`)
      await appended.flush()
      await expectPrefix(store, path, text('headbody'))
      await appended.write(text('tail'))
      await expectPrefix(store, path, text('headbody'))
      await appended.flush()
      await expectContent(store, path, text('headbodytail'))
      await appended.seal()
      await expectContent(store, path, text('headbodytail'))
    },
  ],
  [
    'S3 bytes given to an appended file may be used again at once',
    async (store) => {
      const appended = await store.append(file)
      const buffer = new Uint8Array(100_000)
      for (let i = 0; i < 30; i++) await appended.write(buffer.fill(i), buffer.subarray(0, 3))
      await appended.seal()
      const content = await store.read(file)
      expect(content.length === 30 * 100_003, `size is ${content.length}`)
      expect(
        content.every((byte, i) => byte === Math.floor(i / 100_003)),
        'parts were mixed up',
      )
    },
  ],
  [
    'S3 append refuses a name that is taken and leaves that file alone',
    async (store) => {
      await store.write(file, text('mine'))
      const taken = await rejects(
        () => store.append(file),
        (error) => systemErrorCode(error) === 'EEXIST',
      )
      expect(taken, 'append to an existing file did not fail with EEXIST')
      await expectContent(store, file, text('mine'))
    },
  ],
  [
    'S3 an abandoned file can be removed and its name used again',
    async (store) => {
      const first = await store.append(file)
      await first.write(text('half'))
      await first.abandon()
      await first.abandon()
      await expectClosed(first)
      await store.remove(file)
      expect((await store.stat(file)) === undefined, 'an abandoned file is still there after remove')
      const second = await store.append(file)
      await second.write(text('whole'))
      await second.seal()
      await expectContent(store, file, text('whole'))
    },
  ],
  [
    'S4 a sealed file is complete for everyone, and closed',
    async (store, reopen) => {
      const path = storePath('data/0/1')
      const appended = await store.append(path)
      const content = pattern(300_000, 2)
      for (let at = 0; at < content.length; at += 50_000) await appended.write(content.subarray(at, at + 50_000))
      await appended.seal()
      for (const each of [store, await reopen()]) {
        await expectContent(each, path, content)
        expect((await each.stat(path))?.size === 300_000, 'stat gives another size')
      }
      await expectClosed(appended)
      await appended.abandon()
      await expectContent(store, path, content)
    },
  ],
  [
    'S5 a removed file is gone for this Store, and removing nothing is fine',
    async (store) => {
      const path = storePath('data/0/1')
      await store.write(path, text('x'))
      await store.read(path, { offset: 0, length: 1 })
      await store.remove(path)
      await store.remove(path)
      await store.remove(storePath('never/was'))
      expect((await store.stat(path)) === undefined, 'stat knows a removed file')
      const gone = await rejects(() => store.read(path, { offset: 0, length: 1 }), isStoreNotFound)
      expect(gone, 'a removed file can be read')
    },
  ],
  [
    'S5 a name used again has the new content only',
    async (store) => {
      await store.write(file, text('the old one'))
      await store.read(file, { offset: 0, length: 3 })
      await store.remove(file)
      await store.write(file, text('new'))
      expect(equalBytes(await store.read(file, { offset: 0, length: 50 }), text('new')), 'old bytes were read')
      await store.write(file, text('newer'))
      expect(equalBytes(await store.read(file, { offset: 0, length: 50 }), text('newer')), 'old bytes were read')
    },
  ],
  [
    'S5 removeEmptyFolders takes empty folders only',
    async (store) => {
      await store.write(storePath('data/0/1'), text('x'))
      await store.write(storePath('data/1/1001'), text('x'))
      await store.remove(storePath('data/0/1'))
      await store.removeEmptyFolders(storePath('data'))
      await store.removeEmptyFolders(storePath('never'))
      expectList(await names(store, storePath('data')), ['data/1 folder 0'])
      await expectContent(store, storePath('data/1/1001'), text('x'))
      await store.write(storePath('data/0/2'), text('again'))
      await expectContent(store, storePath('data/0/2'), text('again'))
    },
  ],
]
