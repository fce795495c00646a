/** CRC-32 by node:zlib: 5 GB/s, but 110 ns to enter. */
import { crc32 } from 'node:zlib'
import type { Crc32 } from './kernel.ts'

export const crc32Node: Crc32 = (bytes, seed = 0) => crc32(bytes, seed)
