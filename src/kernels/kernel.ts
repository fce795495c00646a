/**
 * The function type of every primitive. One file per implementation, one file that picks (`crc32.ts` picks among
 * `crc32-*.ts`); all variants stay exported, so that tests compare them and benchmarks race them.
 *
 * Common law: kernels are pure. They keep nothing between calls (scratch memory and lazily built tables aside), never
 * write to their arguments (the `state` of a scan excepted), and what they return is a plain `Uint8Array` that belongs
 * to the caller. Facts: docs of the formats, crypto sections 2-4, chunker section 2, objects section 1.
 */

/** IEEE CRC-32 of `bytes`, continuing from `seed` (0 to start). Result is uint32. */
export type Crc32 = (bytes: Uint8Array, seed?: number) => number

/** XXH64, seed 0, of the concatenation of `parts`: 8 bytes, big-endian, so that their hex is what borg writes. */
export type Xxh64 = (...parts: readonly Uint8Array[]) => Uint8Array

/** XXH64 of a stream. `digest` may be asked at any time and does not end the stream. */
export interface Xxh64Stream {
  update(bytes: Uint8Array): void
  digest(): Uint8Array
}

/** 32-byte BLAKE2b of the concatenation of `parts`. Not the same as a truncated BLAKE2b-512. */
export type Blake2b256 = (...parts: readonly Uint8Array[]) => Uint8Array

/** SHA-256 of the concatenation of `parts`. */
export type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array
/** HMAC of the concatenation of `parts`: 32 bytes with SHA-256, 64 with SHA-512. */
export type Hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]) => Uint8Array
/** RFC 5869 extract and expand. `length` in bytes. */
export type Hkdf = (from: {
  readonly ikm: Uint8Array
  readonly salt: Uint8Array
  readonly info: Uint8Array
  readonly length: number
}) => Uint8Array
/** RFC 8018. `length` in bytes. Blocks the thread: borg's 100000 iterations take some 40 ms. */
export type Pbkdf2 = (from: {
  readonly password: Uint8Array
  readonly salt: Uint8Array
  readonly iterations: number
  readonly length: number
}) => Uint8Array

/**
 * XORs the AES-256-CTR key stream that starts at block `counter` over `bytes`. The counter block is 8 zero bytes and
 * `counter` as u64 big-endian; it counts in 128 bits, so it carries into the zero bytes.
 */
export type Aes256Ctr = (key: Uint8Array, counter: bigint, bytes: Uint8Array) => Uint8Array

/** Buzhash of all of `bytes` (the window), from scratch: the `state[0]` a scan starts with. Result is uint32. */
export type Buzhash = (table: Uint32Array, bytes: Uint8Array) => number
/**
 * Rolls the hash over bytes[from, to); returns the first offset just past a window with `(hash & mask) === 0`, or -1.
 * `state[0]` is the hash of the `window` bytes before `from` (they must be in `bytes`), and is updated: on a hit to the
 * hash of the window that ends at the returned offset, so that the next scan may start there. The window that ends at
 * `from` is not tested. borg cuts *before* the matching window: the chunker subtracts.
 */
export type BuzhashScan = (
  state: Uint32Array,
  table: Uint32Array,
  window: number,
  mask: number,
  bytes: Uint8Array,
  from: number,
  to: number,
) => number

/** One block, no frame, no size prefix: what borg stores after its two header bytes. */
export interface BlockCodec {
  /** @throws RangeError for a level the algorithm does not have. Codecs without levels ignore it. */
  compress(plain: Uint8Array, level: number): Uint8Array
  /**
   * The whole plaintext, never more than `maxSize` bytes and never at the cost of more than a small multiple of that.
   * @throws Error, plain, saying what is wrong: garbage, truncated, trailing bytes, larger than `maxSize`.
   */
  decompress(body: Uint8Array, maxSize: number): Uint8Array
}
