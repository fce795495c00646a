import { blake2b256Noble } from './blake2b-noble.ts'
import { blake2b256Wasm } from './blake2b-wasm.ts'
import type { Blake2b256 } from './kernel.ts'

export const blake2b256: Blake2b256 = blake2b256Wasm ?? blake2b256Noble
