/**
 * Topics about the small languages of options: patterns, placeholders, compression, formats.
 */
export const formatTopics: Readonly<Record<string, string>> = {
  patterns: `Which paths are meant is said with patterns. A pattern is compared with the path
as it is stored, which has no leading slash, and may begin with a style:

  fm:  shell wildcards; * and ? match everything, "/" too
  sh:  shell wildcards; * and ? stop at "/", "**/" is any number of folders
  re:  a regular expression (Python syntax), found anywhere in the path
  pp:  this path, and all that is below
  pf:  exactly this path, and nothing else

fm and sh match a whole path, or a leading part of it that ends at a "/": what
matches a folder matches all that is in it. With a "/" at its end, a pattern
means the contents of a folder but not the folder itself. In brackets, "!"
negates: [!abc].

Without a style, -e/--exclude and --exclude-from patterns are fm, rules are sh,
and PATHs on the command line (of extract, list ...) are pp.

Rules (--pattern, and the lines of --patterns-from files) begin with a letter:

  + PATTERN   include
  - PATTERN   exclude, but look into excluded folders for what is included
  ! PATTERN   exclude, and do not look into folders
  R PATH      a root: something to back up, like PATH on the command line
  P STYLE     from here on, patterns in this file without a style have this one

All of them, and -e and --exclude-from as well, make one list in the order of
the command line, and the first that matches decides; pf: rules are asked before
all others. What no pattern matches is backed up; where PATHs were given to
extract and the like, it is left out.

Files are read as UTF-8; blanks around a line are dropped, empty lines and lines
that begin with # are skipped. Lines of --exclude-from are patterns, not rules:
"- x" there means a file called "- x".

Two traps: --pattern 're:x' is the root "e:x" and not a regular expression, as
the letter of the rule is missing; and a leading "/" means nothing, as patterns
are never relative to where you are.

Examples:

  tsborg create -e '*.o' -e 'sh:home/*/.cache' /backup/repo::monday /home
  tsborg create --pattern '+ home/ada/Documents' --pattern '- home/*' \\
      /backup/repo::monday /home
  tsborg create --patterns-from rules.txt /backup/repo::monday
  tsborg extract /backup/repo::monday 'sh:**/*.jpg'

where rules.txt holds

  R /home
  + home/*/Documents
  ! home/*/.cache
  - re:\\.(tmp|bak)$
`,
  placeholders: `Names of archives and repositories, --glob-archives, --prefix, --comment and
--remote-path may hold placeholders, which are filled in:

  {hostname}      short name of this machine (BORG_HOSTNAME, if set)
  {fqdn}          its full name
  {reverse-fqdn}  its full name, from the top domain down
  {now}           local time; {now:%Y-%m-%d} in a form of yours
  {utcnow}        the same in UTC
  {unixtime}      seconds since 1970
  {user}          name of the user (BORG_USERNAME, if set)
  {pid}           number of this process
  {uuid4}         something random
  {borgversion}   {borgmajor} {borgminor} {borgpatch}

Times without a form look like 2026-11-25T02:42:04; forms are those of strftime.
With --timestamp, {now} and {utcnow} in the name of a new archive are that time.
Other placeholders take what Python's formats take: {hostname:>10}, {user:.3}.
Write {{ and }} for braces. An unknown name is an error.

In scripts, put them into quotes: your shell may have plans of its own for
braces. And mind "%" in crontabs, where it means a new line: write "\\%".

Examples:

  tsborg create '/backup/repo::{hostname}-{now}' /home
  tsborg create '/backup/{hostname}::{now:%Y-%m-%d}' /home
  tsborg prune --glob-archives '{hostname}-*' --keep-daily 7 /backup/repo
`,
  compression: `What -C/--compression understands:

  none            no compression
  lz4             very fast, little gain (default)
  zstd[,L]        level 1 (fast) to 22 (small), default 3
  zlib[,L]        level 0 to 9, default 6
  lzma[,L]        level 0 to 9, default 6; slow, small
  auto,C[,L]      try with lz4 whether it pays, then use C, else none
  obfuscate,S,C[,L]
                  compress with C, then add random padding so that sizes tell
                  less: S is 1 to 6 (relative to the size), 110 to 123
                  (absolute, up to 1 kiB to 8 MiB) or 250 (Padme)

Which to take: zstd,3 makes most backups a good deal smaller and is seldom what
they wait for. lz4 where the disk is faster than the processor; auto where there
is much that is compressed already (pictures, films); lzma only for what is
written once and kept for years. Above level 6 lzma gains little and needs much
memory.

Each chunk remembers how it was compressed, so archives of one repository may
differ, and you may change your mind. Chunks that are in the repository already
are not compressed again; for that, see "tsborg recreate --recompress".

Examples:

  tsborg create --compression zstd,10 /backup/repo::monday /home
  tsborg create --compression auto,lzma,6 /backup/repo::monday /home
  tsborg create --compression obfuscate,250,zstd /backup/repo::monday /home
`,
  formats: `"tsborg list --format FORMAT" prints FORMAT for every archive, or for every item
of an archive, with {keys} filled in. It is a Python format string: {path:>40}
is right-aligned, {path:.20} cut, {size:012d} has zeros in front; {{ and }} are
braces. No newline is added: end it with {NL}. Backslashes mean nothing special.

Everywhere:

  NL NEWLINE LF CR TAB SPACE NUL   characters that are hard to type

For archives:

  archive name        its name               barchive   the same, as bytes
  id                  its id                 comment    its comment
  start time          when it was begun      bcomment   the same, as bytes
  end                 when it was done       hostname   where it was made
  command_line        by which command       username   by whom
  tam                 verified, or none if nothing vouches for it

For items of an archive:

  path bpath          its path               extra      " -> " and the target
  type                - d l p b c            source linktarget  of links
  mode                as in drwxr-xr-x       flags      as a number
  user group          names, or numbers      uid gid    numbers
  size                bytes                  csize      of it, compressed
  dsize dcsize        bytes of chunks that nothing else uses
  num_chunks          how many chunks        unique_chunks  used nowhere else
  mtime ctime atime   times                  isomtime isoctime isoatime
  archivename         of the archive         archiveid  its id
  health              healthy, or broken if chunks are missing

and checksums of the content, for which all data is read: blake2b blake2s md5
sha1 sha224 sha256 sha384 sha512 sha3_224 sha3_256 sha3_384 sha3_512 xxh64.

Times take a strftime format and never a width: {mtime:%Y-%m-%d}. The iso ones
are text.

Without --format it is "{archive:<36} {time} [{id}]{NL}" and
"{mode} {user:6} {group:6} {size:8} {mtime} {path}{extra}{NL}".

An unknown key is an error (exit code 2), except with --json and --json-lines,
which take the names of keys from FORMAT and nothing else.

Examples:

  tsborg list --format '{archive}{TAB}{comment}{NL}' /backup/repo
  tsborg list --format '{sha256} {path}{NL}' /backup/repo::monday
  tsborg list --json-lines --format '{path}{size}{isomtime}' \\
      /backup/repo::monday

"tsborg prune --list" and "tsborg delete --list" have a fixed form: what is
done, then name, time and id as "tsborg list" has them.
`,
}
