/**
 * Bytes as text, the way Python's 'surrogateescape' does it.
 *
 * Names on disk and in archives are bytes. UTF-8 decodes as usual; every byte that is not part of valid UTF-8 becomes the
 * lone surrogate U+DC00 + byte, and encodes back to that byte. So one text stands for one byte string, whatever it holds.
 * Source: PEP 383.
 */

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** Never throws; `encodeText` gives the same bytes back. */
export function decodeText(bytes: Uint8Array): string {
  let ascii = true
  for (let i = 0; i < bytes.length; i++) {
    if ((bytes[i] ?? 0) >= 0x80) {
      ascii = false
      break
    }
  }
  if (ascii && bytes.length <= 4096) return String.fromCharCode(...bytes)
  try {
    return strictDecoder.decode(bytes)
  } catch {
    return decodeEscaped(bytes)
  }
}

/** UTF-8, with U+DC80..U+DCFF back to single bytes. @throws RangeError on any other lone surrogate. */
export function encodeText(text: string): Uint8Array {
  if (!hasLoneSurrogate(text)) return encoder.encode(text)
  const bytes: number[] = []
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code - 0xdc00)
    else if (code >= 0xd800 && code <= 0xdfff) throw new RangeError(`text has a lone surrogate U+${code.toString(16)}`)
    else bytes.push(...encoder.encode(character))
  }
  return Uint8Array.from(bytes)
}

/** Whether `text` stands for bytes that are not UTF-8. */
export function hasLoneSurrogate(text: string): boolean {
  return /[\ud800-\udfff]/u.test(text)
}

/** For people and JSON: each byte that is not UTF-8 becomes '?', as borg prints it. */
export function printableText(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, '?')
}

/** Negative, zero or positive: by code point, as Python orders text. JavaScript's < goes by UTF-16 unit. */
export function compareCodePoints(a: string, b: string): number {
  let at = 0
  while (at < a.length && at < b.length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1
  // A pair of units is one character: back to its start.
  const inPair = isHighSurrogate(a.charCodeAt(at - 1)) && [a, b].some((text) => isLowSurrogate(text.charCodeAt(at)))
  if (inPair) at -= 1
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1)
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

function decodeEscaped(bytes: Uint8Array): string {
  let text = ''
  let i = 0
  while (i < bytes.length) {
    const length = sequenceLength(bytes, i)
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + (bytes[i] ?? 0))
      i += 1
    } else {
      text += strictDecoder.decode(bytes.subarray(i, i + length))
      i += length
    }
  }
  return text
}

/** Length of the valid UTF-8 sequence at `at`, or 0 (RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0
  if (length === 0 || at + length > bytes.length) return 0
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  const second = bytes[at + 1] ?? 0
  if (first === 0xe0 && second < 0xa0) return 0
  if (first === 0xed && second > 0x9f) return 0
  if (first === 0xf0 && second < 0x90) return 0
  if (first === 0xf4 && second > 0x8f) return 0
  return length
}

/** A path for Node's own functions, which would write bytes that are not UTF-8 as other ones. */
export function nativePath(path: string): string | Buffer {
  return hasLoneSurrogate(path) ? Buffer.from(encodeText(path)) : path
}
