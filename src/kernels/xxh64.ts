/** XXH64, seed 0: checksums of borg's index, hints and cache files. */
import type { Xxh64, Xxh64Stream } from './kernel.ts'
import { xxh64StreamWasm, xxh64Wasm } from './xxh64-wasm.ts'

export const xxh64: Xxh64 = xxh64Wasm
export const xxh64Stream: () => Xxh64Stream = xxh64StreamWasm
