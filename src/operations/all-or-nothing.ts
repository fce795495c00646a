/**
 * What a verb that failed has begun must not be carried into the repository by the next one of the same session.
 */
import { type RunOptions, reportLog } from '../base/events.ts'
import type { WriteSession } from '../session/session.ts'

/**
 * Runs `work`; when it fails, what it has not committed is rolled back. Without that, chunks a failed deletion has already
 * taken out would be missing from archives that are still there, as soon as anything else commits.
 */
export async function allOrNothing<T>(session: WriteSession, run: RunOptions, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await session.rollback().catch((failure: unknown) => {
      // Thrown, it would hide why there is something to roll back.
      reportLog(run, 'warning', `rolling back: ${failure instanceof Error ? failure.message : String(failure)}`)
    })
    throw error
  }
}
