/**
 * Arguments of "recreate". Source: CLI contract, commands §17; fixtures/cli/options.json.
 */
import { commandTable, defaulted, flag, positionals, value } from '../argument.ts'
import { repositoryOrArchive } from '../location-argument.ts'
import { archiveName, chunkerParams, path, text, textWithPlaceholders, timestamp } from '../value-types.ts'
import { checkpointInterval, chunkCompression, outputFilter, patterns, tagExclusion } from './shared.ts'

export const recreateTable = commandTable({
  name: 'recreate',
  description: 'Rewrite archives: leave things out, compress or cut them differently.',
  arguments: {
    outputList: flag('--list', 'list every item with its status letter'),
    outputFilter,
    dryRun: flag('-n --dry-run', 'change nothing'),
    stats: flag('-s --stats', 'print statistics'),
    patterns,
    ...tagExclusion,
    target: value('--target', 'TARGET', archiveName, undefined, 'write a new archive of that name'),
    checkpointInterval,
    comment: value('--comment', 'COMMENT', textWithPlaceholders, undefined, 'another comment'),
    timestamp: value(
      '--timestamp',
      'TIMESTAMP',
      timestamp,
      undefined,
      'another time: UTC text, or a file to take it from',
    ),
    compression: chunkCompression,
    recompress: value('--recompress', 'MODE', text, 'never', 'compress again: never, if-different, always', {
      choices: ['never', 'if-different', 'always'],
      bare: 'if-different',
    }),
    chunkerParams: value('--chunker-params', 'PARAMS', chunkerParams, undefined, 'cut files differently', {
      once: true,
    }),
    location: defaulted('REPOSITORY_OR_ARCHIVE', repositoryOrArchive, '', 'what to rewrite'),
    paths: positionals('PATH', path, 'paths to keep; patterns may be used', { roots: 'instead' }),
  },
})
