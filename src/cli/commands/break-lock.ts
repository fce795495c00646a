/**
 * `break-lock`. Source: CLI contract, commands §15.
 */
import { breakLockTable } from '../args/tables/lock.ts'
import type { Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'

export const breakLock: Command<typeof breakLockTable> = {
  table: breakLockTable,
  async run(args, io) {
    const engine = await loadEngine()
    await engine.breakLocks(args.location, openOptions(engine, io, 'unlocked'), io.run)
    return undefined
  },
}
