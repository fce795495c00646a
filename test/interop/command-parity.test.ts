/**
 * The same argv to borg 1.4 and to us, beyond the everyday lines of cli-parity.test.ts: every format key, JSON records,
 * progress, exit codes of both schemes, variables, keys, settings, locks, and repositories of other modes.
 *
 * What recreate, diff, tarballs, mounts, upgrade, with-lock and debug print is compared in tests of their own.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { vi } from 'vitest'
import { type BorgWorld, findBorgs } from '../support/real-borg.ts'
import { compareSteps, type Mask, type Step } from './support/parity.ts'
import {
  anyKeyOrder,
  contentOnly,
  modern,
  newArchive,
  passphraseWrong,
  pruneSummary,
  workingFolder,
} from './support/parity-masks.ts'

// Every step starts two programs; machines may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 })

const archiveKeys = ['archive', 'name', 'barchive', 'id', 'start', 'time', 'end', 'comment', 'bcomment']
const archiveDetails = ['hostname', 'username', 'tam']
const itemKeys = [
  'type',
  'mode',
  'uid',
  'gid',
  'user',
  'group',
  'path',
  'bpath',
  'source',
  'linktarget',
  'flags',
  'extra',
]
const itemSizes = [
  'size',
  'csize',
  'dsize',
  'dcsize',
  'num_chunks',
  'unique_chunks',
  'health',
  'archiveid',
  'archivename',
]
const itemTimes = ['mtime', 'isomtime', 'atime', 'isoatime']
const digests = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha3_224', 'sha3_256', 'sha3_384', 'sha3_512']
const format = (...keys: readonly string[]): string => `${keys.map((key) => `${key}={${key}}`).join('|')}{NL}`

/** Progress comes when time has passed: what it says is compared, not how often. */
const progressOnce: Mask = (line) => {
  const parts = line.split('\r').map((part) => part.replace(/^ *[\d.]+%/, 'N%').trimEnd())
  return [...new Set(parts)].filter((part) => part !== '').join('\r')
}

/** Texts of our own, or tracebacks of borg's. */
const onlyCode: Mask = () => undefined

/** The rest is about Python there. */
const distribution: Mask = (line) => (line.startsWith('Linux:') ? line : undefined)

/** Reworded after 1.4.0. */
const capitalBorg: Mask = (line) => line.replace('a borg key', 'a Borg key')

/** Borg 1.4.0 named key files after what was typed, 1.4.5 after where it is. */
const keyFileName: Mask = (line) => line.replace(/(keys\/)\w+/, '$1<NAME>')

