/**
 * Completion for bash 4 and later; needs nothing of the package bash-completion.
 */
import { archiveQuery, type CompletionOption, type CompletionWords, quoted, type Wanted } from './words.ts'

export function bashCompletion(words: CompletionWords): string {
  const { commands, common, main, groups, names } = words
  const subcommands = (group: string): string =>
    commands.flatMap(({ name }) => (name.startsWith(`${group} `) ? [name.slice(group.length + 1)] : [])).join(' ')
  const cases = (rows: readonly (readonly [string, string])[]): string =>
    rows.map(([pattern, words]) => `        ${quoted(pattern)}) echo ${quoted(words)} ;;\n`).join('')
  return `# Completion of tsborg for bash. Made by "tsborg completion bash"; source it, or put it where bash looks for such.

# Words that may follow a group; first words for nothing.
_tsborg_commands() {
    case "$1" in
${cases([['', names.map(({ name }) => name).join(' ')], ...groups.map((group) => [group, subcommands(group)] as const)])}    esac
}

# Options of a command, without the common ones.
_tsborg_options() {
    case "$1" in
${cases([['', namesOf(main)], ...commands.map(({ name, options }) => [name, namesOf(options)] as const)])}    esac
}

_tsborg_common=${quoted(namesOf(common))}

# What is wanted in the places of a command. A star: as often as you like.
_tsborg_places() {
    case "$1" in
${cases(commands.map(({ name, places }) => [name, places.map((place) => spelled(place.wanted) + (place.repeated ? '*' : '')).join(' ')]))}    esac
}

# What is wanted behind an option; nothing for options without a value.
_tsborg_value() {
    case "$1 $2" in
${commands.flatMap(({ name, options }) => valueCases(options, `${name} `)).join('')}        *) case "$2" in
${valueCases(common, '')
  .map((line) => `    ${line}`)
  .join('')}        esac ;;
    esac
}

${library}
complete -F _tsborg tsborg
`
}

const namesOf = (options: readonly CompletionOption[]): string => options.flatMap((option) => option.names).join(' ')

function valueCases(options: readonly CompletionOption[], prefix: string): string[] {
  return options.flatMap(({ names, value }) => {
    if (value === undefined) return []
    const patterns = names.map((name) => quoted(`${prefix}${name}`)).join('|')
    return [`        ${patterns}) echo ${quoted(spelled(value))} ;;\n`]
  })
}

/** One word: commas separate choices, '%' stands for a comma in them. */
function spelled(wanted: Wanted): string {
  if (wanted.kind !== 'choices') return wanted.kind
  return `=${wanted.choices.map((choice) => choice.replaceAll(',', '%')).join(',')}`
}

const library = `# The archives of a repository on this machine. Asks nothing, waits for nothing.
_tsborg_archives() {
${archiveQuery}
}

# Words as the program would see them: bash cuts at ":" and "=".
_tsborg_split() {
    local line=$COMP_LINE piece rest at
    words=()
    for (( at = 0; at <= COMP_CWORD; at++ )); do
        piece=\${COMP_WORDS[at]}
        rest=\${line#"\${line%%[![:space:]]*}"}
        if [[ $rest == "$line" ]] && (( at > 0 )); then
            words[\${#words[@]}-1]+=$piece
        else
            words+=("$piece")
        fi
        line=\${rest#"$piece"}
    done
}

# What of "$1" bash takes for words of their own, in front of the one to complete.
_tsborg_cut() {
    local breaks=' '
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
    printf '%s' "\${1%"\${1##*["$breaks"]}"}"
}

# Adds what begins with "$cur" out of the lines of stdin.
_tsborg_offer() {
    local line cut
    cut=$(_tsborg_cut "$cur")
    while IFS= read -r line; do
        [[ $line == "$cur"* ]] || continue
        line=\${line#"$cut"}
        [[ $line == *[!A-Za-z0-9_@%+=:,./-]* ]] && printf -v line %q "$line"
        COMPREPLY+=("$line")
    done
}

_tsborg_wanted() {
    local prefix=$2 value=\${cur#"$2"} repository choices choice
    case "$1" in
        =*)
            choices=\${1#=}
            _tsborg_offer < <(for choice in \${choices//,/ }; do printf '%s\\n' "$prefix\${choice//%/,}"; done) ;;
        archive*)
            if [[ $value == *::* ]]; then
                repository=\${value%%::*}
                _tsborg_offer < <(_tsborg_archives "$repository" | while IFS= read -r value; do
                    printf '%s\\n' "$prefix$repository::$value"
                done)
            else
                _tsborg_paths -d
                [[ -f $value/config && -d $value/data ]] && _tsborg_offer <<< "$cur::"
            fi ;;
        names*) _tsborg_offer < <(_tsborg_archives "\${location%%::*}") ;;
        repository*|folder*) _tsborg_paths -d ;;
        file*) _tsborg_paths -f ;;
        program*) _tsborg_paths -c ;;
    esac
}

_tsborg_paths() {
    compopt -o filenames 2>/dev/null
    local path cut
    cut=$(_tsborg_cut "$value")
    while IFS= read -r path; do COMPREPLY+=("\${path#"$cut"}"); done < <(compgen "$1" -- "$value")
}

_tsborg() {
    local words cur command='' location='' pending='' word at count=0 literal='' places
    _tsborg_split
    cur=\${words[-1]}
    COMPREPLY=()
    for (( at = 1; at < \${#words[@]} - 1; at++ )); do
        word=\${words[at]}
        if [[ -n $pending ]]; then
            pending=''
        elif [[ -z $literal && $word == -- ]]; then
            literal=yes
        elif [[ -z $literal && $word == -?* ]]; then
            [[ -n $(_tsborg_value "$command" "$word") ]] && pending=$word
        elif [[ -z $command || -n $(_tsborg_commands "$command") ]]; then
            command=\${command:+$command }$word
        else
            (( count == 0 )) && location=$word
            count=$(( count + 1 ))
        fi
    done
    if [[ -n $pending ]]; then
        _tsborg_wanted "$(_tsborg_value "$command" "$pending")" ''
    elif [[ -z $literal && $cur == --*=* ]]; then
        _tsborg_wanted "$(_tsborg_value "$command" "\${cur%%=*}")" "\${cur%%=*}="
    elif [[ -z $literal && $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_tsborg_options "$command") $_tsborg_common" -- "$cur"))
    elif [[ -z $command || -n $(_tsborg_commands "$command") ]]; then
        COMPREPLY=($(compgen -W "$(_tsborg_commands "$command")" -- "$cur"))
    else
        read -ra places <<< "$(_tsborg_places "$command")"
        if (( count >= \${#places[@]} )) && [[ \${places[-1]} == *'*' ]]; then
            count=$(( \${#places[@]} - 1 ))
        fi
        _tsborg_wanted "\${places[count]}" ''
    fi
}
`
