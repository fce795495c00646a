/**
 * Arguments of the "key" commands. Source: CLI contract, commands §12; fixtures/cli/options.json.
 */
import { commandTable, defaulted, flag, optional } from '../argument.ts'
import { repository } from '../location-argument.ts'
import { path } from '../value-types.ts'

const location = defaulted('REPOSITORY', repository, '', 'repository of the key')

export const keyExportTable = commandTable({
  name: 'key export',
  description: 'Copy the key of a repository out, for safe keeping.',
  arguments: {
    location,
    path: optional('PATH', path, 'where to write it (default: stdout)'),
    paper: flag('--paper', 'in a form to print and type in again'),
    qrHtml: flag('--qr-html', 'as a page to print, with a QR code'),
  },
})

export const keyImportTable = commandTable({
  name: 'key import',
  description: 'Bring a key back that "key export" has written.',
  arguments: {
    location,
    path: optional('PATH', path, 'file to read; "-" is stdin'),
    paper: flag('--paper', 'ask for the lines of a paper key'),
  },
})

export const keyChangePassphraseTable = commandTable({
  name: 'key change-passphrase',
  description: 'Change the passphrase of the key.',
  arguments: { location },
})

export const keyExportRelatedSecretsTable = commandTable({
  name: 'key export-related-secrets',
  description: 'Write the secrets that let another repository use the same chunk ids.',
  arguments: { location, path: optional('PATH', path, 'where to write them; "-" is stdout') },
})

export const keyMigrateToRepokeyTable = commandTable({
  name: 'key migrate-to-repokey',
  description: 'Turn a repository of the ancient passphrase mode into a repokey one.',
  arguments: { location },
})
