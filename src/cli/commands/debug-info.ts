/**
 * `debug info` and `debug convert-profile`. Source: CLI contract, commands §22.
 */
import { BorgError } from '../../parsing.ts'
import { debugConvertProfileTable, debugInfoTable } from '../args/tables/debug.ts'
import type { Command } from '../command.ts'
import { systemInfo } from '../fatal-report.ts'

export const debugInfo: Command<typeof debugInfoTable> = {
  table: debugInfoTable,
  async run(_, io) {
    const { environment, commandLine: argv, currentFolder, host } = io
    io.write(`${systemInfo({ environment, argv, currentFolder })}\n`)
    io.write(`CRC implementation: zlib ${process.versions.zlib} of Node\n`)
    io.write(`Process ID: ('${host.hostId}', ${host.processId}, 0)\n`)
    return undefined
  },
}

export const debugConvertProfile: Command<typeof debugConvertProfileTable> = {
  table: debugConvertProfileTable,
  async run() {
    throw new BorgError('Error', [
      "Profiles are converted from borg's own format to that of Python, and tsborg writes neither. " +
        'Use "node --cpu-prof" to see where its time goes.',
    ])
  },
}
