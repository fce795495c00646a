/**
 * Recognises all-zero bytes: they are stored once per size and need not be hashed again.
 */

/** Words looked at between two decisions; short enough to stop early, long enough to pay for the branch. */
const stride = 8

/** True also for no bytes. Ordinary data answers at its first byte that is not zero. */
export function isAllZero(bytes: Uint8Array): boolean {
  const head = Math.min(bytes.length, -bytes.byteOffset & 3)
  if (!tailIsZero(bytes, 0, head)) return false
  const wordCount = (bytes.length - head) >>> 2
  // 32-bit words are the widest integers that compare without allocation.
  if (wordCount > 0 && !wordsAreZero(new Int32Array(bytes.buffer, bytes.byteOffset + head, wordCount))) return false
  return tailIsZero(bytes, head + 4 * wordCount, bytes.length)
}

export function isAllZeroReference(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}

function wordsAreZero(words: Int32Array): boolean {
  const whole = words.length - (words.length % stride)
  for (let i = 0; i < whole; i += stride) {
    const some =
      words[i]! |
      words[i + 1]! |
      words[i + 2]! |
      words[i + 3]! |
      words[i + 4]! |
      words[i + 5]! |
      words[i + 6]! |
      words[i + 7]!
    if (some !== 0) return false
  }
  for (let i = whole; i < words.length; i++) if (words[i] !== 0) return false
  return true
}

function tailIsZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false
  return true
}
