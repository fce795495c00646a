/**
 * Words of a POSIX shell, as Python's shlex splits and quotes them. No shell is ever asked.
 * Source: Python documentation, shlex; fixtures/cli/misc-vectors.json ("shlex_quote_join").
 */

/** @throws RangeError for an unclosed quotation or a backslash at the end. */
export function splitShellWords(text: string): string[] {
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? ''
    if (/[ \t\r\n]/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (character === "'") {
      const end = text.indexOf("'", at + 1)
      if (end < 0) throw new RangeError('No closing quotation')
      word = (word ?? '') + text.slice(at + 1, end)
      at = end
    } else if (character === '"') {
      const { content, end } = readDoubleQuoted(text, at + 1)
      word = (word ?? '') + content
      at = end
    } else if (character === '\\') {
      at += 1
      if (at >= text.length) throw new RangeError('No escaped character')
      word = (word ?? '') + text[at]
    } else {
      word = (word ?? '') + character
    }
  }
  if (word !== undefined) words.push(word)
  return words
}

/** In double quotes, a backslash escapes only '"' and itself. */
function readDoubleQuoted(text: string, from: number): { content: string; end: number } {
  let content = ''
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '"') return { content, end: at }
    const escapes = text[at] === '\\' && (text[at + 1] === '"' || text[at + 1] === '\\')
    if (escapes) at += 1
    content += text[at]
  }
  throw new RangeError('No closing quotation')
}

/** What a shell would read back as these words. */
export function joinShellWords(words: readonly string[]): string {
  return words.map(quoteShellWord).join(' ')
}

function quoteShellWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word
  return `'${word.replaceAll("'", `'"'"'`)}'`
}
