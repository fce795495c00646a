/**
 * The engine, loaded when a command really needs it, and what every command tells it.
 */
import type { ArchiveEntry, ArchiveSelection, FileSystem, MissingFeature, OpenOptions } from '../index.ts'
import { toHex } from '../parsing.ts'
import type { CliIo } from './command.ts'
import { remoteOptions } from './remote-options.ts'
import { archiveLine } from './render/archive-format.ts'

export type Engine = typeof import('../index.ts')

export async function loadEngine(): Promise<Engine> {
  return await import('../index.ts')
}

export type Access = OpenOptions['access']

/** Reading commands may bypass the lock; whoever writes may not (the parser sees to that). */
export function readAccess(io: CliIo): 'read' | 'unlocked' {
  return io.common.bypassLock ? 'unlocked' : 'read'
}

/** What the environment and the common options say about opening a repository. */
export function openOptions<A extends Access>(
  engine: Engine,
  io: CliIo,
  access: A,
  compression?: string,
): OpenOptions & { readonly access: A } {
  const { environment } = io
  return {
    access,
    lockWaitSeconds: io.common.lockWaitSeconds,
    host: io.host,
    remote: remoteOptions(io),
    passphrase: io.passphrases.existing,
    directories: engine.defaultDirectories(io.env),
    filesCacheSuffix: environment.filesCacheSuffix,
    filesCacheAgeMax: environment.filesCacheAgeMax,
    keepArchiveIndexes: environment.useChunksArchive,
    authenticatedNoKey: environment.workarounds.has('authenticated_no_key'),
    ignoreInvalidArchiveTam: environment.workarounds.has('ignore_invalid_archive_tam'),
    compression,
  }
}

/** Only restoring meets the last two: what is on a disk can be read everywhere. */
const missingFeatures: Readonly<Record<MissingFeature, { readonly text: string; readonly restoredOnly: boolean }>> = {
  xattrs: { text: 'extended attributes', restoredOnly: false },
  acls: { text: 'ACLs', restoredOnly: false },
  flags: { text: 'file flags', restoredOnly: false },
  'nanosecond-times': { text: 'times finer than microseconds', restoredOnly: true },
  'device-nodes': { text: 'device files', restoredOnly: true },
}

interface Unwanted {
  readonly noXattrs: boolean
  readonly noAcls: boolean
  readonly noFlags: boolean
}

/** Says, once a run, what of the wanted this system cannot keep. Not a warning of the run: the exit code stays. */
export function tellMissing(files: FileSystem, verb: 'backed up' | 'restored', args: Unwanted, io: CliIo): void {
  const unwanted = new Set([args.noXattrs && 'xattrs', args.noAcls && 'acls', args.noFlags && 'flags'])
  const texts = files.missing
    .filter((feature) => !unwanted.has(feature))
    .map((feature) => missingFeatures[feature])
    .filter(({ restoredOnly }) => verb === 'restored' || !restoredOnly)
    .map(({ text }) => text)
  if (texts.length === 0) return
  const reason = files.missing.includes('xattrs') ? ' (the optional package koffi is not there)' : ''
  io.log('warning', `Not ${verb} on this system: ${texts.join(', ')}${reason}.`)
}

export interface FilterArguments {
  readonly prefix?: string | undefined
  readonly globArchives?: string | undefined
  readonly sortBy?: ArchiveSelection['sortBy']
  readonly first?: number | undefined
  readonly last?: number | undefined
}

/** What -P, -a, --sort-by, --first and --last mean. A prefix is not escaped: borg does not either. */
export function selectionOf(args: FilterArguments): ArchiveSelection {
  const glob = args.prefix === undefined ? args.globArchives : `${args.prefix}*`
  return { glob, sortBy: args.sortBy, first: args.first, last: args.last }
}

export function hasFilters(args: FilterArguments): boolean {
  return [args.prefix, args.globArchives, args.first, args.last].some((filter) => filter !== undefined)
}

/** 'name                                 Mon, 2026-11-23 09:50:34 [id]' */
export function entryLine(entry: ArchiveEntry): string {
  return archiveLine({ name: entry.name, id: toHex(entry.id), start: entry.time })
}
