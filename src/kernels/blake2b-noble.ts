/**
 * BLAKE2b-256 (RFC 7693) by @noble/hashes: for processes without WebAssembly, and the oracle of the fast one. The package
 * is loaded when the first hash is asked for: nearly nobody needs it.
 */
import { createRequire } from 'node:module'
import type { Blake2b256 } from './kernel.ts'

type Package = typeof import('@noble/hashes/blake2.js')

let noble: Package | undefined

export const blake2b256Noble: Blake2b256 = (...parts) => {
  noble ??= createRequire(import.meta.url)('@noble/hashes/blake2.js') as Package
  const hash = noble.blake2b.create({ dkLen: 32 })
  for (const part of parts) hash.update(part)
  return hash.digest()
}
