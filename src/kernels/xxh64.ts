/** XXH64, seed 0: checksums of borg's index, hints and cache files. */
import type { Xxh64, Xxh64Stream } from './kernel.ts'
import { runsWasm } from './wasm-instance.ts'
import { xxh64Portable, xxh64StreamPortable } from './xxh64-portable.ts'
import { xxh64StreamWasm, xxh64Wasm } from './xxh64-wasm.ts'

export const xxh64: Xxh64 = runsWasm ? xxh64Wasm : xxh64Portable
export const xxh64Stream: () => Xxh64Stream = runsWasm ? xxh64StreamWasm : xxh64StreamPortable
