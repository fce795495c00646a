/**
 * Arguments of "check". Source: CLI contract, commands §11; fixtures/cli/options.json.
 */
import { commandTable, defaulted, flag, value } from '../argument.ts'
import { repositoryOrArchive } from '../location-argument.ts'
import { int } from '../value-types.ts'
import { archiveFilterExclusive, archiveFilters } from './shared.ts'

export const checkTable = commandTable({
  name: 'check',
  description: 'Verify a repository and its archives.',
  mayBypassLock: true,
  arguments: {
    location: defaulted('REPOSITORY_OR_ARCHIVE', repositoryOrArchive, '', 'what to check'),
    repositoryOnly: flag('--repository-only', 'only the repository, not its archives'),
    archivesOnly: flag('--archives-only', 'only the archives'),
    verifyData: flag('--verify-data', 'read and authenticate all data'),
    repair: flag('--repair', 'try to repair what is found'),
    saveSpace: flag('--save-space', 'no effect'),
    maxDuration: value('--max-duration', 'SECONDS', int, 0, 'stop after SECONDS, go on from there next time'),
    ...archiveFilters,
  },
  exclusive: archiveFilterExclusive,
})
