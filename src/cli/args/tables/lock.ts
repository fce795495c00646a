/**
 * Arguments of "with-lock" and "break-lock". Source: CLI contract, commands §14, 15; fixtures/cli/options.json.
 */
import { commandTable, defaulted, positional, positionals } from '../argument.ts'
import { repository } from '../location-argument.ts'
import { text } from '../value-types.ts'

export const withLockTable = commandTable({
  name: 'with-lock',
  description: 'Run a command while the repository is locked.',
  arguments: {
    location: positional('REPOSITORY', repository, 'repository to lock'),
    command: positional('COMMAND', text, 'command to run'),
    args: positionals('ARGS', text, 'its arguments', { arity: 'rest' }),
  },
})

export const breakLockTable = commandTable({
  name: 'break-lock',
  description: 'Remove the locks of a repository and its cache. Make sure that nobody uses them.',
  arguments: { location: defaulted('REPOSITORY', repository, '', 'repository to unlock') },
})
