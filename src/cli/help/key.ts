/**
 * What help explains about the "key" commands.
 */
export const keyTexts: Readonly<Record<string, string>> = {
  'key export': `
Copies the key of a repository out, for the day when the repository's config or
your key file is lost: without the key, backups are lost. Do this once after
"tsborg init", again after changing the passphrase, and keep it in another place
than the backup.

The copy is locked with the passphrase, as the original is: whoever finds it
needs that as well, and so do you. No passphrase is asked for here. Without a
PATH it goes to stdout.

  (default)   text, to be kept in a file
  --paper     short lines with checksums, to be printed, and typed in if need be
  --qr-html   a page to print, with the key as QR code and as text

Examples:

  tsborg key export /backup/repo /media/stick/repo.key
  tsborg key export --paper /backup/repo
  tsborg key export --qr-html /backup/repo key.html
`,
  'key import': `
Brings back a key that "tsborg key export" has written: into the repository, or
for keyfile modes into your key folder. It replaces the key that is there, if
any. Copies of other repositories are refused.

PATH is the file; "-" is stdin. With --paper the printed lines are asked for one
by one, and each is checked as it is typed; an empty line ends it.

The passphrase is that of the time of the copy: if it was changed since, the old
one is valid again.

Examples:

  tsborg key import /backup/repo /media/stick/repo.key
  tsborg key import --paper /backup/repo
`,
  'key change-passphrase': `
Locks the key of a repository with another passphrase. The key itself, and with
it all that is encrypted, stays as it is. The old passphrase is asked for, then
the new one twice; BORG_PASSPHRASE and BORG_NEW_PASSPHRASE answer for scripts.

For keyfile modes, the key file on this machine is changed. Beware: old copies
of the key can still be unlocked with the old passphrase. If somebody may have
learned it and may have a copy, make a new repository.

Make a new copy with "tsborg key export" afterwards.

Examples:

  tsborg key change-passphrase /backup/repo
  tsborg key change-passphrase -v ssh://ada@backup.example/./repo
`,
  'key export-related-secrets': `
Writes the two secrets that decide which id a chunk gets and where files are
cut. A new repository made with "tsborg init --import-related-secrets" then has
the same ids, so that archives can be moved there without losing deduplication.

The secrets do not open the repository, but they tell much about it, for
instance whether it holds a certain file. They are written in the clear: keep
the file to yourself and delete it when it has served. PATH "-" is stdout.

Examples:

  tsborg key export-related-secrets /backup/repo secrets.json
  tsborg init -e repokey --import-related-secrets secrets.json /backup/new
`,
  'key migrate-to-repokey': `
Leaves the "passphrase" mode, which borg dropped before 1.0 and in which the key
was made from the passphrase each time. Afterwards the repository is an ordinary
repokey one: the key is stored in it, and the passphrase can be changed.

Not needed for anything that borg 1.0 or later has made.

Examples:

  tsborg key migrate-to-repokey /backup/ancient
`,
}
