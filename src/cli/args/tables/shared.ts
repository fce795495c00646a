/**
 * Arguments that several commands share.
 */
import { defaultChunkerParams, defaultCompression, type Pattern } from '../../../parsing.ts'
import { type Argument, flag, value, values } from '../argument.ts'
import {
  archivePattern,
  archiveSortKeys,
  chunkerParams,
  compression,
  int,
  positiveInt,
  text,
  textWithPlaceholders,
  timestamp,
} from '../value-types.ts'

/** Which archives of a repository. `prefix` is an old form of `globArchives`. */
export const nameFilter = {
  prefix: value('-P --prefix', 'PREFIX', textWithPlaceholders, undefined, 'only archives whose names begin so (old)', {
    once: true,
    notice: {
      for: '--prefix',
      text: `Warning: "--prefix" has been deprecated. Use "--glob-archives 'yourprefix*'" (-a) instead.`,
    },
  }),
  globArchives: value('-a --glob-archives', 'GLOB', archivePattern, undefined, 'only archives whose names match', {
    once: true,
  }),
}

export const archiveFilters = {
  ...nameFilter,
  sortBy: value(
    '--sort-by',
    'KEYS',
    archiveSortKeys,
    ['timestamp'] as const,
    'sort by timestamp (default), archive, name or id',
  ),
  first: value('--first', 'N', positiveInt, undefined, 'only the first N of them'),
  last: value('--last', 'N', positiveInt, undefined, 'only the last N of them'),
}

export const archiveFilterExclusive = [
  ['prefix', 'globArchives'],
  ['first', 'last'],
] as const

const noPatterns: readonly Pattern[] = []

/** -e, --exclude-from, --pattern, --patterns-from: one list in the order of the command line. */
export const patterns: Argument<readonly Pattern[]> = {
  spellings: [
    { options: ['-e', '--exclude'], metavar: 'PATTERN', help: 'leave out paths matching PATTERN', rule: 'exclude' },
    { options: ['--exclude-from'], metavar: 'EXCLUDEFILE', help: 'exclude patterns from a file', rule: 'excludeFrom' },
    {
      options: ['--pattern'],
      metavar: 'PATTERN',
      help: 'a rule: +, -, ! or R, then what it is about',
      rule: 'pattern',
    },
    { options: ['--patterns-from'], metavar: 'PATTERNFILE', help: 'rules from a file', rule: 'patternsFrom' },
  ],
  positional: false,
  arity: 'one',
  sum: 'rules',
  metavar: 'PATTERN',
  help: '',
  type: text,
  initial: noPatterns,
}

export const stripComponents = value('--strip-components', 'NUMBER', int, 0, 'drop so many leading parts of each path')

export const tagExclusion = {
  excludeCaches: flag('--exclude-caches', 'leave out folders with a CACHEDIR.TAG file'),
  excludeIfPresent: values('--exclude-if-present', 'NAME', text, 'leave out folders that hold something of that name'),
  keepExcludeTags: flag('--keep-exclude-tags', 'but keep the folder itself and its tag file'),
}

export const numericIds = flag('--numeric-ids', 'only numbers of users and groups, no names', {
  option: '--numeric-owner',
  notice: 'Warning: "--numeric-owner" has been deprecated. Use --numeric-ids instead.',
})

export const noFlags = flag('--noflags', 'leave file flags alone (nodump, immutable ...)', {
  option: '--nobsdflags',
  notice: 'Warning: "--nobsdflags" has been deprecated. Use --noflags instead.',
})

export const checkpointInterval = value(
  '-c --checkpoint-interval',
  'SECONDS',
  int,
  1800,
  'save what is done every SECONDS (default: 1800, 0: never)',
)

export const statistics = {
  stats: flag('-s --stats', 'print statistics'),
  quickStats: flag('--quick-stats', 'print only what is quickly known'),
}

export const outputFilter = value(
  '--filter',
  'STATUSCHARS',
  text,
  undefined,
  'list only items with one of these letters',
  {
    once: true,
  },
)

export const archiveTime = value(
  '--timestamp',
  'TIMESTAMP',
  timestamp,
  undefined,
  'time of the archive: UTC text, or a file to take it from',
)

export const chunking = value(
  '--chunker-params',
  'PARAMS',
  chunkerParams,
  defaultChunkerParams,
  'how files are cut into chunks',
  { once: true },
)

export const chunkCompression = value(
  '-C --compression',
  'COMPRESSION',
  compression,
  defaultCompression,
  'see "tsborg help compression" (default: lz4)',
)
