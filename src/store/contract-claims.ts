/**
 * Store contract, S6, S7 and moveFolder: claims, and several files at once.
 */
import { storePath } from '../base/ids.ts'
import {
  type ContractCases,
  expect,
  expectList,
  expectContent,
  names,
  rejects,
  failing,
  isPlanned,
  text,
} from './contract-checks.ts'

const file = storePath('config')
const claim = storePath('lock.exclusive')

export const claimCases: ContractCases = [
  [
    'S6 a claim has one owner, who may repeat it',
    async (store, reopen) => {
      const other = await reopen()
      expect((await store.owners(claim)).length === 0, 'a claim nobody made has owners')
      expect(await store.claim(claim, 'ada@1.10-0'), 'the first claim was refused')
      expect(!(await other.claim(claim, 'bob@2.11-0')), 'a second owner got the claim')
      expect(await other.claim(claim, 'ada@1.10-0'), 'the owner was refused')
      for (const each of [store, other]) expectList([...(await each.owners(claim))], ['ada@1.10-0'])
    },
  ],
  [
    'S6 a claim given up, by its owner or by others in its name, is free',
    async (store, reopen) => {
      const other = await reopen()
      await store.claim(claim, 'ada@1.10-0')
      await other.unclaim(claim, 'bob@2.11-0')
      expectList([...(await store.owners(claim))], ['ada@1.10-0'])
      await other.unclaim(claim, 'ada@1.10-0')
      await store.unclaim(claim, 'ada@1.10-0')
      expect((await store.owners(claim)).length === 0, 'a claim given up has owners')
      expect(await other.claim(claim, 'bob@2.11-0'), 'a free claim was refused')
    },
  ],
  [
    'S6 of many who claim at once one succeeds',
    async (store, reopen) => {
      if (store.traits.claims === 'advisory') return
      const stores = [store, await reopen(), await reopen()]
      for (let round = 0; round < 5; round++) {
        const owners = Array.from({ length: 12 }, (_, i) => `host@${round}.${i}-0`)
        const answers = await Promise.all(owners.map((owner, i) => (stores[i % 3] ?? store).claim(claim, owner)))
        const winners = owners.filter((_, i) => answers[i])
        expect(winners.length === 1, `${winners.length} owners at once`)
        expectList([...(await store.owners(claim))], winners)
        for (const winner of winners) await store.unclaim(claim, winner)
      }
    },
  ],
  [
    'S6 a claim passes from its owner to another, and from nobody else',
    async (store, reopen) => {
      const other = await reopen()
      await store.claim(claim, 'ada@1.10-0')
      expect(!(await other.passClaim(claim, 'bob@2.11-0', 'eve@3.12-0')), 'a claim was passed by who had none')
      expect(await store.passClaim(claim, 'ada@1.10-0', 'ada@1.99-0'), 'the owner could not pass the claim')
      expectList([...(await other.owners(claim))], ['ada@1.99-0'])
      expect(!(await other.claim(claim, 'ada@1.10-0')), 'the former owner still has the claim')
    },
  ],
  [
    'S6 two claims are independent',
    async (store) => {
      expect(await store.claim(claim, 'ada@1.10-0'), 'refused')
      expect(await store.claim(storePath('other.exclusive'), 'bob@1.11-0'), 'refused')
      expectList([...(await store.owners(claim))], ['ada@1.10-0'])
    },
  ],
  [
    'S7 writeInOrder writes new files and replaces old ones',
    async (store, reopen) => {
      await store.write(storePath('hints.1'), text('a much older content'))
      async function* pieces(): AsyncGenerator<Uint8Array> {
        yield text('in')
        yield text('dex')
      }
      await store.writeInOrder([
        { path: storePath('integrity.1'), content: text('integrity') },
        { path: storePath('hints.1'), content: text('hints') },
        { path: storePath('index.1'), content: pieces() },
      ])
      for (const each of [store, await reopen()]) {
        expectList(await names(each, storePath('')), ['hints.1 file 5', 'index.1 file 5', 'integrity.1 file 9'])
        await expectContent(each, storePath('index.1'), text('index'))
      }
      await store.writeInOrder([])
    },
  ],
  [
    'S7 writeInOrder changes nothing when one of the contents fails',
    async (store) => {
      await store.write(file, text('old'))
      const failed = await rejects(
        () =>
          store.writeInOrder([
            { path: file, content: text('new') },
            { path: storePath('other'), content: failing() },
          ]),
        isPlanned,
      )
      expect(failed, 'the failure of the stream did not come out')
      await expectContent(store, file, text('old'))
      expectList(await names(store, storePath('')), ['config file 3'])
    },
  ],
  [
    'moveFolder, where there is one, moves all of a folder and refuses a name that is taken',
    async (store, reopen) => {
      if (store.moveFolder === undefined) return
      await store.write(storePath('txn.tmp/config'), text('config'))
      await store.write(storePath('txn.tmp/a/b'), text('b'))
      await store.moveFolder(storePath('txn.tmp'), storePath('txn.active'))
      for (const each of [store, await reopen()]) {
        expectList(await names(each, storePath('')), ['txn.active folder 0'])
        expectList(await names(each, storePath('txn.active')), ['txn.active/a folder 0', 'txn.active/config file 6'])
        await expectContent(each, storePath('txn.active/a/b'), text('b'))
      }
      await store.write(storePath('txn.tmp/config'), text('second'))
      const { moveFolder } = store
      const move = (): Promise<void> => moveFolder.call(store, storePath('txn.tmp'), storePath('txn.active'))
      expect(await rejects(move, () => true), 'a folder was moved over another')
      await expectContent(store, storePath('txn.active/config'), text('config'))
    },
  ],
]
