/** BLAKE2b-256 (RFC 7693) by @noble/hashes: portable, and the oracle of the fast one. */
import { blake2b } from '@noble/hashes/blake2.js'
import type { Blake2b256 } from './kernel.ts'

export const blake2b256Noble: Blake2b256 = (...parts) => {
  const hash = blake2b.create({ dkLen: 32 })
  for (const part of parts) hash.update(part)
  return hash.digest()
}
