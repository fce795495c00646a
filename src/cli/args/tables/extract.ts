/**
 * Arguments of "extract". Source: CLI contract, commands §3; fixtures/cli/options.json.
 */
import { commandTable, flag, positional, positionals } from '../argument.ts'
import { archive } from '../location-argument.ts'
import { path } from '../value-types.ts'
import { noFlags, numericIds, patterns, stripComponents } from './shared.ts'

export const extractTable = commandTable({
  name: 'extract',
  description: 'Restore an archive, or some paths of it, into the current folder.',
  mayBypassLock: true,
  arguments: {
    outputList: flag('--list', 'list what is restored'),
    dryRun: flag('-n --dry-run', 'read and verify everything, write nothing'),
    numericIds,
    noFlags,
    noAcls: flag('--noacls', 'do not restore access control lists'),
    noXattrs: flag('--noxattrs', 'do not restore extended attributes'),
    stdout: flag('--stdout', 'write contents of files to stdout'),
    sparse: flag('--sparse', 'leave holes where there are only zeros'),
    location: positional('ARCHIVE', archive, 'REPOSITORY::NAME'),
    paths: positionals('PATH', path, 'what to restore; patterns may be used', { roots: 'instead' }),
    patterns,
    stripComponents,
  },
})
