/**
 * What help explains about the commands that make, check and look after repositories.
 */
export const repositoryTexts: Readonly<Record<string, string>> = {
  init: `
Makes an empty repository: a new folder, or one that exists and is empty. How it
is encrypted is decided here and cannot be changed later:

  repokey         encrypted; the key is in the repository, locked with your
                  passphrase
  keyfile         encrypted; the key is in a file of yours on this machine, so
                  that it takes the file and the passphrase to read backups
  authenticated   not encrypted, but changes by others are noticed
  none            neither; the repository must not be where others can write

The "-blake2" forms use BLAKE2b instead of SHA-256: faster where the processor
has no instructions for SHA-256. The passphrase is asked for, or taken from
BORG_NEW_PASSPHRASE or BORG_PASSPHRASE ("tsborg help environment").

Without key and passphrase nobody can read the backups, including you. Keep a
copy of the key, "tsborg key export", and the passphrase in a safe place that is
not part of the backup.

--append-only lets clients add but never remove: deleted archives stay on disk
until somebody with access to the repository's folder says otherwise.
--import-related-secrets takes over the secrets of "tsborg key
export-related-secrets", so that chunks have the same ids in both repositories.

Examples:

  tsborg init --encryption repokey /backup/repo
  tsborg init -e keyfile-blake2 --make-parent-dirs /backup/ada/repo
  tsborg init -e repokey --storage-quota 500G ssh://ada@backup.example/./repo
`,
  check: `
Verifies a repository in two steps. First its files: every segment is read and
its checksums compared (this step alone: --repository-only). Then its archives:
whether the list of archives, the metadata of each, and all chunks they refer to
are there (this step alone: --archives-only; for one archive: REPOSITORY::NAME).
Archives are not read to the last byte unless --verify-data is given, which
decrypts and authenticates everything and takes accordingly long.

Silent when all is well; -v tells what is done, -p how far it is. The exit code
is 1 when a problem was found, in both ways of counting exit codes.

--repair changes the repository, and may lose data where there is damage. If it
can be had, make a copy of the repository before. It asks first
(BORG_CHECK_I_KNOW_WHAT_I_AM_DOING answers for scripts). Lost chunks of files
are replaced by zeros, and such files are marked; a later backup that brings the
chunk back, followed by another --repair, heals them. What is beyond repair is
taken out of the list of archives.

--max-duration, with --repository-only, checks a part of the files and goes on
from there the next time: for large repositories and short nights.

Examples:

  tsborg check -v /backup/repo
  tsborg check --repository-only --max-duration 3600 /backup/repo
  tsborg check --archives-only --last 3 --verify-data -p /backup/repo
  tsborg check --repair /backup/repo
`,
  compact: `
Frees the space of what "delete", "prune" and "recreate" have left over:
segments with much garbage are copied without it and then removed. A segment is
worth it when --threshold percent of it are garbage; 0 rewrites all that have
any.

The repository stays readable if the machine dies half way: old segments go only
after their copies are safe. For a moment that takes extra space, a segment or
so at a time. Needs no key and no passphrase, so it can run on the server. In an
append-only repository it does nothing.

-v tells how much was freed. --dry-run only opens and locks the repository.
--cleanup-commits removes small leftovers of borg before 1.0.

Examples:

  tsborg compact -v /backup/repo
  tsborg compact --threshold 0 --progress /backup/repo
`,
  config: `
Shows or changes settings in the configuration of a repository on this machine,
or with --cache those of its local cache. With NAME alone prints the value; with
a VALUE sets it; with --delete removes it; --list prints all, with their
defaults.

  append_only            1: nothing may ever be removed, 0: it may
  storage_quota          bytes, or with a unit: 500G; 0 is no limit
  additional_free_space  keep so much of the disk free: 2G
  max_segment_size       size of segment files, under 4 GiB
  segments_per_dir       segment files in a folder
  last_segment_checked   where a partial check goes on
  id                     of the repository: leave it alone

Values are checked before they are written, but the wrong one can still make a
repository unusable. The key of a repokey repository is in this file, too.

Examples:

  tsborg config --list /backup/repo
  tsborg config /backup/repo storage_quota 500G
  tsborg config /backup/repo append_only 1
  tsborg config --delete /backup/repo additional_free_space
`,
  upgrade: `
Brings a repository made by other versions up to date. Repositories of borg 1.0
and later need no conversion. What may be needed:

  --check-tam          tell whether the list of archives is authenticated
  --tam                authenticate it, and never accept it otherwise again;
                       needed once for repositories that borg before 1.0.9 used
  --disable-tam        undo that, for a client that is too old to do it
  --check-archives-tam tell whether each archive is authenticated
  --archives-tam       authenticate those that are not, after you have made sure
                       that you know them all

Authentication protects against an attacker who can write into the repository.
So look at the archives with "tsborg list" before you vouch for them.
Exit code 1 when a check finds something missing.

Without any of these, an Attic or borg 0.xx repository on this machine is
converted; --dry-run tries that, --inplace saves space but cannot be undone.

Examples:

  tsborg upgrade --check-tam /backup/repo
  tsborg upgrade --check-archives-tam /backup/repo
  tsborg upgrade --archives-tam /backup/repo
`,
  'break-lock': `
Removes all locks of a repository and of its local cache, whoever holds them.
For locks that were left behind: by a machine that crashed, by a connection that
broke. Locks of dead processes of this machine are removed without your help.

Beware: make sure first that nobody is using the repository, on no machine. Two
who write at the same time destroy it.

Silent, and successful also when there was no lock. Needs no key.

Examples:

  tsborg break-lock /backup/repo
`,
  'with-lock': `
Holds the exclusive lock of a repository while COMMAND runs, so that nothing
changes in it: to copy the repository, or to take a snapshot of its disk. All
that follows COMMAND belongs to it, options as well.

COMMAND gets the environment without BORG_PASSPHRASE. Its exit code is ours. It
must not be a borg or tsborg command on the same repository: that would wait for
the very lock we hold. Needs no key.

Exit code 2 when the command could not be started or was killed by a signal.

Examples:

  tsborg with-lock /backup/repo rsync -a --delete /backup/repo/ /mnt/copy/
  tsborg --lock-wait 600 with-lock /backup/repo sync
`,
  serve: `
Serves repositories of this machine to a client, on stdin and stdout. Nobody
calls it by hand: clients do, through ssh. To limit what they may do, write it
into ~/.ssh/authorized_keys of the account they use, in front of their key:

  command="tsborg serve --restrict-to-repository /backup/ada",restrict KEY

Such a forced command wins over what the client asks for: of the client's own
words, only how long to wait for locks and how much to log are respected.

  --restrict-to-path        repositories below this folder, and none elsewhere
  --restrict-to-repository  exactly this repository
  --append-only             clients may add, but never remove
  --storage-quota           what their repositories may grow to

With --append-only a client that is broken into cannot destroy old backups. It
can still mark archives as deleted: look before you compact or turn it off.

Examples:

  tsborg serve --restrict-to-path /backup/ada --append-only
  tsborg serve --restrict-to-repository /backup/web --storage-quota 200G
`,
}
