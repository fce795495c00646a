/**
 * Completion for zsh 5.
 */
import { archiveQuery, type CompletionOption, type CompletionWords, quoted, type Wanted } from './words.ts'

export function zshCompletion({ names, groups, commands, common, main }: CompletionWords): string {
  const described = (rows: readonly { readonly name: string; readonly summary: string }[]): string =>
    rows.map(({ name, summary }) => `        ${quoted(`${name}:${summary}`)}\n`).join('')
  const groupFunctions = groups.map((group) => {
    const members = commands.flatMap(({ name, summary }) =>
      name.startsWith(`${group} `) ? [{ name: name.slice(group.length + 1), summary }] : [],
    )
    return `_tsborg_${group}() {\n${dispatcher(group, described(members), '')}}\n`
  })
  const commandFunctions = commands.map(({ name, options, places }) => {
    const specs = [
      ...options.flatMap(optionSpecs),
      ...places.map(({ metavar, wanted, repeated }) =>
        quoted(`${repeated ? '*' : ''}:${escaped(metavar)}:${action(wanted)}`),
      ),
    ]
    return `${functionName(name)}() {\n    _arguments -s -S $_tsborg_common${specs.map((spec) => ` \\\n        ${spec}`).join('')}\n}\n`
  })
  return `#compdef tsborg
# Completion of tsborg for zsh. Made by "tsborg completion zsh"; put it as _tsborg into a folder of $fpath.

typeset -ga _tsborg_common
_tsborg_common=(
${common
  .flatMap(optionSpecs)
  .map((spec) => `    ${spec}\n`)
  .join('')})

${library}
${[...commandFunctions, ...groupFunctions].join('\n')}
_tsborg() {
${dispatcher('', described(names), ` ${main.flatMap(optionSpecs).join(' ')}`)}}

if [[ $funcstack[1] == _tsborg ]]; then _tsborg "$@"; else compdef _tsborg tsborg; fi
`
}

const functionName = (name: string): string => `_tsborg_${name.replaceAll(' ', '_')}`

/** Reads one word, offers words for it, and hands what follows to the function named after it. */
function dispatcher(group: string, rows: string, options: string): string {
  return `    local context state line curcontext=$curcontext
    local -A opt_args
    local -a commands
    commands=(
${rows}    )
    _arguments -s -S -C $_tsborg_common${options} '1:command:->command' '*::argument:->argument'
    case $state in
        command) _describe command commands ;;
        argument) (( $+functions[_tsborg_${group === '' ? '' : `${group}_`}$line[1]] )) && _tsborg_${group === '' ? '' : `${group}_`}$line[1] ;;
    esac
`
}

/** '(-s --stats)-s[print statistics]' and the same for '--stats'. */
function optionSpecs({ names, help, value }: CompletionOption): string[] {
  const exclusive = names.length > 1 ? `(${names.join(' ')})` : ''
  return names.map((name) => {
    const joint = value === undefined ? '' : name.startsWith('--') ? '=' : '+'
    const rest = value === undefined ? '' : `:value:${action(value)}`
    return quoted(`${exclusive}${name}${joint}[${escaped(help)}]${rest}`)
  })
}

const escaped = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&')

function action(wanted: Wanted): string {
  switch (wanted.kind) {
    case 'choices':
      return `(${wanted.choices.join(' ')})`
    case 'file':
      return '_files'
    case 'folder':
    case 'repository':
      return '_files -/'
    case 'program':
      return '_command_names -e'
    case 'archive':
      return '_tsborg_locations'
    case 'names':
      return '_tsborg_names'
    case 'nothing':
      return ' '
  }
}

const library = `# The archives of a repository on this machine. Asks nothing, waits for nothing.
_tsborg_archives() {
    setopt localoptions noksharrays
${archiveQuery}
}

_tsborg_locations() {
    if compset -P '*::'; then
        local -a names
        names=(\${(f)"$(_tsborg_archives "\${\${(Q)IPREFIX}%%::*}")"})
        compadd -a names
    else
        [[ -f $PREFIX/config && -d $PREFIX/data ]] && compadd -S '' -- "$PREFIX::"
        _files -/
    fi
}

_tsborg_names() {
    local -a names
    names=(\${(f)"$(_tsborg_archives "\${\${(Q)line[1]}%%::*}")"})
    compadd -a names
}
`
