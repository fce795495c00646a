/**
 * The Store contract over rclone, with a plain folder and with its crypt remote on one.
 */
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import type { RclonePlace } from '../../src/rclone/rclone-remote.ts'
import { RcloneStore } from '../../src/rclone/rclone-store.ts'
import { storeContract } from '../../src/store/contract.ts'
import type { Store } from '../../src/store/store.ts'
import { haveRclone, rcloneConfig } from '../support/rclone.ts'
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts'

const folder = makeTempFolder()
afterAll(() => removeTempFolder(folder))

describe.skipIf(!haveRclone)('rclone', () => {
  const disk = new RcloneStore({ remote: 'disk', path: '/' }, haveRclone ? rcloneConfig(folder) : {})
  afterAll(() => disk[Symbol.asyncDispose]())
  let made = 0
  const places: readonly [string, () => RclonePlace][] = [
    ['a folder', () => ({ remote: 'disk', path: join(folder, String(made++), 'repository') })],
    ['crypt over a folder', () => ({ remote: 'secret', path: `${made++}/repository` })],
  ]
  describe.each(places)('%s', (_kind, place) => {
    const reopen = (store: Store): Store => disk.elsewhere(placeOf(store as RcloneStore))
    for (const { promise, run } of storeContract(() => disk.elsewhere(place()), { reopen })) test(promise, run)
  })
})

function placeOf({ name }: RcloneStore): RclonePlace {
  const [, remote = '', path = ''] = /^rclone:([^:]*):(.*)$/.exec(name) ?? []
  return { remote, path }
}
