/**
 * The only list of commands: what they are called, what they are for, and where their tables and code are.
 */
import type { CommandSet } from './args/parser.ts'
import type { CommandTable } from './args/argument.ts'
import type { Command } from './command.ts'

export interface CommandEntry {
  readonly name: string
  /** For the list of commands in the main help. */
  readonly summary: string
  readonly table: () => Promise<CommandTable>
  /** Missing while a command has no code yet. */
  readonly load?: () => Promise<Command>
}

const tar = () => import('./args/tables/tar.ts')
const lock = () => import('./args/tables/lock.ts')
const mount = () => import('./args/tables/mount.ts')
const key = () => import('./args/tables/key.ts')
const debug = () => import('./args/tables/debug.ts')
const other = () => import('./args/tables/other.ts')

export const commandEntries: readonly CommandEntry[] = [
  {
    name: 'benchmark cpu',
    summary: 'cut, hash, encrypt and compress',
    table: async () => (await other()).benchmarkCpuTable,
    load: async () => (await import('./commands/benchmark-cpu.ts')).benchmarkCpu,
  },
  {
    name: 'benchmark crud',
    summary: 'create, read, update and delete archives',
    table: async () => (await other()).benchmarkCrudTable,
    load: async () => (await import('./commands/benchmark-crud.ts')).benchmarkCrud,
  },
  {
    name: 'break-lock',
    summary: 'remove locks of a repository and its cache',
    table: async () => (await lock()).breakLockTable,
    load: async () => (await import('./commands/break-lock.ts')).breakLock,
  },
  {
    name: 'check',
    summary: 'verify a repository',
    table: async () => (await import('./args/tables/check.ts')).checkTable,
    load: async () => (await import('./commands/check.ts')).check,
  },
  {
    name: 'compact',
    summary: 'free space in a repository',
    table: async () => (await import('./args/tables/compact.ts')).compactTable,
    load: async () => (await import('./commands/compact.ts')).compact,
  },
  {
    name: 'completion',
    summary: 'teach a shell to complete command lines',
    table: async () => (await other()).completionTable,
    load: async () => (await import('./commands/completion.ts')).completion,
  },
  {
    name: 'config',
    summary: 'show and change settings',
    table: async () => (await import('./args/tables/config.ts')).configTable,
    load: async () => (await import('./commands/config.ts')).config,
  },
  {
    name: 'create',
    summary: 'make a backup',
    table: async () => (await import('./args/tables/create.ts')).createTable,
    load: async () => (await import('./commands/create.ts')).create,
  },
  {
    name: 'debug info',
    summary: 'what to tell when reporting a problem',
    table: async () => (await debug()).debugInfoTable,
    load: async () => (await import('./commands/debug-info.ts')).debugInfo,
  },
  {
    name: 'debug dump-archive-items',
    summary: 'write metadata chunks of an archive',
    table: async () => (await debug()).debugDumpArchiveItemsTable,
    load: async () => (await import('./commands/debug-dump.ts')).debugDumpArchiveItems,
  },
  {
    name: 'debug dump-archive',
    summary: 'write metadata of an archive as JSON',
    table: async () => (await debug()).debugDumpArchiveTable,
    load: async () => (await import('./commands/debug-dump.ts')).debugDumpArchive,
  },
  {
    name: 'debug dump-manifest',
    summary: 'write the manifest as JSON',
    table: async () => (await debug()).debugDumpManifestTable,
    load: async () => (await import('./commands/debug-dump.ts')).debugDumpManifest,
  },
  {
    name: 'debug dump-repo-objs',
    summary: 'write all objects',
    table: async () => (await debug()).debugDumpRepoObjsTable,
    load: async () => (await import('./commands/debug-repo-objs.ts')).debugDumpRepoObjs,
  },
  {
    name: 'debug search-repo-objs',
    summary: 'search all objects',
    table: async () => (await debug()).debugSearchRepoObjsTable,
    load: async () => (await import('./commands/debug-repo-objs.ts')).debugSearchRepoObjs,
  },
  {
    name: 'debug id-hash',
    summary: 'show the id of a content',
    table: async () => (await debug()).debugIdHashTable,
    load: async () => (await import('./commands/debug-objects.ts')).debugIdHash,
  },
  {
    name: 'debug get-obj',
    summary: 'write one object',
    table: async () => (await debug()).debugGetObjTable,
    load: async () => (await import('./commands/debug-objects.ts')).debugGetObj,
  },
  {
    name: 'debug put-obj',
    summary: 'store one object',
    table: async () => (await debug()).debugPutObjTable,
    load: async () => (await import('./commands/debug-objects.ts')).debugPutObj,
  },
  {
    name: 'debug delete-obj',
    summary: 'delete objects',
    table: async () => (await debug()).debugDeleteObjTable,
    load: async () => (await import('./commands/debug-objects.ts')).debugDeleteObj,
  },
  {
    name: 'debug refcount-obj',
    summary: 'show how often objects are used',
    table: async () => (await debug()).debugRefcountObjTable,
    load: async () => (await import('./commands/debug-objects.ts')).debugRefcountObj,
  },
  {
    name: 'debug dump-hints',
    summary: 'write the hints as JSON',
    table: async () => (await debug()).debugDumpHintsTable,
    load: async () => (await import('./commands/debug-dump.ts')).debugDumpHints,
  },
  {
    name: 'debug convert-profile',
    summary: 'convert an execution profile',
    table: async () => (await debug()).debugConvertProfileTable,
    load: async () => (await import('./commands/debug-info.ts')).debugConvertProfile,
  },
  {
    name: 'delete',
    summary: 'delete archives or a repository',
    table: async () => (await import('./args/tables/delete.ts')).deleteTable,
    load: async () => (await import('./commands/delete.ts')).deleteCommand,
  },
  {
    name: 'diff',
    summary: 'find differences between archives',
    table: async () => (await import('./args/tables/diff.ts')).diffTable,
    load: async () => (await import('./commands/diff.ts')).diff,
  },
  {
    name: 'export-tar',
    summary: 'write an archive as a tarball',
    table: async () => (await tar()).exportTarTable,
    load: async () => (await import('./commands/export-tar.ts')).exportTar,
  },
  {
    name: 'extract',
    summary: 'restore an archive',
    table: async () => (await import('./args/tables/extract.ts')).extractTable,
    load: async () => (await import('./commands/extract.ts')).extract,
  },
  {
    name: 'help',
    summary: 'explain commands and topics',
    table: async () => (await other()).helpTable,
    load: async () => (await import('./commands/help.ts')).help,
  },
  {
    name: 'info',
    summary: 'describe a repository or archives',
    table: async () => (await import('./args/tables/info.ts')).infoTable,
    load: async () => (await import('./commands/info.ts')).info,
  },
  {
    name: 'version',
    summary: 'show versions of client and server',
    table: async () => (await other()).versionTable,
    load: async () => (await import('./commands/version.ts')).version,
  },
  {
    name: 'init',
    summary: 'make an empty repository',
    table: async () => (await import('./args/tables/init.ts')).initTable,
    load: async () => (await import('./commands/init.ts')).init,
  },
  {
    name: 'key export',
    summary: 'copy the key out',
    table: async () => (await key()).keyExportTable,
    load: async () => (await import('./commands/key-export.ts')).keyExport,
  },
  {
    name: 'key export-related-secrets',
    summary: 'write secrets for a related repository',
    table: async () => (await key()).keyExportRelatedSecretsTable,
    load: async () => (await import('./commands/key-export.ts')).keyExportRelatedSecrets,
  },
  {
    name: 'key import',
    summary: 'bring a key back',
    table: async () => (await key()).keyImportTable,
    load: async () => (await import('./commands/key-import.ts')).keyImport,
  },
  {
    name: 'key change-passphrase',
    summary: 'change the passphrase',
    table: async () => (await key()).keyChangePassphraseTable,
    load: async () => (await import('./commands/key-change-passphrase.ts')).keyChangePassphrase,
  },
  {
    name: 'key migrate-to-repokey',
    summary: 'leave the ancient passphrase mode',
    table: async () => (await key()).keyMigrateToRepokeyTable,
    load: async () => (await import('./commands/key-change-passphrase.ts')).keyMigrateToRepokey,
  },
  {
    name: 'list',
    summary: 'list archives, or contents of one',
    table: async () => (await import('./args/tables/list.ts')).listTable,
    load: async () => (await import('./commands/list.ts')).list,
  },
  {
    name: 'mount',
    summary: 'show a repository as a file system',
    table: async () => (await mount()).mountTable,
    load: async () => (await import('./commands/mount.ts')).mount,
  },
  {
    name: 'prune',
    summary: 'delete old archives by rules',
    table: async () => (await import('./args/tables/prune.ts')).pruneTable,
    load: async () => (await import('./commands/prune.ts')).prune,
  },
  {
    name: 'recreate',
    summary: 'rewrite archives',
    table: async () => (await import('./args/tables/recreate.ts')).recreateTable,
    load: async () => (await import('./commands/recreate.ts')).recreate,
  },
  {
    name: 'rename',
    summary: 'rename an archive',
    table: async () => (await import('./args/tables/rename.ts')).renameTable,
    load: async () => (await import('./commands/rename.ts')).rename,
  },
  {
    name: 'serve',
    summary: 'serve repositories to a client',
    table: async () => (await import('./args/tables/serve.ts')).serveTable,
    load: async () => (await import('./commands/serve.ts')).serve,
  },
  {
    name: 'umount',
    summary: 'end a mount',
    table: async () => (await mount()).umountTable,
    load: async () => (await import('./commands/umount.ts')).umount,
  },
  {
    name: 'upgrade',
    summary: 'bring old repositories up to date',
    table: async () => (await import('./args/tables/upgrade.ts')).upgradeTable,
    load: async () => (await import('./commands/upgrade.ts')).upgrade,
  },
  {
    name: 'with-lock',
    summary: 'run a command under lock',
    table: async () => (await lock()).withLockTable,
    load: async () => (await import('./commands/with-lock.ts')).withLock,
  },
  {
    name: 'import-tar',
    summary: 'make an archive of a tarball',
    table: async () => (await tar()).importTarTable,
    load: async () => (await import('./commands/import-tar.ts')).importTar,
  },
]

/** Words that only lead to other commands. */
export const groups: Readonly<Record<string, string>> = {
  benchmark: 'measure speed',
  debug: 'look into repositories (not for normal use)',
  key: 'manage the key of a repository',
}

export const commandSet: CommandSet = {
  names: [...new Set(commandEntries.map((entry) => entry.name.split(' ')[0] ?? ''))],
  subcommands(name) {
    if (!(name in groups)) return undefined
    return commandEntries.flatMap((entry) =>
      entry.name.startsWith(`${name} `) ? [entry.name.slice(name.length + 1)] : [],
    )
  },
  loadTable: async (name) => await findCommand(name).table(),
}

/** @throws TypeError for a name that is not in the list. */
export function findCommand(name: string): CommandEntry {
  const entry = commandEntries.find((candidate) => candidate.name === name)
  if (entry === undefined) throw new TypeError(`no such command: ${name}`)
  return entry
}
