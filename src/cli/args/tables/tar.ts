/**
 * Arguments of "export-tar" and "import-tar". Source: CLI contract, commands §16; fixtures/cli/options.json.
 */
import { defaultChunkerParams, defaultCompression } from '../../../parsing.ts'
import { commandTable, flag, positional, positionals, value } from '../argument.ts'
import { archive } from '../location-argument.ts'
import { chunkerParams, compression, path, text, timestamp } from '../value-types.ts'
import { checkpointInterval, outputFilter, patterns, statistics, stripComponents } from './shared.ts'

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
    timestamp: value(
      '--timestamp',
      'TIMESTAMP',
      timestamp,
      undefined,
      'time of the archive: UTC text, or a file to take it from',
    ),
    checkpointInterval,
    chunkerParams: value(
      '--chunker-params',
      'PARAMS',
      chunkerParams,
      defaultChunkerParams,
      'how files are cut into chunks',
      { once: true },
    ),
    compression: value(
      '-C --compression',
      'COMPRESSION',
      compression,
      defaultCompression,
      'see "tsborg help compression" (default: lz4)',
    ),
    location: positional('ARCHIVE', archive, 'REPOSITORY::NAME of the new archive'),
    tarfile: positional('TARFILE', text, 'tarball to read; "-" is stdin'),
  },
})
