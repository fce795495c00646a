/** CRC-32 as segments use it (IEEE 802.3, reflected, polynomial 0xEDB88320). */
import { crc32 as zlibCrc32 } from 'node:zlib'
import type { Crc32 } from './kernel.ts'

export const crc32: Crc32 = zlibCrc32
