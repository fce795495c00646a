/** IEEE CRC-32 of `bytes`, continuing from `seed` (0 to start). Result is uint32. */
export type Crc32 = (bytes: Uint8Array, seed?: number) => number
/** 32-byte BLAKE2b of the concatenation of `parts`. Not the same as a truncated BLAKE2b-512. */
export type Blake2b256 = (...parts: readonly Uint8Array[]) => Uint8Array
/**
 * Rolls the hash over bytes[from, to); returns the first offset just past a window with `(hash & mask) === 0`, or -1.
 * `state[0]` is the hash of the `window` bytes before `from` (they must be in `bytes`), and is updated. borg cuts
 * *before* the matching window: the chunker subtracts.
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
/** XORs the AES-256-CTR key stream that starts at block `counter` over `bytes`. */
export type Aes256Ctr = (key: Uint8Array, counter: bigint, bytes: Uint8Array) => Uint8Array
/** One block, no frame, no size prefix: what borg stores after its two header bytes. */
export interface BlockCodec {
  compress(plain: Uint8Array, level: number): Uint8Array
  decompress(body: Uint8Array, maxSize: number): Uint8Array
}
