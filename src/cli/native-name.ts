/**
 * Words for programs we start.
 */
import { BorgError, hasLoneSurrogate, printableText } from '../parsing.ts'

/** Node hands words to programs as UTF-8 only. @throws BorgError 'CommandError' naming the first it would change */
export function requireNativeWords(program: string, words: readonly string[]): void {
  const odd = [program, ...words].find(hasLoneSurrogate)
  if (odd === undefined) return
  const text = `cannot hand '${printableText(odd)}' to ${printableText(program)}: not valid UTF-8`
  throw new BorgError('CommandError', [text])
}
