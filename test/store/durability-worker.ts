/**
 * Does what its second argument says to a LocalStore on its first, for someone who watches the system calls.
 */
import { storePath } from '../../src/base/ids.ts'
import { LocalStore } from '../../src/store/local-store.ts'

const [folder = '', act = ''] = process.argv.slice(2)
const store = new LocalStore(folder)
const content = new TextEncoder().encode('content')
switch (act) {
  case 'append': {
    const file = await store.append(storePath('data/0/1'))
    await file.write(content)
    await file.seal()
    break
  }
  case 'write':
    await store.write(storePath('file'), content)
    break
  case 'secret':
    await store.write(storePath('config'), content, { secret: true })
    break
  case 'transient':
    await store.write(storePath('file'), content, { transient: true })
    break
  case 'in-order':
    await store.writeInOrder(['integrity.5', 'hints.5', 'index.5'].map((name) => ({ path: storePath(name), content })))
    break
  case 'move':
    await store.moveFolder(storePath('txn.tmp'), storePath('txn.active'))
    break
  default:
    throw new RangeError(`unknown act ${act}`)
}
