/**
 * Arguments of "list". Source: CLI contract, commands §4; fixtures/cli/options.json.
 */
import { commandTable, defaulted, flag, positionals, value } from '../argument.ts'
import { repositoryOrArchive } from '../location-argument.ts'
import { path, text } from '../value-types.ts'
import { archiveFilterExclusive, archiveFilters, patterns } from './shared.ts'

export const listTable = commandTable({
  name: 'list',
  description: 'List the archives of a repository, or the contents of an archive.',
  mayBypassLock: true,
  arguments: {
    considerCheckpoints: flag('--consider-checkpoints', 'show checkpoint archives too'),
    short: flag('--short', 'names only'),
    format: value('--format', 'FORMAT', text, undefined, 'what to print for each; keys are explained below'),
    json: flag('--json', 'archives as one JSON document'),
    jsonLines: flag('--json-lines', 'contents as one JSON object a line'),
    location: defaulted('REPOSITORY_OR_ARCHIVE', repositoryOrArchive, '', 'what to list'),
    paths: positionals('PATH', path, 'paths to list; patterns may be used', { roots: 'instead' }),
    ...archiveFilters,
    patterns,
  },
  exclusive: archiveFilterExclusive,
  epilog: `
FORMAT is a Python format string: {key}, {key:>10}, {key!r}. No newline is
added, use {NL}. Time keys take strftime formats: {mtime:%Y-%m-%d}.

Always: NEWLINE NL LF CR TAB SPACE NUL
For archives: archive name barchive comment bcomment id tam start time end
  command_line hostname username
For contents: type mode uid gid user group path bpath source linktarget flags
  extra health archiveid archivename size csize dsize dcsize num_chunks
  unique_chunks mtime ctime atime isomtime isoctime isoatime and checksums of
  the content: blake2b blake2s md5 sha1 sha224 sha256 sha384 sha512 sha3_224
  sha3_256 sha3_384 sha3_512 xxh64
Defaults: "{archive:<36} {time} [{id}]{NL}" and
"{mode} {user:6} {group:6} {size:8} {mtime} {path}{extra}{NL}".`,
})
