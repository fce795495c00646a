/**
 * Completion for fish 3 and later.
 */
import type { CompletionOption, CompletionWords, Wanted } from './words.ts'

export function fishCompletion({ names, groups, commands, common, main }: CompletionWords): string {
  const valued = (options: readonly CompletionOption[]): string =>
    options.flatMap((option) => (option.value === undefined ? [] : option.names)).join(' ')
  const lines = [
    ...names.map(({ name, summary }) => `complete -c tsborg -n '__tsborg_at' -x -a ${name} -d ${quoted(summary)}`),
    ...main.map((option) => optionLine(option, "-n '__tsborg_at'")),
    ...common.map((option) => optionLine(option, '')),
  ]
  for (const { name, summary, options, places } of commands) {
    const [first = '', second] = name.split(' ')
    if (second !== undefined) {
      lines.push(`complete -c tsborg -n '__tsborg_at ${first}' -x -a ${second} -d ${quoted(summary)}`)
    }
    lines.push(...options.map((option) => optionLine(option, `-n '__tsborg_at ${name}'`)))
    for (const [at, place] of places.entries()) {
      const condition = `__tsborg_place ${place.repeated ? `${at}-` : at} ${name}`
      lines.push(`complete -c tsborg -n ${quoted(condition)} ${wantedWords(place.wanted)} -d ${place.metavar}`)
    }
  }
  const all = [...commands.flatMap(({ options }) => options), ...common]
  return `# Completion of tsborg for fish. Made by "tsborg completion fish"; put it into ~/.config/fish/completions/.

set -g __tsborg_groups ${groups.join(' ')}
set -g __tsborg_valued ${[...new Set(valued(all).split(' '))].join(' ')}

${library}
complete -c tsborg -f
${lines.join('\n')}
`
}

function optionLine({ names, help, value }: CompletionOption, condition: string): string {
  const words = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ')
  const wanted = value === undefined ? '' : `${wantedWords(value)} `
  return `complete -c tsborg ${condition} ${words} ${wanted}-d ${quoted(help)}`.replace('tsborg  ', 'tsborg ')
}

function wantedWords(wanted: Wanted): string {
  switch (wanted.kind) {
    case 'choices':
      return `-x -a ${quoted(wanted.choices.join(' '))}`
    case 'file':
      return '-r -F'
    case 'folder':
    case 'repository':
      return "-x -a '(__fish_complete_directories)'"
    case 'program':
      return "-x -a '(__fish_complete_command)'"
    case 'archive':
      return "-x -a '(__tsborg_locations)'"
    case 'names':
      return "-x -a '(__tsborg_archives (__tsborg_words)[2])'"
    case 'nothing':
      return '-x'
  }
}

/** In fish's single quotes, a backslash escapes itself and the quote. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

const library = `# The command, one line; then the words behind it that are no options, one a line.
function __tsborg_words
    set -l command
    set -l words
    set -l pending no
    set -l literal no
    for word in (commandline -opc)[2..-1]
        if test $pending = yes
            set pending no
        else if test $literal = no; and test "$word" = --
            set literal yes
        else if test $literal = no; and string match -qr -- '^-.' $word
            contains -- $word $__tsborg_valued; and set pending yes
        else if test -z "$command"
            set command $word
        else if contains -- "$command" $__tsborg_groups
            set command "$command $word"
        else
            set -a words $word
        end
    end
    echo $command
    printf '%s\\n' $words
end

# Whether this is the command.
function __tsborg_at
    set -l words (__tsborg_words)
    test "$words[1]" = "$argv"
end

# Whether the word at the cursor is in this place ('1', '1-' from there on) of the command.
function __tsborg_place
    set -l words (string match -v '' (__tsborg_words))
    set -l count (math (count $words) - 1)
    test "$words[1]" = "$argv[2..-1]"; or return 1
    set -l from (string replace -- - '' $argv[1])
    test $from = $argv[1]; and test $count -eq $from; and return
    test $from != $argv[1]; and test $count -ge $from
end

# The archives of a repository on this machine. Asks nothing, waits for nothing.
function __tsborg_archives
    set -l repository (string replace -r '::.*' '' -- "$argv[1]" | string replace -r '^~/' "$HOME/")
    set -l folder $repository
    test -n "$folder"; or set folder "$BORG_REPO"
    test -d "$folder"; or return
    test -n "$repository"; or set repository ::
    test -n "$BORG_PASSCOMMAND"; or set -lx BORG_PASSPHRASE "$BORG_PASSPHRASE"
    tsborg list --bypass-lock --short $repository </dev/null 2>/dev/null
end

function __tsborg_locations
    set -l word (commandline -ct)
    if string match -q -- '*::*' $word
        set -l repository (string replace -r '::.*' '' -- $word)
        for name in (__tsborg_archives $repository)
            echo "$repository::$name"
        end
    else
        test -f "$word/config" -a -d "$word/data"; and echo "$word::"
        __fish_complete_directories $word
    end
end
`
