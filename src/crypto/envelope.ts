import type { ObjectId } from '../base/ids.ts'
import type { Compressor } from '../compress/compressor.ts'
import type { KeyMaterial } from './key-material.ts'

export declare function idHash(key: KeyMaterial, plain: Uint8Array): ObjectId
/** compress -> encrypt -> authenticate. `nonce` is a block counter nobody may use again (nonces.ts). */
export declare function seal(key: KeyMaterial, compressor: Compressor, plain: Uint8Array, nonce: bigint): Uint8Array
/** Cipher blocks `seal` can consume at most for `plainSize` bytes; what to reserve before calling it. 0 for modes without cipher. */
export declare function blocksFor(key: KeyMaterial, compressor: Compressor, plainSize: number): number
/** The nonce of a stored object and the blocks its cipher text takes; undefined for modes without cipher. */
export declare function nonceOf(stored: Uint8Array): { nonce: bigint; blocks: bigint } | undefined
/** @throws BorgError 'IntegrityError' when type, MAC or id do not match. `id` undefined: manifest only. */
export declare function open(key: KeyMaterial, id: ObjectId | undefined, stored: Uint8Array): Promise<Uint8Array>
