/** AES-256-CTR by node:crypto (OpenSSL). */
import { createCipheriv, createSecretKey } from 'node:crypto'
import type { Aes256Ctr } from './kernel.ts'

/** `update` allocates its result; results of this size come from the heap, larger ones are mapped and faulted in. */
const sliceSize = 64 * 1024

export const aes256CtrNode: Aes256Ctr = (key, counter, bytes) => {
  const block = new Uint8Array(16)
  new DataView(block.buffer).setBigUint64(8, counter)
  // Raw keys cost some 14 us a call since Node 24, key objects 2.
  const cipher = createCipheriv('aes-256-ctr', createSecretKey(key), block)
  const result = new Uint8Array(bytes.length)
  for (let at = 0; at < bytes.length; at += sliceSize) {
    result.set(cipher.update(bytes.subarray(at, at + sliceSize)), at)
  }
  return result
}
