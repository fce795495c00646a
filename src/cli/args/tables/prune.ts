/**
 * Arguments of "prune". Source: CLI contract, commands §9; fixtures/cli/options.json.
 */
import { commandTable, defaulted, flag, value } from '../argument.ts'
import { repository } from '../location-argument.ts'
import { int, interval } from '../value-types.ts'
import { checkpointInterval, nameFilter, statistics } from './shared.ts'

export const pruneTable = commandTable({
  name: 'prune',
  description: 'Delete archives that no rule keeps. Space is freed by "tsborg compact".',
  arguments: {
    dryRun: flag('-n --dry-run', 'only say what would be deleted'),
    forced: flag('--force', 'delete damaged archives too'),
    ...statistics,
    outputList: flag('--list', 'list what is kept and what is deleted'),
    within: value(
      '--keep-within',
      'INTERVAL',
      interval,
      undefined,
      'keep all younger than INTERVAL (10H, 2d, 3w, 1m, 1y)',
    ),
    secondly: value('--keep-last --keep-secondly', 'N', int, 0, 'keep the last N'),
    minutely: value('--keep-minutely', 'N', int, 0, 'keep one a minute, N of them'),
    hourly: value('-H --keep-hourly', 'N', int, 0, 'keep one an hour, N of them'),
    daily: value('-d --keep-daily', 'N', int, 0, 'keep one a day, N of them'),
    weekly: value('-w --keep-weekly', 'N', int, 0, 'keep one a week, N of them'),
    monthly: value('-m --keep-monthly', 'N', int, 0, 'keep one a month, N of them'),
    quarterly13weekly: value('--keep-13weekly', 'N', int, 0, 'keep one every 13 weeks, N of them'),
    quarterly3monthly: value('--keep-3monthly', 'N', int, 0, 'keep one a quarter, N of them'),
    yearly: value('-y --keep-yearly', 'N', int, 0, 'keep one a year, N of them'),
    ...nameFilter,
    saveSpace: flag('--save-space', 'no effect'),
    checkpointInterval,
    location: defaulted('REPOSITORY', repository, '', 'repository to prune'),
  },
  exclusive: [
    ['prefix', 'globArchives'],
    ['quarterly13weekly', 'quarterly3monthly'],
  ],
})
