/**
 * Arguments of "mount" and "umount". Source: CLI contract, commands §19; fixtures/cli/options.json.
 */
import { commandTable, flag, positional, positionals, replaceable, value } from '../argument.ts'
import { repositoryOrArchive } from '../location-argument.ts'
import { path, port, text } from '../value-types.ts'
import { archiveFilterExclusive, archiveFilters, numericIds, patterns, stripComponents } from './shared.ts'

export const mountTable = commandTable({
  name: 'mount',
  description: 'Show a repository or an archive as a file system (FUSE).',
  mayBypassLock: true,
  arguments: {
    location: positional('REPOSITORY_OR_ARCHIVE', repositoryOrArchive, 'what to mount'),
    considerCheckpoints: flag('--consider-checkpoints', 'show checkpoint archives too'),
    mountpoint: replaceable('MOUNTPOINT', text, 'webdav', 'where to mount it; none with --webdav'),
    webdav: value('--webdav', 'PORT', port, undefined, 'serve it over WebDAV on 127.0.0.1 instead', {
      bare: '0',
      takes: /^\d+$/,
    }),
    foreground: flag('-f --foreground', 'stay in the foreground'),
    options: value('-o', 'OPTIONS', text, undefined, 'options for FUSE', { once: true }),
    numericIds,
    ...archiveFilters,
    paths: positionals('PATH', path, 'paths to show; patterns may be used', { roots: 'instead' }),
    patterns,
    stripComponents,
  },
  exclusive: archiveFilterExclusive,
})

export const umountTable = commandTable({
  name: 'umount',
  description: 'End a mount.',
  mayBypassLock: true,
  arguments: { mountpoint: positional('MOUNTPOINT', text, 'where it is mounted') },
})
