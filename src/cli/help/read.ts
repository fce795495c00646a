/**
 * What help explains about the commands that look into archives and restore them.
 */
export const readTexts: Readonly<Record<string, string>> = {
  extract: `
Restores into the current folder, and nowhere else: there is no option for
another place, so change into an empty folder first. Paths are those of "tsborg
list". A PATH given here restores that path and all below it; patterns with a
style work as well ("tsborg help patterns").

Files, links and empty folders that are in the way are replaced without a
question. Folders that hold something are kept, and what is in them but not in
the archive stays. Owners, modes, times, attributes, ACLs and flags are restored
as far as you may set them: as root, all of them; as somebody else, files become
yours. --numeric-ids restores numbers of users instead of looking up names.

Every byte is authenticated before it is written. A file whose data is damaged
or lost is not restored: that is a warning, and the next file follows.
--dry-run reads and verifies everything and writes nothing, which makes it a
thorough test of a backup.

Exit code 1 when something could not be restored, or when a PATH matches nothing
(with BORG_EXIT_CODES=modern: 101 for the latter).

Examples:

  mkdir /restore && cd /restore && tsborg extract --list /backup/repo::monday
  tsborg extract /backup/repo::monday home/ada/Documents
  tsborg extract /backup/repo::monday 'sh:home/*/.ssh' -e '*.pub'
  tsborg extract --stdout /backup/repo::db-monday all.sql | mysql
`,
  list: `
Without an archive, lists the archives of a repository, by time; with one, lists
what is in it, one item a line as "ls -l" does. PATHs and patterns choose what
is listed; a PATH that matches nothing lists nothing, and that is no error.
Nothing is changed.

--format replaces the line by one of your own; "tsborg help formats" has the
keys. No newline is added to a format: end it with {NL}. Keys for checksums read
all data; dsize, dcsize and unique_chunks open the cache.

For programs there is --json (archives) and --json-lines (contents): there,
--format only adds keys, and unknown ones are ignored.

Checkpoints of unfinished backups are hidden unless --consider-checkpoints is
given. -a, --first and --last choose archives and mean nothing for the contents
of one.

Examples:

  tsborg list /backup/repo
  tsborg list --short --last 1 -a 'web-*' /backup/repo
  tsborg list /backup/repo::monday home/ada
  tsborg list --format '{size:>12} {path}{NL}' /backup/repo::monday
  tsborg list --json /backup/repo
`,
  info: `
For a repository: its id, where it is, how it is encrypted, where its cache is,
and how much it holds. For an archive, or for those that -a, --first and --last
choose: when, where and by which command it was made, and how large it is.

"Original size" is what was backed up, "Compressed size" the same compressed,
and "Deduplicated size" what the archive alone takes up: so much can be freed by
deleting just this one. What several archives share counts for none of them, so
these sizes do not add up to that of the repository.

This needs the local cache. If the repository was changed from elsewhere, or the
cache is lost, it is brought up to date first, which can take long. Nothing in
the repository is changed.

Examples:

  tsborg info /backup/repo
  tsborg info /backup/repo::monday
  tsborg info --json --last 1 /backup/repo
`,
  diff: `
Compares two archives of one repository and prints a line for every path that
differs: how many bytes were added and removed, and which owners, modes, times
or link targets changed. Paths that are in one of them only are shown as added
or removed. Nothing is changed.

Contents are compared by their chunks, without reading data, as long as both
archives were cut with the same --chunker-params. Where they were not, or where
it is not known, contents are read and compared, which is slow, and lines say
"modified" without sizes; --same-chunker-params promises that they were. There,
a file of which an attribute differs is called modified without a look at its
content: --content-only looks.

The exit code is 0 whether or not there are differences, and 1 if a PATH matches
nothing.

Examples:

  tsborg diff /backup/repo::monday tuesday
  tsborg diff --content-only /backup/repo::monday tuesday home/ada
  tsborg diff --json-lines --sort-by '>size_diff' /backup/repo::monday tuesday
`,
  mount: `
Shows archives as a read-only file system, to look around in old backups and to
copy things out with the programs you know. Without an archive there is a folder
for each one; -a, --first and --last limit them. It needs FUSE, and the right to
use it.

The command returns when the file system is there and keeps serving it in the
background, or with -f in the foreground. End it with "tsborg umount". As long
as it is mounted the repository is locked for reading: backups wait.

-o takes options of FUSE, and these of ours:

  versions             one tree of all archives; a file is a folder of its
                       versions
  allow_damaged_files  let files with lost chunks be read; zeros stand in
  ignore_permissions   do not let the kernel check modes
  uid=N gid=N umask=M  other owners and modes than stored

With --webdav nothing is mounted and no FUSE is needed: folders and regular
files can be reached at the address that is printed, by this user, from this
machine. Symbolic links and special files are left out.

Called as "borgfs" the program is this command, as fstab wants it.

"tsborg extract" is faster, and restores attributes better, where much is
wanted.

Examples:

  tsborg mount /backup/repo::monday /mnt/backup
  tsborg mount --last 5 -o versions /backup/repo /mnt/backup
  tsborg mount -f -o allow_other :: /mnt/backup home/ada
  tsborg mount --webdav 8080 /backup/repo
`,
  umount: `
Ends what "tsborg mount" began: calls "fusermount3 -u" or "fusermount -u", or
"umount" where there is neither, and hands its exit code on. Fails while
somebody uses the file system: leave it first, with shells and programs alike.

Examples:

  tsborg umount /mnt/backup
`,
}
