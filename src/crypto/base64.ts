/** Base64 of keys (RFC 4648 section 4), read the way Python's lenient decoder does: anything foreign is skipped. */

export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

/** Undefined when padding is missing or a group is cut. Line breaks, tabs and other foreign characters do not count. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/[^A-Za-z0-9+/=]/g, '')
  if (!/^(?:[^=]{4})*(?:[^=]{2}==|[^=]{3}=)?$/.test(digits)) return undefined
  return Uint8Array.from(atob(digits), (character) => character.charCodeAt(0))
}
