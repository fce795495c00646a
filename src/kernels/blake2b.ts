/** BLAKE2b-256 (RFC 7693), unkeyed, digest length 32: ids and MACs of borg's blake2 modes hash key || data with it. */
import { blake2b256Noble } from './blake2b-noble.ts'
import { blake2b256Wasm } from './blake2b-wasm.ts'
import type { Blake2b256 } from './kernel.ts'
import { runsWasm } from './wasm-instance.ts'

export const blake2b256: Blake2b256 = runsWasm ? blake2b256Wasm : blake2b256Noble
