/**
 * Arguments of "compact". Source: CLI contract, commands §10; fixtures/cli/options.json.
 */
import { commandTable, defaulted, flag, value } from '../argument.ts'
import { repository } from '../location-argument.ts'
import { int } from '../value-types.ts'

export const compactTable = commandTable({
  name: 'compact',
  description: 'Free the space that deleted archives have left.',
  arguments: {
    location: defaulted('REPOSITORY', repository, '', 'repository to compact'),
    dryRun: flag('-n --dry-run', 'do nothing'),
    cleanupCommits: flag('--cleanup-commits', 'remove the commit-only segments of old versions'),
    threshold: value('--threshold', 'PERCENT', int, 10, 'rewrite segments that would save PERCENT (default: 10)'),
  },
})
