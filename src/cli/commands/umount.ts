/**
 * `umount`. Source: CLI contract, commands §19.
 */
import { spawn } from 'node:child_process'
import { BorgError, borgVersion, systemErrorCode } from '../../parsing.ts'
import { umountTable } from '../args/tables/mount.ts'
import type { Command } from '../command.ts'
import { childEnvironment } from '../env.ts'
import { requireNativeWords } from '../native-name.ts'

export const umount: Command<typeof umountTable> = {
  table: umountTable,
  async run({ mountpoint }, io) {
    requireNativeWords('umount', [mountpoint])
    const programs = [
      ['fusermount3', '-u', mountpoint],
      ['fusermount', '-u', mountpoint],
      ['umount', mountpoint],
    ]
    const env = childEnvironment(io.env, borgVersion)
    for (const [program = '', ...words] of programs) {
      const code = await exitCode(program, words, env)
      if (code !== undefined) return code
    }
    throw new BorgError('Error', ['none of fusermount3, fusermount and umount can be run'])
  },
}

/** Undefined when there is no such program, or (so it is said where PATH has closed folders) none that may be run. */
function exitCode(program: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<number | undefined> {
  const child = spawn(program, words, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      if (['ENOENT', 'EACCES'].includes(systemErrorCode(error) ?? '')) resolve(undefined)
      else reject(error)
    })
    child.on('close', (code) => resolve(code ?? 2))
  })
}
