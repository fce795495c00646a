/**
 * What `help create` explains, under the options.
 */
export const createTexts: Readonly<Record<string, string>> = {
  create: `
Reads the PATHs, cuts the contents of files into chunks, and stores in the
repository those chunks that are not in it yet. The archive that results is
complete in itself: it can be restored or deleted without any other. Nothing
outside of the repository and the local cache is changed.

The name of an archive may hold placeholders ("tsborg help placeholders") and
must be new. Stored paths have no leading "/" and no leading "../". What stands
before "/./" in a PATH is read but not stored: "/mnt/snap/./home" is stored as
"home". Folders are stored with all they hold; to leave things out, see "tsborg
help patterns".

Files that are known and unchanged by --files-cache are not read again. Change
that only where times or inode numbers cannot be trusted, as on some network
file systems ("mtime,size"). Every --checkpoint-interval seconds the work done
so far is saved as NAME.checkpoint, which is removed when all has gone well.

--list shows what becomes of each item:

  A added     M modified   U unchanged, not read   C changed while being read
  E error     d folder     s symbolic link         h another name of a file
  i stdin     f FIFO       b c device              x excluded
  - dry run

Beware:

  - Files that change while they are read are stored as found, with a warning.
    Back up databases from a dump or a snapshot.
  - What cannot be read is left out, with a warning and exit code 1: look at it.
  - --read-special reads devices and FIFOs to their end, if they have one.
  - A dry run opens no repository, and does not notice that it is missing.

Examples:

  tsborg create --stats --compression zstd /backup/repo::{now:%Y-%m-%d} /home
  tsborg create --list --filter AME -x --exclude-caches \\
      /backup/repo::{hostname}-{now} / -e 'sh:home/*/.cache' -e '*.tmp'
  mysqldump --all-databases | tsborg create --stdin-name all.sql \\
      /backup/repo::db-{now} -
  tsborg create --content-from-command /backup/repo::etc -- tar -C / -c etc
`,
}
