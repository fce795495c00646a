/** SHA-2 and what is built on it, by node:crypto (OpenSSL). */
import { createHash, createHmac, createSecretKey, hkdfSync, pbkdf2Sync } from 'node:crypto'
import type { Hkdf, Hmac, Pbkdf2, Sha256 } from './kernel.ts'

export const sha256Node: Sha256 = (...parts) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return plainArray(hash.digest())
}

export const hmacSha256Node: Hmac = (key, ...parts) => hmacNode('sha256', key, parts)

export const hmacSha512Node: Hmac = (key, ...parts) => hmacNode('sha512', key, parts)

export const hkdfSha512Node: Hkdf = ({ ikm, salt, info, length }) =>
  new Uint8Array(hkdfSync('sha512', ikm, salt, info, length))

export const pbkdf2Sha256Node: Pbkdf2 = ({ password, salt, iterations, length }) =>
  plainArray(pbkdf2Sync(password, salt, iterations, length, 'sha256'))

function hmacNode(algorithm: string, key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  // Raw keys cost some 12 us a call since Node 24, key objects 2 everywhere.
  const hmac = createHmac(algorithm, createSecretKey(key))
  for (const part of parts) hmac.update(part)
  return plainArray(hmac.digest())
}

/** A Buffer's `slice` is a view where a Uint8Array's is a copy: never let one out. */
function plainArray(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
}
