/** AES-256-CTR by @noble/ciphers: portable, and the oracle of the fast one. */
import { ctr } from '@noble/ciphers/aes.js'
import type { Aes256Ctr } from './kernel.ts'

export const aes256CtrNoble: Aes256Ctr = (key, counter, bytes) => {
  // The package takes 16 bytes for AES-128.
  if (key.length !== 32) throw new RangeError(`AES-256 key must be 32 bytes, got ${key.length}`)
  const block = new Uint8Array(16)
  new DataView(block.buffer).setBigUint64(8, counter)
  return ctr(key, block).encrypt(bytes)
}
