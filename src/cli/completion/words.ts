/**
 * What can be completed on a command line: drawn from the tables of arguments, for the shells of this folder to spell out.
 */
import type { Argument, Arguments } from '../args/argument.ts'
import { commonArguments, mainArguments } from '../args/common-options.ts'
import { commandEntries, commandSet, groups } from '../commands.ts'
import { topicSummaries } from '../help/topics.ts'

/** What a shell should offer in a place. */
export type Wanted =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  /**
   * 'archive' is REPOSITORY::NAME, where the name may be missing; 'names' are archives of the repository named before;
   * 'program' is something to run.
   */
  | { readonly kind: 'file' | 'folder' | 'program' | 'repository' | 'archive' | 'names' | 'nothing' }

export interface CompletionOption {
  /** '-s', '--stats' */
  readonly names: readonly string[]
  readonly help: string
  /** Undefined for an option without a value. */
  readonly value: Wanted | undefined
}

export interface CompletionPlace {
  readonly metavar: string
  readonly wanted: Wanted
  readonly repeated: boolean
}

export interface CompletionCommand {
  /** 'create', 'key export' */
  readonly name: string
  readonly summary: string
  /** Without the common ones. */
  readonly options: readonly CompletionOption[]
  readonly places: readonly CompletionPlace[]
}

export interface CompletionWords {
  /** First words. */
  readonly names: readonly { readonly name: string; readonly summary: string }[]
  readonly groups: readonly string[]
  readonly commands: readonly CompletionCommand[]
  readonly common: readonly CompletionOption[]
  /** Only in front of the command. */
  readonly main: readonly CompletionOption[]
}

export async function completionWords(): Promise<CompletionWords> {
  const commands: CompletionCommand[] = []
  for (const { name, summary, table } of commandEntries) {
    const args = (await table()).arguments
    commands.push({ name, summary, options: optionsOf(args), places: placesOf(args) })
  }
  const { version } = mainArguments
  return {
    names: commandSet.names.map((name) => ({ name, summary: groups[name] ?? summaryOf(name) })),
    groups: Object.keys(groups),
    commands,
    common: optionsOf(commonArguments),
    main: optionsOf({ version }),
  }
}

function summaryOf(name: string): string {
  return commandEntries.find((entry) => entry.name === name)?.summary ?? ''
}

/** Old spellings work and are not offered. */
function optionsOf(args: Arguments): CompletionOption[] {
  return Object.values(args).flatMap((argument) =>
    argument.spellings
      .filter(({ help }) => help !== 'old spelling')
      .map((spelling) => ({
        names: spelling.options,
        help: spelling.help,
        value: argument.arity === 'none' ? undefined : wantedBehind(argument, spelling.options, spelling.metavar),
      })),
  )
}

const choices = (...words: string[]): Wanted => ({ kind: 'choices', choices: words })
const nothing: Wanted = { kind: 'nothing' }

/** Values worth offering where the table has no list of them. */
const suggestions: Readonly<Record<string, Wanted>> = {
  '--compression': choices('none', 'lz4', 'zstd', 'zlib', 'lzma', 'auto,zstd', 'auto,lzma', 'obfuscate,250,zstd'),
  '--files-cache': choices(
    ...['ctime,size,inode', 'mtime,size,inode', 'ctime,size', 'mtime,size', 'rechunk,ctime', 'rechunk,mtime'],
    'disabled',
  ),
  '--sort-by': choices('timestamp', 'archive', 'name', 'id'),
  '--chunker-params': choices('default', 'buzhash,19,23,21,4095', 'fixed,4194304'),
  '--tar-filter': choices('auto', 'gzip', 'bzip2', 'xz', 'zstd', 'lz4'),
  '--remote-path': nothing,
  '--restrict-to-path': { kind: 'folder' },
  '--restrict-to-repository': { kind: 'folder' },
}

const files = new Set(['PATH', 'FILE', 'TARFILE', 'INPUT', 'OUTPUT', 'EXCLUDEFILE', 'PATTERNFILE', 'TIMESTAMP', 'ARGS'])

function wantedBehind(argument: Argument<unknown>, names: readonly string[], metavar = argument.metavar): Wanted {
  if (argument.choices !== undefined) return choices(...argument.choices)
  const suggested = names.map((name) => suggestions[name]).find((found) => found !== undefined)
  return suggested ?? (files.has(metavar) ? { kind: 'file' } : nothing)
}

function placesOf(args: Arguments): CompletionPlace[] {
  return Object.values(args).flatMap((argument) =>
    argument.positional
      ? [
          {
            metavar: argument.metavar,
            wanted: wantedAt(argument),
            repeated: ['any', 'some', 'rest'].includes(argument.arity),
          },
        ]
      : [],
  )
}

function wantedAt(argument: Argument<unknown>): Wanted {
  const { metavar, type, roots } = argument
  if (argument.choices !== undefined) return choices(...argument.choices)
  if (type.name === 'location_validator') return { kind: metavar === 'REPOSITORY' ? 'repository' : 'archive' }
  // Paths in an archive are not on this disk.
  if (roots === 'instead') return nothing
  if (metavar === 'ARCHIVE' || metavar === 'ARCHIVE2') return { kind: 'names' }
  if (metavar === 'MOUNTPOINT') return { kind: 'folder' }
  if (metavar === 'COMMAND') return { kind: 'program' }
  if (metavar === 'TOPIC') return choices(...commandSet.names, ...topicSummaries.map(({ name }) => name))
  return files.has(metavar) ? { kind: 'file' } : nothing
}

/** For a shell's single quotes. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/**
 * Body of a function of bash or zsh that prints the archives of the repository "$1", or of BORG_REPO. It never asks for
 * anything, waits for no lock, and looks only at folders of this machine: a server would take too long.
 */
export const archiveQuery = `    local repository="\${1/#\\~\\//$HOME/}"
    [ -d "\${repository:-$BORG_REPO}" ] || return
    if [ -z "$BORG_PASSCOMMAND" ]; then
        BORG_PASSPHRASE="$BORG_PASSPHRASE" tsborg list --bypass-lock --short "\${repository:-::}" </dev/null 2>/dev/null
    else
        tsborg list --bypass-lock --short "\${repository:-::}" </dev/null 2>/dev/null
    fi`
