/**
 * What help explains about the "debug" commands.
 */
export const debugTexts: Readonly<Record<string, string>> = {
  'debug info': `
Prints what somebody who is to help you needs to know: platform, versions, how
the program was started. There are no names of files, no keys and no
passphrases in it, but have a look before you publish it.

Examples:

  tsborg debug info
`,
  'debug dump-archive-items': `
Writes the chunks that hold the metadata of an archive, decrypted, into files of
the current folder: 000000_ID.items, 000001_ID.items ... They are msgpack, and
hold names and owners in the clear.

Examples:

  cd /tmp/dump && tsborg debug dump-archive-items /backup/repo::monday
`,
  'debug dump-archive': `
Writes everything an archive knows about itself and its items as one JSON
document, in the clear. Bytes are written as hexadecimal text behind U+007F.
PATH "-" is stdout.

Examples:

  tsborg debug dump-archive /backup/repo::monday monday.json
  tsborg debug dump-archive /backup/repo::monday - | grep chunker_params
`,
  'debug dump-manifest': `
Writes the manifest, decrypted, as JSON: the list of all archives with their ids
and times, and when it was last changed. PATH "-" is stdout.

Examples:

  tsborg debug dump-manifest /backup/repo -
`,
  'debug dump-repo-objs': `
Writes every object of a repository, decrypted, into a file of the current
folder. That is all the data there is: mind the space, and who may read it.

With --ghost, entries of segments are written instead, in the order in which
they stand there, also those that are deleted or superseded; --segment and
--offset choose where to begin. For repositories that are damaged.

Examples:

  cd /tmp/dump && tsborg debug dump-repo-objs /backup/repo
  tsborg debug dump-repo-objs --ghost --segment 42 /backup/repo
`,
  'debug search-repo-objs': `
Decrypts every object and prints where some bytes occur, with what stands around
them. WANTED is "hex:" and hexadecimal digits, or "str:" and a text. Bytes that
are divided between two chunks are not found.

Examples:

  tsborg debug search-repo-objs /backup/repo str:password
  tsborg debug search-repo-objs /backup/repo hex:cafebabe
`,
  'debug id-hash': `
Prints the id that the content of a file has, or would have, as one object of
this repository. Ids depend on the key.

Examples:

  tsborg debug id-hash /backup/repo chunk.bin
`,
  'debug get-obj': `
Writes one object as it is stored, that is compressed and encrypted, to a file.
Exit code 2 when there is no such object.

Examples:

  tsborg debug get-obj /backup/repo \\
      0000000000000000000000000000000000000000000000000000000000000000 manifest
`,
  'debug put-obj': `
Stores the content of a file as an object with the id given, exactly as it is:
nothing is encrypted, compressed or checked. An object of that id is replaced.
Beware: this can destroy a repository. Nothing but another "debug put-obj" or
"tsborg check --repair" will help then.

Examples:

  tsborg debug put-obj /backup/repo \\
      0000000000000000000000000000000000000000000000000000000000000000 manifest
`,
  'debug delete-obj': `
Deletes objects by their ids, whoever needs them. Beware: archives that use them
are damaged by this. Run "tsborg check" afterwards, which tells which they are.
Ids that do not exist are reported and no error.

Examples:

  tsborg debug delete-obj /backup/repo \\
      8c1f2a0e5d7b4c6398a1b2c3d4e5f60718293a4b5c6d7e8f9001122334455667
`,
  'debug refcount-obj': `
Prints how many references archives hold to each of the objects, as the local
cache knows it. The cache is brought up to date first.

Examples:

  tsborg debug refcount-obj /backup/repo \\
      8c1f2a0e5d7b4c6398a1b2c3d4e5f60718293a4b5c6d7e8f9001122334455667
`,
  'debug dump-hints': `
Writes what the hints file of a repository says as JSON: how many entries each
segment holds that are in use, and how much could be freed. PATH "-" is stdout.

Examples:

  tsborg debug dump-hints /backup/repo -
`,
  'debug convert-profile': `
Converts a profile that --debug-profile has written from one format to another.
Profiles are those of Python programs, so there is little to convert here: the
command is there for scripts that call it.

Examples:

  tsborg debug convert-profile create.profile create.pyprof
`,
}
