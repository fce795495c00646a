/**
 * What help explains about the commands that change, delete and rewrite archives, and about tarballs.
 */
export const archiveTexts: Readonly<Record<string, string>> = {
  rename: `
Gives an archive another name. Nothing else about it changes, and no data is
read or written again; but it gets a new id, as the name is part of what the id
is made of. The new name may hold placeholders and must not be taken.

Examples:

  tsborg rename /backup/repo::monday before-upgrade
  tsborg rename ::monday '{hostname}-monday'
`,
  delete: `
With an archive, names of archives, or filters (-a, --first, --last): deletes
those archives. With a repository alone: deletes the whole repository with all
archives in it, after asking; only the answer YES in capitals will do
(BORG_DELETE_I_KNOW_WHAT_I_AM_DOING answers for scripts). So does a dry run.

Deleted archives cannot be brought back. Their chunks stay in the repository,
unused, until "tsborg compact" frees the space. Chunks that other archives use
are not touched.

Look first with --dry-run --list. Names are taken as they are, not as patterns,
and may not be combined with filters. A name that does not exist is a warning
(exit code 1), and the others are deleted.

  --cache-only      forget only the local cache of the repository; it is made
                    anew when needed
  --force           go on where the metadata of an archive is damaged
  --force --force   drop the archive from the list without reading it; run
                    "tsborg check --repair" afterwards
  --keep-security-info
                    go on remembering the repository that is deleted

Examples:

  tsborg delete /backup/repo::monday
  tsborg delete --dry-run --list -a 'test-*' /backup/repo
  tsborg delete --stats /backup/repo monday tuesday
  tsborg delete /backup/old-repo
`,
  prune: `
Deletes all archives that no --keep rule keeps. At least one rule must be given.
Look first with --dry-run --list, and limit what is considered with -a if
several machines or jobs use the repository: otherwise their archives count as
well.

Each rule goes through the archives from new to old and keeps the last one of
every period (an hour, a day ...), until it has kept N. Rules come in the order
of the options above, fine before coarse; an archive that one rule has kept is
not counted by the next, so that rules add up. If a rule comes to the oldest
archive without having kept N, that one is kept, too. A negative N keeps without
limit. --keep-within keeps everything younger than an interval (2H, 7d, 4w, 6m,
1y) and does not count for the others.

Periods are those of the local time zone. --keep-13weekly counts quarters of 13
ISO weeks, --keep-3monthly those of the calendar.

Checkpoints of unfinished backups are deleted, except for one that is newer than
all archives. Space is freed by "tsborg compact".

Examples:

  tsborg prune --list --dry-run --keep-daily 7 --keep-weekly 4 /backup/repo
  tsborg prune --list -a '{hostname}-*' --keep-within 2d -d 7 -w 4 -m -1 \\
      /backup/repo
  tsborg prune --keep-last 10 /backup/repo && tsborg compact /backup/repo
`,
  recreate: `
Rewrites archives, all of a repository or just one, without what patterns and
PATHs leave out, with another compression, or with other chunks. The result
takes the place of the old archive, unless --target gives it a name of its own;
the old one stays until the new one is complete.

  leave things out   -e, --pattern ..., or PATHs to keep and nothing else
  compress again     --recompress; without a value only what is compressed with
                     another method, "always" for other levels too
  cut again          --chunker-params; reads and stores everything anew
  describe anew      --comment, --timestamp

Beware: what is left out is lost for good once the old archive is gone. Patterns
are compared with stored paths, which have no leading "/". Try --dry-run --list
first; lists use the letters of "tsborg help create".

While both old and new chunks are there, the repository grows; "tsborg compact"
frees what is not used any more.

Examples:

  tsborg recreate --dry-run --list -e '*.iso' /backup/repo::monday
  tsborg recreate -e 'sh:home/*/Downloads' /backup/repo
  tsborg recreate --recompress --compression zstd,10 --progress /backup/repo
  tsborg recreate --target small /backup/repo::monday home/ada/Documents
`,
  'export-tar': `
Writes an archive as a tarball in GNU format. Without a --tar-filter the name of
FILE says how it is compressed: .tar.gz and .tgz, .tar.bz2, .tar.xz, .tar.zst,
.tar.lz4; anything else is not compressed. The compressor is a program that must
be installed (gzip, bzip2, xz, zstd, lz4). FILE "-" is stdout.

A tarball keeps less than an archive: times have whole seconds, and extended
attributes, ACLs and flags are lost. Everything is read and authenticated, as by
"tsborg extract". PATHs and patterns choose what is written. Exit code 1 when a
PATH matches nothing or an item does not fit into a tarball.

Examples:

  tsborg export-tar /backup/repo::monday monday.tar.zst
  tsborg export-tar /backup/repo::monday - home/ada | tar -t
  tsborg export-tar --tar-filter 'gzip -9' --strip-components 1 \\
      /backup/repo::monday ada.tar.gz home/ada
`,
  'import-tar': `
Makes an archive of a tarball, without unpacking it to a disk first. Tarballs
are decompressed by the program their name calls for (see "tsborg help
export-tar"), or by --tar-filter. TARFILE "-" is stdin. Only what a tarball
holds is stored: it is neither compared with nor supplemented from your disk.

Several tarballs glued together are read as one with --ignore-zeros. Contents
are deduplicated and compressed as by "tsborg create", whose options mean the
same here. Exit code 1 when an entry is of a kind that archives do not know.

Examples:

  tsborg import-tar /backup/repo::old-backup backup.tar.gz
  ssh web 'tar -C /srv -c .' | tsborg import-tar --stats /backup/repo::web -
  tsborg import-tar --timestamp 2019-05-01 /backup/repo::2019 2019.tar.xz
`,
}
