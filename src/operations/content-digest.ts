/**
 * Checksums of a file's content: what `list --format` can print.
 */
import { createHash } from 'node:crypto'
import { toHex } from '../base/bytes.ts'
import { xxh64Stream } from '../kernels/xxh64.ts'

/** Names as borg has them, which are Python's. */
const nodeNames: Readonly<Record<string, string>> = {
  blake2b: 'blake2b512',
  blake2s: 'blake2s256',
  sha3_224: 'sha3-224',
  sha3_256: 'sha3-256',
  sha3_384: 'sha3-384',
  sha3_512: 'sha3-512',
}

/** Lower-case hex. `algorithm`: md5, sha1, sha224 ... sha512, sha3_224 ... sha3_512, blake2b, blake2s, xxh64. */
export async function contentDigest(
  algorithm: string,
  content: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<string> {
  if (algorithm === 'xxh64') return await xxh64Digest(content, signal)
  const hash = createHash(nodeNames[algorithm] ?? algorithm)
  for await (const plain of content) {
    signal?.throwIfAborted()
    hash.update(plain)
  }
  return hash.digest('hex')
}

async function xxh64Digest(content: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<string> {
  const hash = xxh64Stream()
  for await (const plain of content) {
    signal?.throwIfAborted()
    hash.update(plain)
  }
  return toHex(hash.digest())
}
