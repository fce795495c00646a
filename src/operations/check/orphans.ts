/**
 * Objects no archive refers to.
 */
import { idKey } from '../../base/ids.ts'
import type { CheckContext } from './context.ts'

/** Only meaningful once every archive was checked. */
export async function checkOrphans(check: CheckContext): Promise<void> {
  const unused = check.unreferenced()
  const orphans = unused.filter((id) => !check.superseded.has(idKey(id)))
  if (orphans.length > 0) check.problem(`${orphans.length} orphaned objects found!`)
  if (!check.repair || unused.length === 0) return
  if (!check.followedAll) {
    check.inform('Orphaned objects are kept: some objects are of an unknown kind, and may refer to them.')
    return
  }
  check.inform(`Deleting ${orphans.length} orphaned and ${unused.length - orphans.length} superseded objects...`)
  for (const id of unused) await check.repository.delete(id)
  check.inform('Finished deleting orphaned/superseded objects.')
}
