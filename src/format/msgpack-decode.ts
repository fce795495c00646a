/** What comes out: raw is always bytes, the caller knows which fields are text. Integers past 2^53 are bigint. */
export type Unpacked = null | boolean | number | bigint | Uint8Array | Unpacked[] | UnpackedMap
/** Keys that are UTF-8 become strings: every borg map has ASCII keys or 32-byte ids. */
export interface UnpackedMap extends Map<string | Uint8Array, Unpacked> {}
export interface DecodeLimits {
  readonly bytes: number
  readonly depth: number
  readonly items: number
}
/** @throws BorgError 'IntegrityError' on malformed, truncated or over-limit input. */
export declare function unpack(bytes: Uint8Array, limits: DecodeLimits): Unpacked
/** Feed any split of a stream, receive whole values. */
export declare class Unpacker {
  constructor(limits: DecodeLimits)
  feed(bytes: Uint8Array): void
  next(): { value: Unpacked; end: number } | undefined
}
