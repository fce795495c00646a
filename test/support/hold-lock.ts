/**
 * A process of its own that takes a lock and keeps it until it is killed: `hold-lock.ts FOLDER shared|exclusive`.
 * Says 'held' when it has it.
 */
import { systemHost } from '../../src/base/host.ts'
import { acquireLock } from '../../src/repository/lock.ts'
import { LocalStore } from '../../src/store/local-store.ts'

const [folder = '', kind = ''] = process.argv.slice(2)
if (kind !== 'shared' && kind !== 'exclusive') throw new RangeError(`unknown kind of lock: ${kind}`)
await acquireLock(new LocalStore(folder), { kind, lockWaitSeconds: 20 }, systemHost, {})
process.stdout.write('held\n')
setInterval(() => {}, 60_000)
