/**
 * A key made ready for work: the three functions that every object goes through, with their OpenSSL key objects kept.
 *
 * The data path calls node:crypto itself, because kernels keep nothing between calls: making the key object anew costs
 * 2 of the 6 microseconds that a 1 KB object takes here, and handing OpenSSL raw HMAC keys costs 14 more since Node 24.
 * Facts: format sheet crypto.md section 2.
 */
import { createCipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { dataView } from '../base/bytes.ts'
import { blake2b256 } from '../kernels/blake2b.ts'
import { sha256 } from '../kernels/sha2.ts'
import { type KeyMaterial, requireUsable } from './key-material.ts'
import { modes } from './modes.ts'

type Digest = (bytes: Uint8Array) => Uint8Array

export interface ReadyKey {
  /** 32 bytes: the id of a plaintext. */
  readonly id: Digest
  /** 32 bytes over iv and cipher text. @throws TypeError in modes without cipher. */
  readonly mac: Digest
  /** XORs the key stream from block `counter` on over `input`, into `output` at `at`. @throws TypeError as `mac`. */
  readonly crypt: (counter: bigint, input: Uint8Array, output: Uint8Array, at: number) => void
}

const ready = new WeakMap<KeyMaterial, ReadyKey>()

/** Made on first use and kept as long as `key` lives. @throws TypeError when the key has been wiped. */
export function readyKey(key: KeyMaterial): ReadyKey {
  requireUsable(key)
  const known = ready.get(key)
  if (known !== undefined) return known
  const made = makeReady(key)
  ready.set(key, made)
  return made
}

function makeReady(key: KeyMaterial): ReadyKey {
  const { idHash, cipher } = modes[key.mode]
  return {
    id: idHash === 'sha256' ? sha256 : keyedDigest(idHash, key.idKey),
    mac: cipher === 'none' ? noCipher : keyedDigest(cipher, key.macKey),
    crypt: cipher === 'none' ? noCipher : counterMode(createSecretKey(key.encryptionKey)),
  }
}

function noCipher(): never {
  throw new TypeError('this key mode stores objects in the clear')
}

/** borg's "keyed" BLAKE2b is no keyed BLAKE2b: the key is the first block of the message. */
function keyedDigest(algorithm: 'hmac-sha256' | 'blake2b', secret: Uint8Array): Digest {
  if (algorithm === 'blake2b') return (bytes) => blake2b256(secret, bytes)
  const hmacKey = createSecretKey(secret)
  return (bytes) => {
    const digest = createHmac('sha256', hmacKey).update(bytes).digest()
    return new Uint8Array(digest.buffer, digest.byteOffset, digest.length)
  }
}

/** `update` allocates its result: pieces of this size come from the heap, larger ones are mapped and faulted in. */
const pieceSize = 64 * 1024

function counterMode(encryptionKey: KeyObject): ReadyKey['crypt'] {
  // One block for all calls: OpenSSL copies it, and a view made anew costs a fifth of what a small object takes.
  const block = new Uint8Array(16)
  const view = dataView(block)
  return (counter, input, output, at) => {
    view.setBigUint64(8, counter)
    const cipher = createCipheriv('aes-256-ctr', encryptionKey, block)
    for (let from = 0; from < input.length; from += pieceSize) {
      output.set(cipher.update(input.subarray(from, from + pieceSize)), at + from)
    }
  }
}
