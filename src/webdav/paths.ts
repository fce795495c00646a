/**
 * URL paths <-> names. Names are bytes, and any byte can be in a URL when it is percent-encoded, UTF-8 or not.
 * Source: RFC 3986 §2.1, §3.3.
 */
import { encodeText } from '../base/text.ts'

const unreserved = /[A-Za-z0-9\-._~]/
const encodings: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  return unreserved.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

export function encodeName(name: Uint8Array): string {
  let text = ''
  for (const byte of name) text += encodings[byte]
  return text
}

/** The names in the path of a request target; undefined when it is malformed, or holds what no name can. */
export function decodePath(target: string): readonly Uint8Array[] | undefined {
  const path = target.replace(/^[a-z]+:\/\/[^/]*/i, '').split(/[?#]/, 1)[0] ?? ''
  if (!path.startsWith('/')) return undefined
  const names: Uint8Array[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    const name = decodeName(part)
    if (name === undefined || part === '..') return undefined
    names.push(name)
  }
  return names
}

function decodeName(part: string): Uint8Array | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(part)) return undefined
  const bytes: number[] = []
  for (const [piece] of part.matchAll(/%..|[^%]+/gs)) {
    if (piece.startsWith('%')) bytes.push(Number.parseInt(piece.slice(1), 16))
    else bytes.push(...encodeText(piece))
  }
  const name = Uint8Array.from(bytes)
  return name.includes(0) || name.includes(0x2f) ? undefined : name
}
