/**
 * Arguments of "rename". Source: CLI contract, commands §7; fixtures/cli/options.json.
 */
import { commandTable, positional } from '../argument.ts'
import { archive } from '../location-argument.ts'
import { archiveName } from '../value-types.ts'

export const renameTable = commandTable({
  name: 'rename',
  description: 'Give an archive another name.',
  arguments: {
    location: positional('ARCHIVE', archive, 'REPOSITORY::NAME'),
    name: positional('NEWNAME', archiveName, 'the new name'),
  },
})
