/**
 * A process that enters a claimed section many times: `claim-worker.ts FOLDER OWNER TIMES`.
 * In the section it makes a file that must not exist, counts up, and removes the file: two at once would be noticed.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { storePath } from '../../src/base/ids.ts'
import { LocalStore } from '../../src/store/local-store.ts'

const [folder = '', owner = '', times = '0'] = process.argv.slice(2)
const store = new LocalStore(join(folder, 'store'))
const claim = storePath('lock.exclusive')
process.stdout.write('ready\n')
for (let left = Number(times); left > 0; left--) {
  while (!(await store.claim(claim, owner))) await new Promise((resolve) => setTimeout(resolve, 1))
  writeFileSync(join(folder, 'inside'), owner, { flag: 'wx' })
  const count = Number(readFileSync(join(folder, 'count'), 'utf8'))
  await new Promise((resolve) => setTimeout(resolve, 1))
  writeFileSync(join(folder, 'count'), String(count + 1))
  rmSync(join(folder, 'inside'))
  await store.unclaim(claim, owner)
}
