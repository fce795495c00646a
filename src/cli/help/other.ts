/**
 * What help explains about the commands that are about the program rather than about a repository.
 */
export const otherTexts: Readonly<Record<string, string>> = {
  help: `
Without TOPIC, lists commands and topics. With the name of a command, shows the
same as COMMAND --help; commands of two words have only the latter: "tsborg key
export --help". With the name of a topic, explains it.

Topics are about what several commands have in common:

  compression   what -C/--compression understands
  environment   variables that are read
  exit-codes    what the exit code tells
  formats       keys for "tsborg list --format"
  patterns      how to say which paths are meant
  placeholders  names that are filled in: {hostname}, {now} ...

Examples:

  tsborg help
  tsborg help create
  tsborg help --usage-only prune
  tsborg help patterns
`,
  completion: `
Prints a script for your shell. With it, TAB completes commands, options and
their values, files, and after "REPOSITORY::" the names of archives, if the
repository is on this machine and needs no passphrase, or finds it in the
environment. Nothing is asked, no lock is waited for, and nothing is changed.

Scripts are made from what this version knows: print them again after an
update. They are also in the package, in the folder "completions".

Examples:

  tsborg completion bash > ~/.local/share/bash-completion/completions/tsborg
  tsborg completion zsh > ~/.zfunc/_tsborg
  tsborg completion fish > ~/.config/fish/completions/tsborg.fish
`,
  version: `
Prints two versions: of this program, and of what serves the repository, which
is the same program unless the repository is on another machine. They may
differ; what both know can be used. A repository must be named, or be in
BORG_REPO; one on this machine is not opened and need not exist.

"tsborg --version" prints our own version alone.

Examples:

  tsborg version ssh://ada@backup.example/./repo
  tsborg version /backup/repo
`,
  'benchmark cpu': `
Measures the arithmetic of a backup on this machine: cutting files into chunks,
checksums, hashes, encryption, key derivation, every kind of compression, and
packing of metadata. Reads no file and needs no repository; takes half a minute.

The figures help to choose: where "repokey-blake2, sealed" is faster than
"repokey, sealed", new repositories should use BLAKE2b; a compression that is
slower than the disk or the network makes backups slower.

The command is ours: borg 1.4 does not have it.

Examples:

  tsborg benchmark cpu
`,
  'benchmark crud': `
Measures how fast archives are created (C), read (R), updated without changes
(U) and deleted (D) with files of several sizes, half of them zeros and half of
them random, and prints a line for each.

Takes a repository to write to and a folder with room for several GB of test
data, which is removed at the end. The archives are called borg-benchmark-crud1
to 3 and are deleted, too; use a repository made for the purpose all the same.

Measure on the machine and disk you will use, and more than once: caches of the
system make later runs faster.

Examples:

  tsborg benchmark crud /backup/test-repo /home/ada/test-data
`,
}
