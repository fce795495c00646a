/**
 * What the main help says besides its lists, and how it groups the commands.
 */
export const sectionsOfCommands: readonly { readonly title: string; readonly names: readonly string[] }[] = [
  { title: 'Make backups:', names: ['create', 'import-tar'] },
  {
    title: 'Look into them and restore them:',
    names: ['list', 'info', 'diff', 'extract', 'export-tar', 'mount', 'umount'],
  },
  { title: 'Tidy up:', names: ['delete', 'prune', 'compact', 'rename', 'recreate'] },
  {
    title: 'Look after repositories:',
    names: ['init', 'check', 'key', 'config', 'break-lock', 'with-lock', 'upgrade', 'serve'],
  },
  { title: 'And more:', names: ['help', 'completion', 'version', 'benchmark', 'debug'] },
]

/** Above the list of the commands of a group. */
export const groupTexts: Readonly<Record<string, string>> = {
  benchmark: `
Measures how fast this machine makes backups. "tsborg benchmark COMMAND --help"
explains a command.
`,
  debug: `
Looks into repositories below the level of archives. These commands are for
finding out what is wrong, not for daily use; some of them can destroy data, and
their output may hold secrets. "tsborg debug COMMAND --help" explains a command.
`,
  key: `
Manages the key of an encrypted repository. Whoever loses it, or the passphrase
that locks it, has lost the backups: make a copy with "tsborg key export".
"tsborg key COMMAND --help" explains a command.
`,
}

export const mainTexts = {
  introduction: `
tsborg keeps deduplicated, compressed and encrypted backups in repositories of
Borg 1.x, and takes the same command lines as Borg does. A repository is a
folder on this machine or on a server; an archive in it is one backup and is
written REPOSITORY::NAME. Without a repository BORG_REPO is used, and ::NAME is
an archive in it.
`,
  ending: `
Each command explains itself: "tsborg COMMAND --help".

First steps:

  tsborg init --encryption repokey /backup/repo
  tsborg key export /backup/repo /media/stick/repo.key
  tsborg create --stats /backup/repo::{now} /home/ada
  tsborg list /backup/repo
  cd /restore && tsborg extract /backup/repo::2026-11-25T02:42:04
  tsborg prune --list --keep-daily 7 --keep-weekly 4 /backup/repo
  tsborg compact /backup/repo
`,
}
