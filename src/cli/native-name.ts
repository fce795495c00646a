/**
 * Names for Node's file functions and for programs we start.
 */
import { BorgError, encodeText, hasLoneSurrogate, printableText } from '../parsing.ts'

/** A path as node:fs takes it. It would write bytes that are not UTF-8 as other ones. */
export function nativeName(path: string): string | Buffer {
  return hasLoneSurrogate(path) ? Buffer.from(encodeText(path)) : path
}

/** Node hands words to programs as UTF-8 only. @throws BorgError 'CommandError' naming the first it would change */
export function requireNativeWords(program: string, words: readonly string[]): void {
  const odd = [program, ...words].find(hasLoneSurrogate)
  if (odd === undefined) return
  const text = `cannot hand '${printableText(odd)}' to ${printableText(program)}: not valid UTF-8`
  throw new BorgError('CommandError', [text])
}
