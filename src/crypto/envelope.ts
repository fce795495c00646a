/**
 * What surrounds a compressed payload in the repository:
 *
 *   modes without cipher   type (u8) | payload
 *   modes with cipher      type (u8) | mac (32) | iv (u64 BE) | AES-256-CTR of the payload
 *
 * iv is the number of the first cipher block; the MAC covers iv and cipher text, not the type.
 * Facts: format sheet crypto.md sections 1-2, fixtures/vectors/keys.json.
 */
import { dataView, equalBytes, equalSecrets, toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { type ObjectId, ownedObjectId } from '../base/ids.ts'
import type { Compressor } from '../compress/compressor.ts'
import { decompress } from '../compress/registry.ts'
import type { KeyMaterial } from './key-material.ts'
import { acceptsType, legacyPassphraseType, modes } from './modes.ts'
import { blockSize, counterEnd } from './nonces.ts'
import { readyKey } from './ready-key.ts'

const macAt = 1
const ivAt = macAt + 32
/** Bytes before the payload, in modes without and with cipher. */
export const clearHeaderSize = 1
export const cipherHeaderSize = ivAt + 8
/** The compression header: no payload is shorter. */
const payloadSizeMin = 2

/** Largest plaintext `open` unpacks, in bytes: a bound on hostile input, far above any chunk or manifest. */
export const plainSizeMax = 256 * 1024 * 1024

/** The name of `plain` in this repository: a keyed hash, plain SHA-256 in mode `none`. */
export function idHash(key: KeyMaterial, plain: Uint8Array): ObjectId {
  return ownedObjectId(readyKey(key).id(plain))
}

/**
 * compress -> encrypt -> authenticate. `nonce` is a block counter nobody may use again (nonces.ts); modes without
 * cipher ignore it. The result belongs to the caller.
 */
export function seal(key: KeyMaterial, compressor: Compressor, plain: Uint8Array, nonce: bigint): Uint8Array {
  return sealPayload(key, compressPayload(compressor, plain), nonce)
}

/** The first half of `seal`. The result is lent: valid until the compressor's next call. */
export function compressPayload(compressor: Compressor, plain: Uint8Array): Uint8Array {
  const payload = compressor.compress(plain)
  // Blocks were reserved by this bound: a payload above it would run into the next object's key stream.
  if (payload.length > compressor.storedSizeMax(plain.length)) {
    throw new RangeError(`${compressor.spec} made ${payload.length} bytes of ${plain.length}, more than it announced`)
  }
  return payload
}

/** The second half. Consumes ceil(payload / 16) blocks from `nonce` on. */
export function sealPayload(key: KeyMaterial, payload: Uint8Array, nonce: bigint): Uint8Array {
  if (key.withoutSecrets) throw new TypeError('a key without secrets cannot write')
  const { typeByte, cipher } = modes[key.mode]
  if (cipher === 'none') {
    const stored = new Uint8Array(clearHeaderSize + payload.length)
    stored[0] = typeByte
    stored.set(payload, clearHeaderSize)
    return stored
  }
  if (nonce < 0n || nonce + BigInt(blocksOf(payload.length)) > counterEnd) {
    throw new RangeError(`cipher blocks from ${nonce} on do not fit into a 64-bit counter`)
  }
  const { crypt, mac } = readyKey(key)
  const stored = new Uint8Array(cipherHeaderSize + payload.length)
  stored[0] = typeByte
  dataView(stored).setBigUint64(ivAt, nonce)
  crypt(nonce, payload, stored, cipherHeaderSize)
  stored.set(mac(stored.subarray(ivAt)), macAt)
  return stored
}

/**
 * Cipher blocks `seal` can consume at most for `plainSize` bytes; what to reserve before calling it.
 * 0 for modes without cipher.
 */
export function blocksFor(key: KeyMaterial, compressor: Compressor, plainSize: number): number {
  return modes[key.mode].cipher === 'none' ? 0 : blocksOf(compressor.storedSizeMax(plainSize))
}

/** Cipher blocks of a compressed payload of `payloadSize` bytes. */
export function blocksOf(payloadSize: number): number {
  return Math.ceil(payloadSize / blockSize)
}

/** The nonce of a stored object and the blocks its cipher text takes; undefined for modes without cipher. */
export function nonceOf(stored: Uint8Array): { nonce: bigint; blocks: bigint } | undefined {
  const type = stored[0]
  const enciphered =
    type === legacyPassphraseType ||
    Object.values(modes).some((spec) => spec.typeByte === type && spec.cipher !== 'none')
  if (!enciphered || stored.length < cipherHeaderSize) return undefined
  return { nonce: dataView(stored).getBigUint64(ivAt), blocks: BigInt(blocksOf(stored.length - cipherHeaderSize)) }
}

/**
 * The plaintext of a stored object. In modes without cipher it may be a view of `stored`.
 * `id` undefined: manifest only, whose name is no hash.
 * @throws BorgError 'IntegrityError' when type, MAC or id do not match, and what `decompress` throws.
 */
export async function open(key: KeyMaterial, id: ObjectId | undefined, stored: Uint8Array): Promise<Uint8Array> {
  const plain = await decompress(openPayload(key, id, stored), plainSizeMax)
  if (id !== undefined && !key.withoutSecrets && !equalBytes(readyKey(key).id(plain), id)) {
    throw damaged(id, 'id verification failed')
  }
  return plain
}

/**
 * The compressed payload, authenticated where the mode has a MAC, but not yet compared with `id`, which only names the
 * object in messages. In modes without cipher it is a view of `stored`.
 * @throws BorgError 'IntegrityError' when type or MAC do not match.
 */
export function openPayload(key: KeyMaterial, id: ObjectId | undefined, stored: Uint8Array): Uint8Array {
  const clear = modes[key.mode].cipher === 'none'
  const headerSize = clear ? clearHeaderSize : cipherHeaderSize
  if (stored.length < headerSize + payloadSizeMin || !acceptsType(key.mode, stored[0] ?? -1)) {
    throw damaged(id, key.mode.startsWith('authenticated') ? 'Invalid envelope' : 'Invalid encryption envelope')
  }
  if (clear) return stored.subarray(clearHeaderSize)
  const { crypt, mac } = readyKey(key)
  if (!equalSecrets(mac(stored.subarray(ivAt)), stored.subarray(macAt, ivAt))) {
    throw damaged(id, 'Could not decrypt [MAC Authentication failed]')
  }
  const payload = new Uint8Array(stored.length - cipherHeaderSize)
  crypt(dataView(stored).getBigUint64(ivAt), stored.subarray(cipherHeaderSize), payload, 0)
  return payload
}

function damaged(id: ObjectId | undefined, what: string): BorgError<'IntegrityError'> {
  return new BorgError('IntegrityError', [`Chunk ${id === undefined ? '(unknown)' : toHex(id)}: ${what}`])
}
