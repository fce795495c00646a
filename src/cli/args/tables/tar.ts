/**
 * Arguments of "export-tar" and "import-tar". Source: CLI contract, commands §16; fixtures/cli/options.json.
 */
import { commandTable, flag, positional, positionals, value } from '../argument.ts'
import { archive } from '../location-argument.ts'
import { path, text } from '../value-types.ts'
import {
  archiveTime,
  checkpointInterval,
  chunkCompression,
  chunking,
  outputFilter,
  patterns,
  statistics,
  stripComponents,
} from './shared.ts'

const filterHelp = 'program to pipe the tarball through (default: by the name of FILE)'

export const exportTarTable = commandTable({
  name: 'export-tar',
  description: 'Write an archive as a tarball.',
  mayBypassLock: true,
  arguments: {
    tarFilter: value('--tar-filter', 'FILTER', text, 'auto', filterHelp),
    outputList: flag('--list', 'list what is written'),
    location: positional('ARCHIVE', archive, 'REPOSITORY::NAME'),
    tarfile: positional('FILE', text, 'tarball to write; "-" is stdout'),
    paths: positionals('PATH', path, 'paths to write; patterns may be used', { roots: 'instead' }),
    patterns,
    stripComponents,
  },
})

export const importTarTable = commandTable({
  name: 'import-tar',
  description: 'Make an archive of a tarball.',
  arguments: {
    tarFilter: value('--tar-filter', 'FILTER', text, 'auto', filterHelp, { once: true }),
    ...statistics,
    outputList: flag('--list', 'list every item with its status letter'),
    outputFilter,
    json: flag('--json', 'statistics as JSON on stdout'),
    ignoreZeros: flag('--ignore-zeros', 'read on behind the end of the tarball'),
    comment: value('--comment', 'COMMENT', text, '', 'a comment to store with the archive'),
    timestamp: archiveTime,
    checkpointInterval,
    chunkerParams: chunking,
    compression: chunkCompression,
    location: positional('ARCHIVE', archive, 'REPOSITORY::NAME of the new archive'),
    tarfile: positional('TARFILE', text, 'tarball to read; "-" is stdin'),
  },
})
