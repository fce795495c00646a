/**
 * Arguments of "serve". Source: CLI contract, commands §20; fixtures/cli/options.json.
 */
import { commandTable, flag, value, values } from '../argument.ts'
import { storageQuota, text } from '../value-types.ts'

export const serveTable = commandTable({
  name: 'serve',
  description: 'Serve repositories to a client on stdin and stdout.',
  arguments: {
    restrictToPaths: values('--restrict-to-path', 'PATH', text, 'only repositories below PATH; may be repeated'),
    restrictToRepositories: values(
      '--restrict-to-repository',
      'PATH',
      text,
      'only the repository at PATH; may be repeated',
    ),
    appendOnly: flag('--append-only', 'let nothing be removed'),
    storageQuota: value('--storage-quota', 'QUOTA', storageQuota, undefined, 'quota for repositories (5G, 1.5T)'),
  },
})
