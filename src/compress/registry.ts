import type { Compressor } from './compressor.ts'

/** Loads the algorithm's module on first use; `randomBytes` feeds obfuscation. @throws BorgError on an unknown or malformed spec. */
export declare function makeCompressor(spec: string, randomBytes: (length: number) => Uint8Array): Promise<Compressor>
/** Chooses by header. `maxSize` bounds the output, so a hostile object cannot exhaust memory. */
export declare function decompress(stored: Uint8Array, maxSize: number): Promise<Uint8Array>
