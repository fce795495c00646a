/**
 * Arguments of "list". Source: CLI contract, commands §4; fixtures/cli/options.json.
 */
import { commandTable, defaulted, flag, positionals, value } from '../argument.ts'
import { repositoryOrArchive } from '../location-argument.ts'
import { path, text } from '../value-types.ts'
import { archiveFilterExclusive, archiveFilters, patterns } from './shared.ts'

export const listTable = commandTable({
  name: 'list',
  description: 'List the archives of a repository, or the contents of an archive.',
  mayBypassLock: true,
  arguments: {
    considerCheckpoints: flag('--consider-checkpoints', 'show checkpoint archives too'),
    short: flag('--short', 'names only'),
    format: value('--format', 'FORMAT', text, undefined, 'what to print for each; see "tsborg help formats"'),
    json: flag('--json', 'archives as one JSON document'),
    jsonLines: flag('--json-lines', 'contents as one JSON object a line'),
    location: defaulted('REPOSITORY_OR_ARCHIVE', repositoryOrArchive, '', 'what to list'),
    paths: positionals('PATH', path, 'paths to list; patterns may be used', { roots: 'instead' }),
    ...archiveFilters,
    patterns,
  },
  exclusive: archiveFilterExclusive,
})
