export interface Compressor {
  /** Spec text this came from, 'zstd,3'. Can be posted to a thread and parsed again. */
  readonly spec: string
  /** Two header bytes, then the body. */
  compress(plain: Uint8Array): Uint8Array
  /** Largest result, in bytes, `compress` can give for `plainSize` bytes: what cipher blocks are reserved by. */
  storedSizeMax(plainSize: number): number
}
