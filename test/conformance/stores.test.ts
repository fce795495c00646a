/**
 * Every Store, and every wrapper around one, keeps the contract of src/store/store.ts.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { storeContract } from '../../src/store/contract.ts'
import { LocalStore } from '../../src/store/local-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { CrashStore } from '../support/crash-store.ts'
import { RecordingStore } from '../support/recording-store.ts'
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts'

const folder = makeTempFolder()
afterAll(() => removeTempFolder(folder))

let made = 0
function nextPath(): string {
  made += 1
  return join(folder, String(made), 'repository')
}

function sameFolder(store: Store): LocalStore {
  return new LocalStore(store.name)
}

const kinds: readonly [string, () => Store, ((store: Store) => Store) | undefined][] = [
  ['memory', () => new MemoryStore(), undefined],
  ['local, root still to be made', () => new LocalStore(nextPath()), sameFolder],
  [
    'local, in a folder whose name is not UTF-8',
    () => {
      const path = `${nextPath()}\udcff\u00e9`
      return new LocalStore(path)
    },
    sameFolder,
  ],
  [
    'local, root there and empty',
    () => {
      const path = nextPath()
      mkdirSync(path, { recursive: true })
      return new LocalStore(path)
    },
    sameFolder,
  ],
  ['recording over memory', () => new RecordingStore(new MemoryStore()), undefined],
  ['recording over local', () => new RecordingStore(new LocalStore(nextPath())), sameFolder],
  ['crash, as long as it lives', () => new CrashStore(), undefined],
]

describe.each(kinds)('%s', (_kind, makeStore, reopen) => {
  for (const { promise, run } of storeContract(makeStore, { reopen })) test(promise, run)
})
