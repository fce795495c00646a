/** Checksums, hashes and ciphers: every variant, at the sizes that occur. `npx tsx bench/kernels/hashes.bench.ts` */
import { createBLAKE2b, createXXHash64 } from 'hash-wasm'
import { toHex } from '../../src/base/bytes.ts'
import { aes256CtrNoble } from '../../src/kernels/aes-ctr-noble.ts'
import { aes256CtrNode } from '../../src/kernels/aes-ctr-node.ts'
import { blake2b256Noble } from '../../src/kernels/blake2b-noble.ts'
import { blake2b256Wasm } from '../../src/kernels/blake2b-wasm.ts'
import { crc32 } from '../../src/kernels/crc32.ts'
import { crc32Node } from '../../src/kernels/crc32-node.ts'
import { crc32Portable } from '../../src/kernels/crc32-portable.ts'
import { hmacSha256Noble, sha256Noble } from '../../src/kernels/sha2-noble.ts'
import { hmacSha256Node, sha256Node } from '../../src/kernels/sha2-node.ts'
import { xxh64Portable } from '../../src/kernels/xxh64-portable.ts'
import { xxh64Wasm } from '../../src/kernels/xxh64-wasm.ts'
import { random } from '../support/corpus.ts'
import { race, type Contender } from '../support/table.ts'

type Hash = (bytes: Uint8Array) => Uint8Array

/** How often a job is repeated within one sample, so that small inputs are timed at all. */
const sampleBytes = 1024 * 1024

main()

async function main(): Promise<void> {
  const blake2b = await createBLAKE2b(256)
  const xxh64 = await createXXHash64()
  const key = random(32, 9)
  await raceHashes('BLAKE2b-256', {
    wasm: blake2b256Wasm,
    noble: blake2b256Noble,
    'hash-wasm': (bytes) => blake2b.init().update(bytes).digest('binary'),
  })
  await raceHashes('SHA-256', { node: sha256Node, noble: sha256Noble })
  await raceHashes('HMAC-SHA256', {
    node: (bytes) => hmacSha256Node(key, bytes),
    noble: (bytes) => hmacSha256Noble(key, bytes),
  })
  await raceHashes('AES-256-CTR', {
    node: (bytes) => aes256CtrNode(key, 7n, bytes),
    noble: (bytes) => aes256CtrNoble(key, 7n, bytes),
  })
  await raceHashes('XXH64', {
    wasm: xxh64Wasm,
    portable: xxh64Portable,
    'hash-wasm': (bytes) => xxh64.init().update(bytes).digest('binary'),
  })
  await raceHashes('CRC-32', {
    picked: (bytes) => Uint32Array.of(crc32(bytes)) as unknown as Uint8Array,
    node: (bytes) => Uint32Array.of(crc32Node(bytes)) as unknown as Uint8Array,
    portable: (bytes) => Uint32Array.of(crc32Portable(bytes)) as unknown as Uint8Array,
  })
}

async function raceHashes(title: string, variants: Readonly<Record<string, Hash>>): Promise<void> {
  for (const size of [41, 1024, 64 * 1024, 2 * 1024 * 1024]) {
    const bytes = random(size)
    const expected = toHex(Object.values(variants)[0]!(bytes))
    const times = Math.max(1, Math.floor(sampleBytes / size))
    const contenders = Object.entries(variants).map(
      ([name, hash]): Contender<Uint8Array> => ({
        name,
        bytes: size * times,
        run: () => {
          let digest = hash(bytes)
          for (let i = 1; i < times; i++) digest = hash(bytes)
          return digest
        },
        check: (digest) => {
          if (toHex(digest) !== expected) throw new Error(`${title}, ${name}: wrong result`)
        },
      }),
    )
    await race(`${title}, ${size} bytes`, contenders)
  }
}
