/**
 * Arguments of "delete". Source: CLI contract, commands §8; fixtures/cli/options.json.
 */
import { commandTable, counted, defaulted, flag, positionals } from '../argument.ts'
import { repositoryOrArchive } from '../location-argument.ts'
import { text } from '../value-types.ts'
import { archiveFilterExclusive, archiveFilters, checkpointInterval, statistics } from './shared.ts'

export const deleteTable = commandTable({
  name: 'delete',
  description: 'Delete archives, or a whole repository. Space is freed by "tsborg compact".',
  arguments: {
    dryRun: flag('-n --dry-run', 'only say what would be deleted'),
    outputList: flag('--list', 'list what is deleted'),
    ...statistics,
    cacheOnly: flag('--cache-only', 'delete only the local cache of the repository'),
    forced: counted('--force', 'delete damaged archives too; twice: whatever it takes'),
    keepSecurityInfo: flag('--keep-security-info', 'keep what we remember of the repository'),
    saveSpace: flag('--save-space', 'no effect'),
    checkpointInterval,
    location: defaulted('REPOSITORY_OR_ARCHIVE', repositoryOrArchive, '', 'what to delete'),
    archives: positionals('ARCHIVE', text, 'names of more archives to delete'),
    ...archiveFilters,
  },
  exclusive: archiveFilterExclusive,
})
