/** CRC-32 as segments use it (IEEE 802.3, reflected, polynomial 0xEDB88320). */
import { crc32Node } from './crc32-node.ts'
import { crc32Portable } from './crc32-portable.ts'
import type { Crc32 } from './kernel.ts'

/** Where entering node:zlib has paid for itself; entry headers are far below, entries mostly far above. */
const worthEntering = 192

export const crc32: Crc32 = (bytes, seed = 0) =>
  bytes.length < worthEntering ? crc32Portable(bytes, seed) : crc32Node(bytes, seed)
