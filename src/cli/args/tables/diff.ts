/**
 * Arguments of "diff". Source: CLI contract, commands §6; fixtures/cli/options.json.
 */
import { commandTable, flag, outdatedFlag, positional, positionals, value } from '../argument.ts'
import { archive } from '../location-argument.ts'
import { archiveName, diffSortKeys, path } from '../value-types.ts'
import { numericIds, patterns } from './shared.ts'

export const diffTable = commandTable({
  name: 'diff',
  description: 'Find differences between two archives of a repository.',
  mayBypassLock: true,
  arguments: {
    numericIds,
    sameChunkerParams: flag('--same-chunker-params', 'trust that both archives were cut alike'),
    sort: outdatedFlag(
      '--sort',
      'sort by path (old)',
      'Warning: "--sort" is deprecated. Use "--sort-by=path" instead.',
    ),
    sortBy: value('--sort-by', 'FIELDS', diffSortKeys, undefined, 'sort by these fields; ">" in front: descending', {
      once: true,
    }),
    contentOnly: flag('--content-only', 'compare contents, not attributes'),
    jsonLines: flag('--json-lines', 'one JSON object a line'),
    location: positional('REPO::ARCHIVE1', archive, 'REPOSITORY::NAME of the first archive'),
    archive2: positional('ARCHIVE2', archiveName, 'name of the second, in the same repository'),
    paths: positionals('PATH', path, 'paths to compare; patterns may be used', { roots: 'instead' }),
    patterns,
  },
})
