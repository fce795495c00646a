/**
 * Arguments of "create". Source: CLI contract, commands §2; fixtures/cli/options.json.
 */
import { commandTable, flag, outdatedFlag, positional, positionals, value } from '../argument.ts'
import { filesCacheMode } from '../files-cache-mode.ts'
import { archive } from '../location-argument.ts'
import { escapedText, octal, path, text, textWithPlaceholders } from '../value-types.ts'
import {
  archiveTime,
  checkpointInterval,
  chunkCompression,
  chunking,
  noFlags,
  numericIds,
  outputFilter,
  patterns,
  statistics,
  tagExclusion,
} from './shared.ts'

export const createTable = commandTable({
  name: 'create',
  description: 'Store files in a new archive. What the repository already holds is not stored again.',
  arguments: {
    dryRun: flag('-n --dry-run', 'only say what would be stored'),
    ...statistics,
    outputList: flag('--list', 'list every item with its status letter'),
    outputFilter,
    json: flag('--json', 'statistics as JSON on stdout'),
    noCacheSync: flag('--no-cache-sync', 'do not bring the cache up to date first'),
    stdinName: value('--stdin-name', 'NAME', text, 'stdin', 'path to store stdin as (default: stdin)'),
    stdinUser: value('--stdin-user', 'USER', text, 'root', 'owner of that item (default: root)'),
    stdinGroup: value('--stdin-group', 'GROUP', text, 'root', 'its group (default: root)'),
    stdinMode: value('--stdin-mode', 'M', octal, 0o660, 'its mode (default: 0660)'),
    contentFromCommand: flag('--content-from-command', 'PATHs are a command whose output is stored'),
    pathsFromStdin: flag('--paths-from-stdin', 'read the paths to store from stdin'),
    pathsFromCommand: flag('--paths-from-command', 'PATHs are a command that prints the paths to store'),
    pathsDelimiter: value(
      '--paths-delimiter',
      'DELIM',
      escapedText,
      undefined,
      'what ends a path in such lists (default: \\n)',
    ),
    patterns,
    ...tagExclusion,
    excludeNodump: flag('--exclude-nodump', 'leave out files flagged nodump'),
    excludeDataless: flag('--exclude-dataless', 'leave out files that are only in the cloud (macOS)'),
    oneFileSystem: flag('-x --one-file-system', 'stay in the file system each PATH is in'),
    numericIds,
    noAtime: outdatedFlag(
      '--noatime',
      'do not store access times (default)',
      'Warning: "--noatime" has been deprecated because it is the default now.',
    ),
    atime: flag('--atime', 'store access times'),
    noCtime: flag('--noctime', 'do not store change times'),
    noBirthtime: flag('--nobirthtime', 'do not store creation times'),
    noFlags,
    noAcls: flag('--noacls', 'do not store access control lists'),
    noXattrs: flag('--noxattrs', 'do not store extended attributes'),
    sparse: flag('--sparse', 'find holes in sparse files (chunker "fixed" only)'),
    filesCache: value(
      '--files-cache',
      'MODE',
      filesCacheMode,
      'ctime,size,inode',
      'how unchanged files are recognised',
      { once: true },
    ),
    filesChanged: value('--files-changed', 'MODE', text, 'ctime', 'how files changing while read are noticed', {
      once: true,
      choices: ['ctime', 'mtime', 'disabled'],
    }),
    readSpecial: flag('--read-special', 'read devices and FIFOs like files'),
    comment: value('--comment', 'COMMENT', textWithPlaceholders, '', 'a comment to store with the archive'),
    timestamp: archiveTime,
    checkpointInterval,
    chunkerParams: chunking,
    compression: chunkCompression,
    location: positional('ARCHIVE', archive, 'REPOSITORY::NAME of the new archive'),
    paths: positionals('PATH', path, 'what to store; "-" is stdin', { roots: 'mixed' }),
  },
})
