/** SHA-2 and what is built on it, by @noble/hashes: portable, and the oracle of the fast ones. */
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { pbkdf2 } from '@noble/hashes/pbkdf2.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import type { Hkdf, Hmac, Pbkdf2, Sha256 } from './kernel.ts'

export const sha256Noble: Sha256 = (...parts) => eat(sha256.create(), parts)

export const hmacSha256Noble: Hmac = (key, ...parts) => eat(hmac.create(sha256, key), parts)

export const hmacSha512Noble: Hmac = (key, ...parts) => eat(hmac.create(sha512, key), parts)

export const hkdfSha512Noble: Hkdf = ({ ikm, salt, info, length }) => hkdf(sha512, ikm, salt, info, length)

export const pbkdf2Sha256Noble: Pbkdf2 = ({ password, salt, iterations, length }) =>
  pbkdf2(sha256, password, salt, { c: iterations, dkLen: length })

interface Hash {
  update(bytes: Uint8Array): unknown
  digest(): Uint8Array
}

function eat(hash: Hash, parts: readonly Uint8Array[]): Uint8Array {
  for (const part of parts) hash.update(part)
  return hash.digest()
}
