/**
 * Arguments of "config". Source: CLI contract, commands §13; fixtures/cli/options.json.
 */
import { commandTable, defaulted, flag, optional } from '../argument.ts'
import { localRepository } from '../location-argument.ts'
import { text } from '../value-types.ts'

export const configTable = commandTable({
  name: 'config',
  description: 'Show, set and delete settings of a repository or of its cache.',
  mayBypassLock: true,
  arguments: {
    cache: flag('-c --cache', 'settings of the local cache'),
    delete: flag('-d --delete', 'delete the setting'),
    list: flag('-l --list', 'list all settings'),
    location: defaulted('REPOSITORY', localRepository, '', 'repository, local'),
    name: optional('NAME', text, 'name of the setting'),
    value: optional('VALUE', text, 'new value'),
  },
  exclusive: [['delete', 'list']],
})
