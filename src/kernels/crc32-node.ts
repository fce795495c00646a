/** CRC-32 by node:zlib: 5 GB/s, but 110 ns to enter. */
import { crc32 } from 'node:zlib'
import type { Crc32 } from './kernel.ts'

/** zlib's own function takes an empty buffer for a null one, which asks it for the initial value: it forgets the seed. */
export const crc32Node: Crc32 = (bytes, seed = 0) => (bytes.length === 0 ? seed : crc32(bytes, seed))
