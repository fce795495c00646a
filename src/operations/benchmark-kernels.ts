/**
 * How fast the arithmetic of a backup is here: cutting, hashing, sealing, compressing.
 */
import type { Host } from '../base/host.ts'
import { objectId } from '../base/ids.ts'
import { type ChunkerParams, parseChunkerParams } from '../chunker/chunker.ts'
import { makeChunker } from '../chunker/make-chunker.ts'
import { makeCompressor } from '../compress/registry.ts'
import { sealPayload } from '../crypto/envelope.ts'
import { generateKey } from '../crypto/key-blob.ts'
import { pack } from '../format/msgpack-encode.ts'
import { aes256Ctr } from '../kernels/aes-ctr.ts'
import { blake2b256 } from '../kernels/blake2b.ts'
import { crc32 } from '../kernels/crc32.ts'
import { hmacSha256, pbkdf2Sha256, sha256 } from '../kernels/sha2.ts'
import { xxh64 } from '../kernels/xxh64.ts'

export interface KernelMeasurement {
  readonly group: 'chunkers' | 'checksums' | 'hashes' | 'encryption' | 'key derivation' | 'compression' | 'msgpack'
  readonly name: string
  /** Bytes of input; for key derivation and msgpack, what was counted instead. */
  readonly amount: { readonly bytes: number } | { readonly count: number; readonly unit: string }
  readonly seconds: number
}

export interface BenchmarkKernelsOptions {
  /** Bytes each kernel is given. Default 10 MB; compression gets a tenth. */
  readonly bytes?: number | undefined
  readonly host: Host
}

type Measure = readonly [
  group: KernelMeasurement['group'],
  name: string,
  amount: KernelMeasurement['amount'],
  run: () => void,
]

const compressions = ['lz4', 'zstd,1', 'zstd,3', 'zstd,10', 'zstd,16', 'zlib,1', 'zlib,6', 'zlib,9', 'lzma,0', 'lzma,6']

/** One measurement after the other, as they come: the best time of three. */
export async function* benchmarkKernels(options: BenchmarkKernelsOptions): AsyncGenerator<KernelMeasurement> {
  const { host, bytes = 10_000_000 } = options
  const random = host.randomBytes(bytes)
  const measures = [
    ...chunkers(random),
    ...digests(random),
    ...encryption(random, host),
    ...(await compression(random.subarray(0, Math.ceil(bytes / 10)), host)),
    ...packing(bytes),
  ]
  for (const [group, name, amount, run] of measures) {
    run() // The first time is spent on loading and compiling.
    const times = [1, 2, 3].map(() => {
      const start = host.monotonicMs()
      run()
      return host.monotonicMs() - start
    })
    yield { group, name, amount, seconds: Math.min(...times) / 1000 }
  }
}

function chunkers(random: Uint8Array): Measure[] {
  const amount = { bytes: random.length }
  return ['buzhash,19,23,21,4095', 'fixed,1048576'].map((name) => {
    const params = parseChunkerParams(name)
    return ['chunkers', name, amount, () => cutAll(random, params)]
  })
}

function cutAll(bytes: Uint8Array, params: ChunkerParams): void {
  const chunker = makeChunker(params, 0)
  for (const chunk of chunker.push(bytes)) void chunk
  for (const chunk of chunker.finish()) void chunk
}

function digests(random: Uint8Array): Measure[] {
  const amount = { bytes: random.length }
  const key = new Uint8Array(32)
  return [
    ['checksums', 'crc32', amount, () => crc32(random)],
    ['checksums', 'xxh64', amount, () => xxh64(random)],
    ['hashes', 'sha256', amount, () => sha256(random)],
    ['hashes', 'hmac-sha256', amount, () => hmacSha256(key, random)],
    ['hashes', 'blake2b-256', amount, () => blake2b256(random)],
  ]
}

function encryption(random: Uint8Array, host: Host): Measure[] {
  const amount = { bytes: random.length }
  const id = objectId(new Uint8Array(32))
  const iterations = 100_000
  const derive = { password: new Uint8Array(8), salt: new Uint8Array(32), iterations, length: 32 }
  const sealing = (['repokey', 'repokey-blake2'] as const).map((mode): Measure => {
    const key = generateKey(mode, id, (length) => host.randomBytes(length))
    return ['encryption', `${mode}, sealed`, amount, () => sealPayload(key, random, 0n)]
  })
  return [
    ['encryption', 'aes-256-ctr', amount, () => aes256Ctr(new Uint8Array(32), 0n, random)],
    ...sealing,
    ['key derivation', 'pbkdf2-sha256', { count: iterations, unit: 'rounds' }, () => pbkdf2Sha256(derive)],
  ]
}

/** Half of the input repeats, so that there is something to find. */
async function compression(random: Uint8Array, host: Host): Promise<Measure[]> {
  const input = random.slice()
  for (let at = 0; at + 200 <= input.length; at += 200) input.copyWithin(at + 100, 0, 100)
  return await Promise.all(
    compressions.map(async (spec): Promise<Measure> => {
      const compressor = await makeCompressor(spec, (length) => host.randomBytes(length))
      return ['compression', spec, { bytes: input.length }, () => compressor.compress(input)]
    }),
  )
}

function packing(bytes: number): Measure[] {
  const count = Math.ceil(bytes / 1000)
  const item = new Map<string, number | string | readonly number[]>([
    ['mode', 0o100644],
    ['path', 'folder/file'],
    ['chunks', [1, 2, 3]],
  ])
  const pack1 = (): void => {
    for (let i = 0; i < count; i++) pack(item)
  }
  return [['msgpack', 'items packed', { count, unit: 'items' }, pack1]]
}
