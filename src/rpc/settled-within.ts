/**
 * Waiting, but not for ever.
 */
import type { Host } from '../base/host.ts'

/** Whether `promise` settled, one way or the other, within so many milliseconds. */
export async function settledWithin(promise: Promise<unknown>, milliseconds: number, host: Host): Promise<boolean> {
  const timer = new AbortController()
  const settled = promise.then(
    () => true,
    () => true,
  )
  const tooLate = host.sleep(milliseconds, timer.signal).then(
    () => false,
    () => true,
  )
  const inTime = await Promise.race([settled, tooLate])
  timer.abort()
  return inTime
}