/** How many records of progress there are depends on how fast it goes; see log-sink.test.ts. */
const noProgress: Mask = (line) => (/"type": "(progress_|archive_progress)/.test(line) ? undefined : newArchive(line))

const lock = (world: BorgWorld): void => {
  mkdirSync(world.path('repo', 'lock.exclusive'))
  writeFileSync(world.path('repo', 'lock.exclusive', 'elsewhere@1.77-0'), '')
}
const unlock = (world: BorgWorld): void =>
  rmSync(world.path('repo', 'lock.exclusive'), { recursive: true, force: true })

const listing: readonly Step[] = [
  { args: ['list', '--format', format(...archiveKeys), 'repo'] },
  { args: ['list', '--format', format(...archiveDetails), 'repo'] },
  { long: true, args: ['list', '--format', '{archive:>12}{TAB}{SPACE}{time:%Y}{CR}{LF}{NUL}{{}}{NEWLINE}', 'repo'] },
  { long: true, args: ['list', '--format', '{nothing}', 'repo'] },
  { args: ['list', '--format', '{nothing}', 'repo'], environment: modern },
  { long: true, args: ['list', '--format', '{archive', 'repo'] },
  { long: true, args: ['list', '--json', '--format', '{comment}{hostname}{username}{end}{tam}{nothing}', 'repo'] },
  { long: true, args: ['list', '--json', '-a', 'nothing*', 'repo'] },
  { args: ['list', '--sort-by', 'name,timestamp', '--last', '3', '--short', 'repo'] },
  { args: ['list', '--format', format(...itemKeys), 'repo::day-1'] },
  { args: ['list', '--format', format('path', ...itemSizes), 'repo::day-1'] },
  { args: ['list', '--format', format('path', ...itemTimes), 'repo::day-1'] },
  { args: ['list', '--format', format('path', ...digests, 'blake2b', 'blake2s', 'xxh64'), 'repo::day-1'] },
  {
    long: true,
    args: ['list', '--format', '{path:.8}|{size:012d}|{mtime:%d.%m.%Y}|{user:>9}|{mode!r}{NL}', 'repo::day-1'],
  },
  { long: true, args: ['list', '--format', '{size:x<5}|{path:^30}|{nothing}', 'repo::day-1'] },
  {
    args: ['list', '--json-lines', '--format', '{size}{csize}{isomtime}{md5}{nothing}', 'repo::day-1'],
    mask: anyKeyOrder,
  },
  { long: true, args: ['list', '--short', 'repo::day-1', 'no/such/path'] },
  { long: true, args: ['list', '--short', 'repo::day-1', 're:small|link', '--pattern', '- **/link'] },
  { long: true, args: ['list', '--short'], environment: { BORG_REPO: 'repo' } },
  { long: true, args: ['list', '--short', '::'], environment: { BORG_REPO: 'repo' } },
  { args: ['list', '--short', '::day-2'], environment: { BORG_REPO: 'repo' } },
  { args: ['list', '--log-json', 'repo::nothing'] },
  { long: true, args: ['list', '--bypass-lock', '--short', 'repo'] },
]

const looking: readonly Step[] = [
  { args: ['debug', 'info'], mask: distribution },
  { args: ['info', '--json', '-a', 'day-[12]', 'repo'], mask: workingFolder },
  { long: true, args: ['info', '--json', '-a', 'nothing*', 'repo'] },
  { long: true, args: ['info', '-a', 'nothing*', 'repo'] },
  { args: ['info', '--first', '2', '--iec', 'repo'], mask: workingFolder },
  { long: true, args: ['info', '--json', 'plain'] },
  { long: true, args: ['info', '--json', 'repo::nothing'] },
  { long: true, args: ['info', '--show-rc', 'repo'] },
  { long: true, args: ['info', '--show-rc', 'repo::nothing'] },
  { args: ['info', '--log-json', '--show-rc', 'repo::nothing'], environment: modern },
  { long: true, args: ['extract', '--dry-run', '--show-rc', 'repo::day-1', 'nothing'], environment: modern },
  { args: ['extract', '--dry-run', '--log-json', '--show-rc', '--list', 'repo::day-1', 'tree/small', 'nothing'] },
  { args: ['extract', '--dry-run', '--progress', 'repo::day-1'], mask: progressOnce },
  { long: true, args: ['check', '--progress', 'repo'], mask: progressOnce },
  { args: ['check', '-v', '--log-json', '--show-rc', 'repo'] },
  { long: true, args: ['check', '-v', '--first', '9', 'repo'] },
  { long: true, args: ['check', '-v', '--last', '2', '--archives-only', 'repo'] },
  { long: true, args: ['check', '--repository-only', '--verify-data', 'repo'] },
  { long: true, args: ['check', '--max-duration', '5', 'repo'], environment: modern },
  { args: ['check', '--repair', 'repo'], input: 'no\n' },
  { long: true, args: ['check', '--repair', 'repo'], input: 'perhaps\n', environment: modern },
  { long: true, args: ['check', '--repair', '--log-json', 'repo'], input: '\n' },
  {
    args: ['check', '--repair', '-v', 'repo'],
    environment: { BORG_CHECK_I_KNOW_WHAT_I_AM_DOING: 'YES' },
    mask: contentOnly,
  },
  { long: true, args: ['check', 'repo::nothing'] },
]

const changing: readonly Step[] = [
  {
    args: ['create', '--comment', '{user} of {borgmajor}', 'repo::p-{now:%Y}', 'tree/small'],
  },
  { args: ['list', '--format', '{archive} {comment}{NL}', '-a', 'p-*', 'repo'] },
  { long: true, args: ['create', 'repo::{nothing}', 'tree'], environment: modern },
  { long: true, args: ['create', 'repo::{now:%Q', 'tree'] },
  { long: true, args: ['create', '--show-rc', 'repo::warned', 'tree/small', 'missing'] },
  { args: ['create', '--show-rc', '--log-json', 'repo::warned-2', 'tree/small', 'missing'], environment: modern },
  { args: ['create', '--stats', '--log-json', 'repo::stats', 'tree/small'], mask: newArchive },
  { args: ['create', '--json', 'repo::json', 'tree/small'], mask: newArchive },
  { args: ['create', '--progress', '--log-json', 'repo::progress', 'tree/small'], mask: noProgress },
  {
    long: true,
    args: ['create', '--list', '--filter', 'x-', '--dry-run', 'repo::dry', 'tree', '-e', '*/small'],
    unordered: true,
  },
  { long: true, args: ['create', 'repo', 'tree'], environment: modern },
  { args: ['rename', 'repo::json', '{user}-{borgmajor}'] },
  { long: true, args: ['rename', 'repo::day-1', 'day-2'], environment: modern },
  { long: true, args: ['prune', '--list', '--dry-run', '--keep-within', '1d', '-a', 'day-*', 'repo'] },
  {
    long: true,
    args: ['prune', '--list', '--dry-run', '--keep-hourly', '1', '--keep-yearly', '1', '-a', 'day-*', 'repo'],
  },
  { args: ['prune', '--list', '--dry-run', '-w', '1', '-m', '1', '-P', 'day-', 'repo'] },
  { args: ['prune', '--list', '--dry-run', '--keep-secondly', '1', '--log-json', '--show-rc', '-a', 'day-*', 'repo'] },
  { args: ['prune', '--list', '-v', '--keep-last', '4', '-a', 'day-*', 'repo'], mask: pruneSummary },
  { long: true, args: ['prune', '--list', '--stats', '--dry-run', '--keep-last', '1', '-a', 'day-*', 'repo'] },
  { long: true, args: ['prune', '--keep-last', '1', '-a', 'nothing*', '--list', 'repo'] },
  { args: ['delete', '--list', '--dry-run', '-a', 'day-*', '--first', '2', 'repo'] },
  { args: ['delete', '--list', '--log-json', '--show-rc', 'repo', 'warned', 'nothing'] },
  { long: true, args: ['delete', 'repo', 'nothing', '--show-rc'], environment: modern },
  { long: true, args: ['delete', '-a', 'x*', 'repo::day-2'] },
  { args: ['delete', '--force', '--force', '--list', 'repo::warned-2'] },
  { long: true, args: ['delete', '--dry-run', 'plain', '-v'] },
  { args: ['delete', '--list', '--dry-run', 'plain'], input: 'no\n' },
  { long: true, args: ['delete', 'plain'], input: 'yes\n', environment: modern },
  { long: true, args: ['delete', '-v', '--cache-only', 'plain'] },
  { args: ['delete', '-v', 'plain'], environment: { BORG_DELETE_I_KNOW_WHAT_I_AM_DOING: 'YES' } },
  { args: ['compact', '-v', '--threshold', '0', 'repo'], mask: newArchive },
  { args: ['compact', '-v', '--log-json', 'repo'], mask: newArchive },
  { long: true, args: ['compact', '--progress', 'repo'], mask: progressOnce },
]

const keeping: readonly Step[] = [
  { args: ['config', 'repo', 'append_only'] },
  { args: ['config', 'repo', 'storage_quota', '20M'] },
  { long: true, args: ['config', 'repo', 'repository.storage_quota'] },
  { long: true, args: ['config', 'repo', 'storage_quota', '5M'], mask: onlyCode },
  { args: ['config', '--delete', 'repo', 'storage_quota'] },
  { args: ['config', '--list', 'repo'] },
  { long: true, args: ['config', 'repo'] },
  { args: ['config', 'repo', 'no_such', '1'], mask: onlyCode },
  { args: ['key', 'export', 'repo'] },
  { args: ['key', 'export', '--paper', 'repo'] },
  { args: ['key', 'export', 'repo', 'exported'] },
  { long: true, args: ['key', 'export', 'repo', 'tree'], environment: modern },
  { args: ['key', 'import', 'repo', 'exported'] },
  { args: ['key', 'import', 'repo', 'tree/small'], environment: modern, mask: capitalBorg },
  { long: true, args: ['key', 'import', 'repo', 'no-such-file'] },
  { long: true, args: ['key', 'import', 'repo'] },
  { args: ['key', 'import', '--paper', 'repo'], input: '\ny\n' },
  { args: ['key', 'export', 'open'], environment: modern },
  { long: true, args: ['key', 'import', 'open', 'exported'], environment: modern },
  { long: true, args: ['key', 'change-passphrase', 'open'] },
  { args: ['key', 'change-passphrase', '-v', 'repo'], environment: { BORG_NEW_PASSPHRASE: 'changed' } },
  { args: ['list', 'repo'], environment: modern, mask: passphraseWrong },
  { long: true, args: ['list', '--short', 'repo'], environment: { BORG_PASSPHRASE: 'changed' } },
  {
    long: true,
    args: ['list', '--short', 'repo'],
    environment: { BORG_PASSCOMMAND: 'echo changed', BORG_PASSPHRASE: 'changed' },
  },
  { args: ['list', 'repo'], prepare: lock, environment: { BORG_PASSPHRASE: 'changed' } },
  {
    long: true,
    args: ['--log-json', '--lock-wait', '0', 'list', 'repo'],
    environment: { BORG_PASSPHRASE: 'changed', ...modern },
  },
  { args: ['break-lock', 'repo', '--show-rc'] },
  { args: ['list', '--show-version', '--last', '0', 'repo'], prepare: unlock },
  { args: ['init', '-e', 'authenticated', 'signed'], mask: onlyCode },
  { args: ['info', 'signed'] },
  { long: true, args: ['init', '-e', 'keyfile-blake2', 'filed'], mask: onlyCode },
  { long: true, args: ['info', '--json', 'filed'], mask: keyFileName },
  { long: true, args: ['init', '-e', 'nothing', 'x'] },
  { args: ['init', '-e', 'none', '--log-json', 'repo'], environment: modern },
  { args: ['init', '-e', 'none', '--storage-quota', '20M', '--append-only', 'quota'], mask: onlyCode },
  { args: ['config', '--list', 'quota'] },
  { long: true, args: ['delete', 'quota'], environment: { BORG_DELETE_I_KNOW_WHAT_I_AM_DOING: 'YES' }, mask: onlyCode },
]

/** Two repositories more: one to delete, one to keep. */
function moreRepositories(world: BorgWorld, command: string): void {
  for (const name of ['plain', 'open']) {
    world.must(command, ['init', '-e', 'none', name])
    world.must(command, ['create', '--timestamp', '2020-04-01T10:00:00', `${name}::one`, 'tree/small'])
  }
}

const borgs = findBorgs().filter(({ version }) => version.startsWith('1.4'))
compareSteps('listing', borgs, listing)
const moved = [{ args: ['info', 'plain'] }, { args: ['info', 'open'] }]
compareSteps('looking', borgs, [...moved, ...looking], moreRepositories)
compareSteps('changing', borgs, [...moved, ...changing], moreRepositories)
compareSteps('keeping', borgs, [...moved, ...keeping], moreRepositories)
