/**
 * `tsborg help patterns`, `placeholders`, `compression`: in our words, at most 80 columns wide.
 */
import type { NamedSummary } from './help.ts'

export const topicSummaries: readonly NamedSummary[] = [
  { name: 'compression', summary: 'what -C/--compression understands' },
  { name: 'patterns', summary: 'how to say which paths are meant' },
  { name: 'placeholders', summary: 'names that are filled in: {hostname}, {now} ...' },
]

export const topicTexts: Readonly<Record<string, string>> = {
  patterns: `Which paths are meant is said with patterns. A pattern is compared with the path
as it is stored, without a leading slash, and may begin with a style:

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
and PATHs on the command line are pp.

Rules (--pattern, and the lines of --patterns-from files) begin with a letter:

  + PATTERN   include
  - PATTERN   exclude, but look into excluded folders for what is included
  ! PATTERN   exclude, and do not look into folders
  R PATH      a root: something to back up, like PATH on the command line
  P STYLE     from here on, patterns in this file without a style have this one

All of them, and -e and --exclude-from as well, make one list in the order of
the command line, and the first that matches decides; pf: rules are asked before
all others. In files, empty lines and lines that begin with # are skipped.

Examples:

  tsborg create -e '*.o' -e 'sh:home/*/.cache' REPO::NAME /home
  tsborg create --pattern '+ home/ada/Documents' --pattern '- home/*' \\
      REPO::NAME /home
  tsborg extract REPO::NAME 'sh:**/*.jpg'
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

Write {{ and }} for braces. Times without a form look like 2026-11-25T02:42:04.

Examples:

  tsborg create 'REPO::{hostname}-{now}' ~
  tsborg prune --glob-archives '{hostname}-*' --keep-daily 7 REPO
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

Chunks that are in the repository already are not compressed again; for that,
see "tsborg recreate --recompress".

Examples:

  tsborg create --compression zstd,10 REPO::NAME ~
  tsborg create --compression auto,lzma,6 REPO::NAME ~
`,
}
