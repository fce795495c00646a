/**
 * Shell patterns ('sh:') and fnmatch patterns ('fm:') as regular expression sources for the 'u' flag.
 *
 * The two differ in one thing: the wildcards of 'fm' cross '/', those of 'sh' do not, and 'sh' has '**' + '/' for any
 * number of folders. Neither knows escapes. Brackets: '!' negates, '^' is itself, a ']' in first place is itself, and an
 * unclosed '[' is an ordinary character; a bracket may match '/' in both.
 * Source: borg 1.4 `borg help patterns`; Python's fnmatch; fixtures/cli/patterns-vectors.json.
 */
interface Bracket {
  readonly source: string
  /** Index behind the closing ']'. */
  readonly end: number
}

const never = '(?!)'
const anyCharacter = '[\\s\\S]'

/** '*' and '?' match every character, '/' included. */
export function fnmatchSource(pattern: string): string {
  return translate(pattern, { star: `${anyCharacter}*`, question: anyCharacter, folders: undefined })
}

/** '*' and '?' stop at '/'; '**' followed by '/' is zero or more folders, anywhere in the pattern. */
export function shellSource(pattern: string): string {
  return translate(pattern, { star: '[^/]*', question: '[^/]', folders: '(?:[^/]*/)*' })
}

/**
 * Matches whole archive names, as -a/--glob-archives does.
 * `suffix` is a regular expression source that may follow the name (prune lets a checkpoint suffix follow).
 */
export function archiveGlob(glob: string, suffix = ''): RegExp {
  return new RegExp(`^${shellSource(glob)}${suffix}$`, 'u')
}

/** What prune allows behind a name: the suffix of checkpoint archives. */
export const checkpointSuffix = '(?:\\.checkpoint(?:\\.\\d+)?)?'

interface Wildcards {
  readonly star: string
  readonly question: string
  readonly folders: string | undefined
}

function translate(pattern: string, wildcards: Wildcards): string {
  const characters = Array.from(pattern)
  let source = ''
  for (let at = 0; at < characters.length; ) {
    const character = characters[at] ?? ''
    if (character === '*' && characters[at + 1] === '*' && characters[at + 2] === '/' && wildcards.folders) {
      source += wildcards.folders
      at += 3
    } else if (character === '*') {
      source += wildcards.star
      // A run of stars means one; a chain of repetitions would backtrack exponentially. Stop before a '**' + '/'.
      at += 1
      while (
        characters[at] === '*' &&
        !(wildcards.folders && characters[at + 1] === '*' && characters[at + 2] === '/')
      ) {
        at += 1
      }
    } else if (character === '?') {
      source += wildcards.question
      at += 1
    } else if (character === '[') {
      const bracket = readBracket(characters, at)
      source += bracket?.source ?? '\\['
      at = bracket?.end ?? at + 1
    } else {
      source += escapeCharacter(character)
      at += 1
    }
  }
  return source
}

function readBracket(characters: readonly string[], open: number): Bracket | undefined {
  let at = open + 1
  const negated = characters[at] === '!'
  if (negated) at += 1
  const first = at
  if (characters[at] === ']') at += 1
  while (at < characters.length && characters[at] !== ']') at += 1
  if (at >= characters.length) return undefined
  const content = bracketContent(characters.slice(first, at))
  const end = at + 1
  if (content === '') return { source: negated ? anyCharacter : never, end }
  return { source: `[${negated ? '^' : ''}${content}]`, end }
}

/** Ranges whose ends are in the wrong order match nothing, so they are dropped. */
function bracketContent(members: readonly string[]): string {
  let content = ''
  for (let at = 0; at < members.length; at += 1) {
    const from = members[at] ?? ''
    const to = members[at + 2]
    if (members[at + 1] === '-' && to !== undefined) {
      if ((from.codePointAt(0) ?? 0) <= (to.codePointAt(0) ?? 0)) {
        content += `${escapeCharacter(from)}-${escapeCharacter(to)}`
      }
      at += 2
    } else {
      content += escapeCharacter(from)
    }
  }
  return content
}

/** Safe inside and outside of brackets, under the 'u' flag. */
export function escapeCharacter(character: string): string {
  if (character === '-') return '\\x2d'
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character
}
