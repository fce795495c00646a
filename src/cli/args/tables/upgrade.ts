/**
 * Arguments of "upgrade". Source: CLI contract, commands §18; fixtures/cli/options.json.
 */
import { commandTable, defaulted, flag } from '../argument.ts'
import { repository } from '../location-argument.ts'

export const upgradeTable = commandTable({
  name: 'upgrade',
  description: 'Bring old repositories up to date, and manage their authentication.',
  arguments: {
    dryRun: flag('-n --dry-run', 'change nothing'),
    inplace: flag('--inplace', 'rewrite in place'),
    force: flag('--force', 'go on where it would refuse'),
    tam: flag('--tam', 'authenticate the manifest, and require it from now on'),
    checkTam: flag('--check-tam', 'check whether the manifest is authenticated'),
    disableTam: flag('--disable-tam', 'no longer require an authenticated manifest'),
    checkArchivesTam: flag('--check-archives-tam', 'check whether all archives are authenticated'),
    archivesTam: flag('--archives-tam', 'authenticate all archives'),
    location: defaulted('REPOSITORY', repository, '', 'repository to upgrade'),
  },
})
