/**
 * Every object's content against its id and MAC; what fails twice is deleted when repairing.
 */
import { isIntegrityError, isObjectError } from '../../base/errors.ts'
import { EventLoopTurns } from '../../base/flow.ts'
import { idKey, isManifestId, type ObjectId } from '../../base/ids.ts'
import { PercentProgress } from '../../base/progress.ts'
import { type StoredOutcome, storedEach } from '../../objects/stored-each.ts'
import type { CheckContext } from './context.ts'

const scanBatch = 1000

export async function verifyData(check: CheckContext): Promise<void> {
  check.inform('Starting cryptographic data integrity verification...')
  const progress = new PercentProgress(
    {
      msgid: 'check.verify_data',
      total: check.objectCount,
      step: 0.01,
      width: 6,
      decimals: 2,
      text: (percent) => `Verifying data ${percent}%`,
    },
    check.run,
  )
  const turns = new EventLoopTurns(() => check.host.monotonicMs())
  const defect: ObjectId[] = []
  let verified = 0
  let failures = 0
  // In disk order: a data check reads each segment once, front to back.
  for (let after: ObjectId | undefined; ; ) {
    const ids = await check.repository.scan(scanBatch, after)
    for await (const outcome of storedEach(check.repository, ids)) {
      check.run.signal?.throwIfAborted()
      progress.advance()
      verified += 1
      const problem = await problemOf(check, outcome)
      if (problem !== undefined) {
        failures += 1
        if (problem.damaged) defect.push(outcome.id)
      }
      await turns.take()
    }
    after = ids.at(-1)
    if (after === undefined) break
  }
  progress.finish()
  if (check.repair) await deleteDefect(check, defect)
  const summary = `verified ${verified} chunks with ${failures} integrity errors.`
  check.inform(`Finished cryptographic data integrity verification, ${summary}`)
}

async function problemOf(check: CheckContext, outcome: StoredOutcome): Promise<{ damaged: boolean } | undefined> {
  const { id } = outcome
  try {
    if ('error' in outcome) throw outcome.error
    // The manifest's id is no hash of its content: what can be checked of it is its MAC.
    await check.lane.open(isManifestId(id) ? undefined : id, outcome.stored)
    return undefined
  } catch (error) {
    if (isIntegrityError(error)) {
      check.problem(`chunk ${idKey(id)}, integrity error: ${error.message}`)
      return { damaged: true }
    }
    // Not known to be damaged: a repair must not delete what a newer version may have written.
    if (isObjectError(error)) {
      check.problem(`chunk ${idKey(id)}: ${error.message}`)
      return { damaged: false }
    }
    throw error
  }
}

/** Read once more before deleting: what fails only sometimes is a machine's fault, and the data may be good. */
async function deleteDefect(check: CheckContext, defect: readonly ObjectId[]): Promise<void> {
  for await (const outcome of storedEach(check.repository, defect)) {
    const { id } = outcome
    if ((await problemOf(check, outcome)) === undefined) {
      check.inform(`chunk ${idKey(id)} kept: it could be read this time, please test memory, cables and disks`)
      continue
    }
    await check.repository.delete(id)
    check.forget(id)
    check.inform(
      `chunk ${idKey(id)} deleted, files that refer to it get zeros in its place until it is backed up again`,
    )
  }
}
