/**
 * The file 'nonce': the first AES-CTR block of the repository's key that nobody has reserved, as 16 hex digits.
 * Source: format/repository.md §1; format/crypto.md §8. Who reserves how much is decided in crypto/nonces.ts.
 */
import { BorgError } from '../base/errors.ts'
import { storePath } from '../base/ids.ts'
import { decodeText, encodeText } from '../base/text.ts'
import { isStoreNotFound, type Store } from '../store/store.ts'

const noncePath = storePath('nonce')

/** Undefined when none was ever reserved. @throws BorgError 'IntegrityError' when the file holds something else. */
export async function loadFreeNonce(store: Store): Promise<bigint | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await store.read(noncePath)
  } catch (error) {
    if (isStoreNotFound(error)) return undefined
    throw error
  }
  const text = decodeText(bytes).trim()
  // Guessing here could make a key stream be used twice.
  if (!/^[0-9a-fA-F]{16}$/.test(text)) throw new BorgError('IntegrityError', ['nonce file: expected 16 hex digits'])
  return BigInt(`0x${text}`)
}

/**
 * Durably replaces `expected` by `next`. The caller holds the exclusive lock.
 * @throws BorgError 'Error' when the file says otherwise: somebody else reserved meanwhile.
 */
export async function reserveNonce(store: Store, next: bigint, expected: bigint | undefined): Promise<void> {
  if (next < 0n || next >= 2n ** 64n) throw new RangeError(`nonce must have 64 bits, got ${next}`)
  const free = await loadFreeNonce(store)
  if (free !== expected) {
    throw new BorgError('Error', [
      `nonce reservation expected ${expected ?? 'none'} as the first free, found ${free ?? 'none'}`,
    ])
  }
  if (free !== undefined && next < free)
    throw new RangeError(`nonce reservation must not go back from ${free} to ${next}`)
  await store.write(noncePath, encodeText(next.toString(16).padStart(16, '0')))
}
