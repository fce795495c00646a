/**
 * Arguments of "init". Source: CLI contract, commands §1; fixtures/cli/options.json.
 */
import { commandTable, defaulted, flag, value } from '../argument.ts'
import { repository } from '../location-argument.ts'
import { path, storageQuota, text } from '../value-types.ts'

export const initTable = commandTable({
  name: 'init',
  description: 'Initialize an empty repository.',
  arguments: {
    location: defaulted('REPOSITORY', repository, '', 'where to make it'),
    encryption: value('-e --encryption', 'MODE', text, '', 'how the repository is encrypted (required)', {
      required: true,
      choices: [
        'none',
        'keyfile',
        'repokey',
        'authenticated',
        'keyfile-blake2',
        'repokey-blake2',
        'authenticated-blake2',
      ],
    }),
    appendOnly: flag('--append-only', 'nothing in it may ever be removed'),
    storageQuota: value('--storage-quota', 'QUOTA', storageQuota, undefined, 'refuse to grow beyond QUOTA (5G, 1.5T)'),
    makeParentDirs: flag('--make-parent-dirs', 'make missing folders above it'),
    importRelatedSecrets: value(
      '--import-related-secrets',
      'PATH',
      path,
      undefined,
      'share chunk ids with another repository',
    ),
  },
})
