/**
 * Which positional word belongs to which argument: each takes as many as it may, leaving what the later ones need.
 */
import type { Argument } from './argument.ts'
import type { Word } from './level.ts'

/** Tells `put` of every word, and of optional arguments that got none. Returns the words nobody wanted. */
export function assignPositionals(
  positionals: readonly (readonly [string, Argument<unknown>])[],
  words: readonly Word[],
  put: (key: string, argument: Argument<unknown>, word: Word | undefined) => void,
): readonly Word[] {
  let at = 0
  for (const [number, [key, argument]] of positionals.entries()) {
    const later = positionals.slice(number + 1).reduce((sum, [, other]) => sum + fewest(other), 0)
    const free = words.length - at - later
    const count = Math.max(Math.min(free, most(argument)), Math.min(fewest(argument), words.length - at))
    for (const word of words.slice(at, at + count)) put(key, argument, word)
    if (count === 0) put(key, argument, undefined)
    at += count
  }
  return words.slice(at)
}

function fewest(argument: Argument<unknown>): number {
  return argument.arity === 'one' || argument.arity === 'some' ? 1 : 0
}

function most(argument: Argument<unknown>): number {
  return argument.arity === 'one' || argument.arity === 'optional' ? 1 : Number.POSITIVE_INFINITY
}
