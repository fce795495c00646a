/**
 * What it means to compress one chunk. Layouts: format/objects sheet section 1, fixtures/vectors/compress.json.
 */
export interface Compressor {
  /** Spec text this came from, 'zstd,3'. Can be posted to a thread and parsed again. */
  readonly spec: string
  /**
   * A payload: two header bytes that name the algorithm, then its data (zlib has no extra header, its own is enough).
   * The result is lent: valid until the next call of this compressor. `plain` is only read.
   */
  compress(plain: Uint8Array): Uint8Array
  /** Largest result, in bytes, `compress` can give for `plainSize` bytes: what cipher blocks are reserved by. */
  storedSizeMax(plainSize: number): number
}
