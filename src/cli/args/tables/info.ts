/**
 * Arguments of "info". Source: CLI contract, commands §5; fixtures/cli/options.json.
 */
import { commandTable, defaulted, flag } from '../argument.ts'
import { repositoryOrArchive } from '../location-argument.ts'
import { archiveFilterExclusive, archiveFilters } from './shared.ts'

export const infoTable = commandTable({
  name: 'info',
  description: 'Show what is known about a repository or about archives.',
  mayBypassLock: true,
  arguments: {
    location: defaulted('REPOSITORY_OR_ARCHIVE', repositoryOrArchive, '', 'what to describe'),
    json: flag('--json', 'as one JSON document'),
    ...archiveFilters,
  },
  exclusive: archiveFilterExclusive,
})
